type Counter = readonly [number, number, number, number];
type Key = readonly [number, number];

/**
 * Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): four random words of a counter
 * and a key, all unsigned 32-bit. Known answers: counter 0, key 0 gives 6627e8d5 e169c58d bc57ac4c 9b00dbd8; all ones give
 * 408f276d 41c83b0e a20bc7c6 6d5451fd.
 */
export function philox4x32(counter: Counter, key: Key): [number, number, number, number] {
  const mask = 0xffff_ffffn;
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const first = 0xd251_1f53n * a;
    const second = 0xcd9e_8d57n * c;
    [a, b, c, d] = [(second >> 32n) ^ b ^ k0, second & mask, (first >> 32n) ^ d ^ k1, first & mask];
    // Weyl sequence of the golden ratio and of sqrt(3) - 1.
    k0 = (k0 + 0x9e37_79b9n) & mask;
    k1 = (k1 + 0xbb67_ae85n) & mask;
  }
  return [Number(a), Number(b), Number(c), Number(d)];
}
