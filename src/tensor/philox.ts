/** High 32 bits of the product of two 32-bit numbers. Stays within 32-bit integers, which engines compute fastest. */
function mulHigh(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = (Math.imul(ah, bl) + (Math.imul(al, bl) >>> 16)) | 0;
  const cross = (Math.imul(al, bh) + (middle & 0xffff)) | 0;
  return (Math.imul(ah, bh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): four random 32-bit numbers as a
 * pure function of a counter and a key, so that every element of a tensor can be computed alone and in any order.
 * kernels/wgsl/random_uniform.wgsl is the same function on the GPU.
 *
 * @param out receives the four numbers: a network has millions of weights, and an array for each would take longer
 *   than the numbers
 */
export function philox(counter: number, key: number, out: Uint32Array): void {
  let [x0, x1, x2, x3] = [counter | 0, Math.floor(counter / 2 ** 32) | 0, 0, 0];
  let [k0, k1] = [key | 0, Math.floor(key / 2 ** 32) | 0];
  for (let round = 0; round < 10; round++) {
    const h0 = mulHigh(0xd2511f53, x0);
    const h1 = mulHigh(0xcd9e8d57, x2);
    const l0 = Math.imul(0xd2511f53, x0);
    x0 = h1 ^ x1 ^ k0;
    x1 = Math.imul(0xcd9e8d57, x2);
    x2 = h0 ^ x3 ^ k1;
    x3 = l0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}
