/** High 32 bits of the product of two 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const low = al * bl;
  const middle = ah * bl + (low >>> 16);
  const cross = al * bh + (middle % 0x10000);
  return (ah * bh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): four random 32-bit numbers as a
 * pure function of a counter and a key, so that every element of a tensor can be computed alone and in any order.
 * kernels/wgsl/random_uniform.wgsl is the same function on the GPU.
 */
export function philox(counter: number, key: number): [number, number, number, number] {
  let [x0, x1, x2, x3] = [counter >>> 0, Math.floor(counter / 2 ** 32) >>> 0, 0, 0];
  let [k0, k1] = [key >>> 0, Math.floor(key / 2 ** 32) >>> 0];
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = [mulHigh(0xd2511f53, x0), Math.imul(0xd2511f53, x0) >>> 0];
    const [h1, l1] = [mulHigh(0xcd9e8d57, x2), Math.imul(0xcd9e8d57, x2) >>> 0];
    [x0, x1, x2, x3] = [(h1 ^ x1 ^ k0) >>> 0, l1, (h0 ^ x3 ^ k1) >>> 0, l0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [x0, x1, x2, x3];
}
