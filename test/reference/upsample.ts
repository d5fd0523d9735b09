import { upsampleNearest as reference } from '../../src/measure/reference/upsample.ts';
import { at, build, evaluate, type Ref } from './array.ts';

type Size = readonly [height: number, width: number];

/** Nearest neighbour to any size. */
export const upsampleNearest = (x: Ref, size: Size): Ref => evaluate(reference(x, size));

/** The two inputs that output i lies between, and the weight of the second: pixel centres, clamped at the upper edge. */
function between(i: number, extent: number, size: number): readonly [low: number, high: number, weight: number] {
  const source = Math.max(0, ((i + 0.5) * extent) / size - 0.5);
  const low = Math.floor(source);
  return [low, Math.min(low + 1, extent - 1), source - low];
}

/** Bilinear to any size with the rules of PyTorch's `interpolate` (align_corners false, no antialiasing). */
export function upsampleBilinear(x: Ref, [height, width]: Size): Ref {
  const [N, H, W, C] = x.shape as [number, number, number, number];
  return build([N, height, width, C], ([n, p, q, c]) => {
    const [top, bottom, down] = between(p!, H, height);
    const [left, right, across] = between(q!, W, width);
    const row = (h: number): number => (1 - across) * at(x, [n!, h, left, c!]) + across * at(x, [n!, h, right, c!]);
    return (1 - down) * row(top) + down * row(bottom);
  });
}
