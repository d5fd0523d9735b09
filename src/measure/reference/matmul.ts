import type { Reference, Values } from './array.ts';

/** The product of two matrices, [m, k] and [k, n]. */
export function matmul(a: Values, b: Values): Reference {
  const [m, k] = a.shape as readonly [number, number];
  const n = b.shape[1]!;
  return {
    shape: [m, n],
    at(i: number, j: number) {
      let total = 0;
      for (let l = 0; l < k; l++) total += a.data[i * k + l]! * b.data[l * n + j]!;
      return total;
    },
  };
}
