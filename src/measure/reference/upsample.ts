import type { Reference, Values } from './array.ts';

/** Nearest neighbour to any size: output i reads input floor(i * in / out). */
export function upsampleNearest(x: Values, [height, width]: readonly [number, number]): Reference {
  const [N, H, W, C] = x.shape as readonly [number, number, number, number];
  return {
    shape: [N, height, width, C],
    at(n: number, p: number, q: number, c: number) {
      const [h, v] = [Math.floor((p * H) / height), Math.floor((q * W) / width)];
      return x.data[((n * H + h) * W + v) * C + c]!;
    },
  };
}
