import { checkInteger, optionsOf, pairOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CONV, conv2d } from './conv2d.ts';
import { reshape } from './shape.ts';

export interface Conv1dOptions {
  /** Positions between neighbouring windows. Default 1. */
  readonly stride?: number;
  /** Zeros on either side, as [before, after], or `'same'` for as many as keep the length (as in `Conv2dOptions`). Default 0. */
  readonly padding?: number | readonly [before: number, after: number] | 'same';
  /** Positions between neighbouring taps of the filter. Default 1. */
  readonly dilation?: number;
  /** Groups of neighbouring channels, as in `Conv2dOptions`. Default 1. */
  readonly groups?: number;
}

const op = 'conv1d';

/**
 * One-dimensional convolution over sequences: `conv2d` on images of one row.
 *
 *     y[n, p, k] = bias[k] + sum over r, c of x[n, p stride - padding + r dilation, c] w[r, c, k]
 *
 * @param x [N, L, C]
 * @param w [R, C / groups, K]; PyTorch's is [K, C / groups, R]
 * @param bias [K], or null for none
 * @returns [N, P, K] with P = floor((L + 2 padding - dilation (R - 1) - 1) / stride) + 1
 * @throws a RangeError if the shapes do not fit, the groups do not divide C and K, or the filter is longer than the padded
 *   sequence
 *
 * @example
 * const x = reshape(tensor([1, 2, 4, 7]), [1, 4, 1]);
 * const w = reshape(tensor([-1, 1]), [2, 1, 1]);
 * await flatten(conv1d(x, w)).print(); // Tensor(float32 [3]) [1., 2., 3.]
 */
export function conv1d(x: Tensor, w: Tensor, bias: Tensor | null = null, options: Conv1dOptions = {}): Tensor {
  checkFloat(op, x, w);
  const { stride, padding, dilation, groups } = optionsOf(op, options, CONV);
  checkInteger(op, 'stride', stride, { min: 1 });
  checkInteger(op, 'dilation', dilation, { min: 1 });
  checkInteger(op, 'groups', groups, { min: 1 });
  check(x, w, bias, groups);
  const [n, length, channels] = x.shape as [number, number, number];
  const [r, perGroup, k] = w.shape as [number, number, number];
  const across = acrossOf(padding, stride, dilation * (r - 1));
  if (length + across[0] + across[1] < dilation * (r - 1) + 1) {
    throw new RangeError(`${op}: a filter [${w.shape}] is longer than the input [${x.shape}] with padding [${across}]`);
  }
  return tidy(() => {
    const rows = reshape(x, [n, 1, length, channels]);
    const y = conv2d(rows, reshape(w, [1, r, perGroup, k]), bias, {
      stride: [1, stride],
      padding: [[0, 0], across],
      dilation: [1, dilation],
      groups,
    });
    return reshape(y, [n, y.shape[2]!, k]);
  });
}

/** Padding before and after the sequence, for a filter of `reach` + 1 positions. */
function acrossOf(
  padding: NonNullable<Conv1dOptions['padding']>,
  stride: number,
  reach: number,
): readonly [number, number] {
  if (padding === 'same') {
    if (stride !== 1) throw new RangeError(`${op}: padding is "same" with stride ${stride}, expected stride 1`);
    return [Math.floor(reach / 2), Math.ceil(reach / 2)];
  }
  return pairOf(op, 'padding', padding, 0);
}

function check({ shape: x }: Tensor, { shape: w }: Tensor, bias: Tensor | null, groups: number): void {
  if (x.length !== 3 || w.length !== 3 || x[2] !== w[1]! * groups) {
    const expected = groups === 1 ? '[R, C, K] with the same C' : `[R, C / ${groups}, K] for ${groups} groups`;
    throw new RangeError(`${op}: input [${x}] and weight [${w}] do not fit: expected [N, L, C] and ${expected}`);
  }
  if (w[2]! % groups !== 0) {
    throw new RangeError(`${op}: ${w[2]} output channels of weight [${w}] do not divide into ${groups} groups`);
  }
  if (bias !== null) checkFloat(op, bias);
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== w[2])) {
    throw new RangeError(`${op}: bias [${bias.shape}] does not fit weight [${w}]: expected [${w[2]}]`);
  }
}
