import { ref, type Ref } from './array.ts';
import { philox4x32 } from './philox.ts';

/** x / (1 - p) where 24 random bits are at least p 2^24, otherwise 0; four elements share a counter. */
export function dropout(x: Ref, p: number, seed: number): Ref {
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  let bits: readonly number[] = [];
  const values = x.data.map((value, i) => {
    if (i % 4 === 0) bits = philox4x32([i / 4, 0, 0, 0], key);
    return bits[i % 4]! >>> 8 >= Math.round(p * 2 ** 24) ? value / (1 - p) : 0;
  });
  return ref(x.shape, values);
}
