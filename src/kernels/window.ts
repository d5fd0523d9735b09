import { checkInteger } from '../common/check.ts';
import type { Shape } from '../tensor/shape.ts';

// Windows that move over an image: the filters of convolutions, and pooling.

/** A number for each axis of an image: rows, columns. */
export type Pair = readonly [number, number];

/** The size of a window and how it moves. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** An option given for both axes or as [height, width]. Throws a RangeError unless it is made of integers >= `min`. */
export function pairOf(op: string, name: string, value: number | Pair, min: number): Pair {
  const pair: Pair = typeof value === 'number' ? [value, value] : value;
  for (const number of pair) checkInteger(op, name, number, { min });
  return pair;
}

/**
 * Positions of a window on an image [N, H, W, C]: rows and columns of the result, below 1 if the window does not fit.
 *
 *     P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, and Q likewise
 */
export function positionsOf([, ...size]: Shape, { kernel, stride, padding, dilation }: Window): [p: number, q: number] {
  const along = (axis: 0 | 1): number => {
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    return Math.floor((size[axis]! + 2 * padding[axis] - reach) / stride[axis]) + 1;
  };
  return [along(0), along(1)];
}
