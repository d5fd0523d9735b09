import { optionsOf } from '../../common/check.ts';
import { convTranspose2dForward } from '../../kernels/convolution/conv2d.ts';
import type { ConvTranspose2dOptions } from '../../kernels/convolution/conv2d-geometry.ts';
import { tidy } from '../../tensor/scope.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { sum } from './broadcast.ts';
import { CONV, conv2d, weightGradient } from './conv2d.ts';

export type { ConvTranspose2dOptions };

/**
 * Transposed convolution: the input gradient of a convolution as an operation of its own (Zeiler et al. 2010; Dumoulin and
 * Visin 2016, "A guide to convolution arithmetic"). Each pixel of x is multiplied by the filter and added to the result, so
 * that a stride enlarges the image:
 *
 *     y[n, h stride - padding + r dilation, v ..., c] += x[n, h, v, k] w[r, s, c, k]
 *
 * The filter is that of the convolution whose gradient it is, from y to x: `convTranspose2d(dy, w, null, options)` is the input
 * gradient of `conv2d(x, w, null, options)`.
 *
 * @param x [N, H, W, K]
 * @param w [R, S, C / groups, K], output channels before input channels; PyTorch's is [K, C / groups, R, S]
 * @param bias [C], or null for none
 * @returns [N, P, Q, C] with P = (H - 1) stride - 2 padding + dilation (R - 1) + outputPadding + 1
 * @throws a RangeError if the shapes do not fit, the groups do not divide C and K, the output padding is not smaller than the
 *   stride, or the result would be empty
 *
 * @example
 * const x = reshape(tensor([1, 2]), [1, 1, 2, 1]);
 * const w = ones([1, 2, 1, 1]);
 * await flatten(convTranspose2d(x, w, null, { stride: [1, 2] })).print(); // Tensor(float32 [4]) [1., 1., 2., 2.]
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose2dOptions = {},
): Tensor {
  checkTensor('convTranspose2d', 'x', x);
  checkTensor('convTranspose2d', 'w', w);
  optionsOf('convTranspose2d', options, { ...CONV, outputPadding: 0 });
  const wShape = w.shape;
  const { outputPadding: _, ...forward } = options; // of the convolution whose gradient this is
  const y = tidy(() => convTranspose2dForward(x, w, bias, options));
  const backward = (dy: Tensor, [x, w]: readonly [Tensor, Tensor]) => [
    () => conv2d(dy, w, null, forward),
    () => weightGradient(x, dy, wShape, options),
    () => sum(dy, [0, 1, 2]),
  ];
  return record('convTranspose2d', y, [x, w, bias], [x, w], backward, { twice: true });
}
