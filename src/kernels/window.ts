import type { Shape } from '../tensor/shape.ts';

// Windows that move over an image: the filters of convolutions, and pooling.

/** A number for each axis of an image: rows, columns. */
export type Pair = readonly [number, number];

/** The size of a window and how it moves. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Border before the first row and column. */
  readonly padding: Pair;
  /** Border after the last row and column. */
  readonly after: Pair;
  readonly dilation: Pair;
}

/** A window as kernels take it. */
export const windowParams = ([kernelY, kernelX]: Shape, { stride, padding, dilation }: Omit<Window, 'kernel'>) => ({
  kernelY: kernelY!,
  kernelX: kernelX!,
  strideY: stride[0],
  strideX: stride[1],
  padY: padding[0],
  padX: padding[1],
  dilationY: dilation[0],
  dilationX: dilation[1],
});

/**
 * Positions of a window on an image [N, H, W, C]: rows and columns of the result, below 1 if the window does not fit.
 *
 *     P = floor((H + padding + after - dilation (kernel - 1) - 1) / stride) + 1, and Q likewise
 *
 * @param ceilMode rounds up instead, so that a last window may reach over the end; as in PyTorch, it must start in the
 *   image or in the padding before it
 */
export function positionsOf(
  [, ...size]: Shape,
  { kernel, stride, padding, after, dilation }: Window,
  ceilMode = false,
): [p: number, q: number] {
  const along = (axis: 0 | 1): number => {
    const begin = size[axis]! + padding[axis];
    const steps = (begin + after[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis];
    if (!ceilMode) return Math.floor(steps) + 1;
    return Math.min(Math.ceil(steps) + 1, Math.ceil(begin / stride[axis]));
  };
  return [along(0), along(1)];
}
