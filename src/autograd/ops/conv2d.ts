import { optionsOf } from '../../common/check.ts';
import { clearPixels } from '../../kernels/clear-pixels.ts';
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../../kernels/convolution/conv2d.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { conv2dShape, type Conv2dOptions } from '../../kernels/convolution/conv2d-geometry.ts';
import { reluScaleGrad } from '../../kernels/normalization.ts';
import { tidy } from '../../tensor/scope.ts';
import { sameShape, type Shape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { isRecording, needsGradient, record } from '../tape.ts';
import { mul } from './binary.ts';
import { sum } from './broadcast.ts';
import { epilogueOf, lazy, throughRelu, type Epilogue } from './epilogue.ts';
import { checkIndices } from './gather.ts';

export type { Conv2dOptions };

/** Defaults of the options of convolutions. */
export const CONV = { stride: 1, padding: 0, dilation: 1, groups: 1 };

/** What a convolution does to its result before it writes it: y = relu(scale result + bias + add). */
export interface ConvEpilogue extends Epilogue {
  /** [K], a constant factor per channel, such as that of a fixed normalisation: it gets no gradient. Default none. */
  readonly scale?: Tensor | null;
  /**
   * Pixels of the result (row * Q + column) that become 0 in every image, int32 [M]. Only with `relu`, whose derivative at 0 is 0.
   * Default none.
   */
  readonly clear?: Tensor | null;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning):
 *
 *     y[n, p, q, k] = bias[k] + sum over r, s, c of x[n, p stride - padding + r dilation, q ..., c] w[r, s, c, k]
 *
 * With `groups`, each group of neighbouring output channels k sums over the channels of the same group of x only (Krizhevsky
 * et al. 2012; Xie et al. 2017, ResNeXt), and as many groups as channels make a depthwise convolution (Chollet 2017;
 * Howard et al. 2017, MobileNet). All groups are computed by one launch. Groups of multiples of 64 output channels (32 on
 * llvmpipe) take the kernels of ungrouped convolution; smaller ones take simpler kernels, which on llvmpipe make a third as many
 * multiplications per second, or fewer.
 *
 * Its derivatives, for a gradient dy of y:
 *
 *     dx[n, h, w, c]    = sum over r, s, k of dy[n, (h + padding - r dilation) / stride, ..., k] w[r, s, c, k]
 *     dw[r, s, c, k]    = sum over n, p, q of x[n, p stride - padding + r dilation, ..., c] dy[n, p, q, k]
 *     dbias[k]          = sum over n, p, q of dy[n, p, q, k]
 *
 * A NaN or an infinity in x reaches the outputs whose window contains it. Where Winograd's algorithm is used (3x3 without
 * stride, many channels and pixels), it also makes NaN of the other outputs of the same tiles of 4x4, and values above about
 * 1e37 may overflow: the algorithm adds and subtracts neighbouring pixels.
 *
 * @param x [N, H, W, C]
 * @param w [R, S, C / groups, K]; PyTorch's is [K, C / groups, R, S]
 * @param bias [K], or null for none
 * @param after scale, sum and ReLU in the same pass
 * @returns [N, P, Q, K] with P = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1
 * @throws a RangeError if the shapes do not fit, the groups do not divide C and K, or the filter is larger than the padded
 *   image
 *
 * @example
 * const x = reshape(arange(0, 9), [1, 3, 3, 1]);
 * const w = reshape(tensor([1, 0, 0, 1]), [2, 2, 1, 1]);
 * const y = conv2d(x, w);
 * await reshape(y, [2, 2]).print();
 * // Tensor(float32 [2,2])
 * // [[ 4.,  6.],
 * //  [10., 12.]]
 * console.log(conv2d(zeros([2, 64, 64, 3]), zeros([3, 3, 3, 16]), null, { stride: 2, padding: 1 }).shape);
 * // [2, 32, 32, 16]
 */
export function conv2d(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null = null,
  options: Conv2dOptions = {},
  after: ConvEpilogue = {},
): Tensor {
  checkTensor('conv2d', 'x', x);
  checkTensor('conv2d', 'w', w);
  optionsOf('conv2d', options, CONV);
  const { scale, clear, ...rest } = optionsOf('conv2d', after, { scale: null, clear: null, add: null, relu: false });
  const [xShape, wShape] = [x.shape, w.shape];
  if (scale !== null) checkFloat('conv2d', scale);
  if (scale !== null && !sameShape(scale.shape, wShape.slice(3))) {
    throw new RangeError(`conv2d: scale [${scale.shape}] does not fit weight [${wShape}]: expected [${wShape[3]}]`);
  }
  const { add, relu } = epilogueOf('conv2d', conv2dShape(xShape, wShape, options), rest);
  if (clear !== null) checkIndices('conv2d', clear);
  if (clear !== null && !relu) throw new Error('conv2d: clear needs relu: true');
  const y = tidy(() => conv2dForward(x, w, bias, options, { scale, add, relu }, !isRecording()));
  if (clear !== null) clearPixels('conv2d', y, clear);
  const saved = [x, w, scale, relu ? y : null] as const;
  const isConvOnly = !needsGradient(bias) && !needsGradient(add);
  const backward = (dy: Tensor, [x, w, scale, y]: typeof saved) => {
    const dSum = lazy(() => throughRelu(dy, y)); // Of scale conv + bias + add.
    // The gradient before ReLU is a tensor of its own only if another input or a second derivative needs it.
    const isOnce = y !== null && isConvOnly && !isRecording();
    const dConv = lazy(() =>
      scale === null ? dSum() : isOnce ? reluScaleGrad('conv2d gradient', dy, y, scale) : mul(dSum(), scale),
    );
    const dx = Object.assign(() => inputGradient(dConv(), w, xShape, options), {
      plus: (other: Tensor) => conv2dGradInput(dConv(), w, xShape, options, other),
    });
    return [dx, () => weightGradient(dConv(), x, wShape, options), () => sum(dSum(), [0, 1, 2]), dSum];
  };
  return record('conv2d', y, [x, w, bias, add], saved, backward, { twice: true });
}

// A convolution and its two gradients are linear in each operand, and the derivatives of each are the other two.

function inputGradient(dy: Tensor, w: Tensor, xShape: Shape, options: Conv2dOptions): Tensor {
  const wShape = w.shape;
  const dx = conv2dGradInput(dy, w, xShape, options);
  const backward = (ddx: Tensor, [dy, w]: readonly [Tensor, Tensor]) => [
    () => conv2d(ddx, w, null, options),
    () => weightGradient(dy, ddx, wShape, options),
  ];
  return record('conv2d input gradient', dx, [dy, w], [dy, w], backward, { twice: true });
}

/** The gradient of the filter of conv2d(x, w), as an operation. */
export function weightGradient(dy: Tensor, x: Tensor, wShape: Shape, options: Conv2dOptions): Tensor {
  const xShape = x.shape;
  const dw = conv2dGradWeight(dy, x, wShape, options);
  const backward = (ddw: Tensor, [dy, x]: readonly [Tensor, Tensor]) => [
    () => conv2d(x, ddw, null, options),
    () => inputGradient(dy, ddw, xShape, options),
  ];
  return record('conv2d weight gradient', dw, [dy, x], [dy, x], backward, { twice: true });
}
