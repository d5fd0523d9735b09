import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../../kernels/conv2d.ts';
import { conv2dShape, type Conv2dOptions } from '../../kernels/conv2d-geometry.ts';
import { binary } from '../../kernels/elementwise.ts';
import { reduce } from '../../kernels/reduce.ts';
import { sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { checkEpilogue, lazy, throughRelu, type Epilogue } from './epilogue.ts';

export type { Conv2dOptions };

/** What a convolution does to its result before it writes it: y = relu(scale result + bias + add). */
export interface ConvEpilogue extends Epilogue {
  /** [K], a constant factor per channel, such as that of a fixed normalisation: it gets no gradient. Default none. */
  readonly scale?: Tensor | null;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning):
 *
 *     y[n, p, q, k] = bias[k] + sum over r, s, c of x[n, p stride - padding + r dilation, q ..., c] w[r, s, c, k]
 *
 * Its derivatives, for a gradient dy of y:
 *
 *     dx[n, h, w, c]    = sum over r, s, k of dy[n, (h + padding - r dilation) / stride, ..., k] w[r, s, c, k]
 *     dw[r, s, c, k]    = sum over n, p, q of x[n, p stride - padding + r dilation, ..., c] dy[n, p, q, k]
 *     dbias[k]          = sum over n, p, q of dy[n, p, q, k]
 *
 * @param x [N, H, W, C]
 * @param w [R, S, C, K]
 * @param bias [K], or null for none
 * @param after scale, sum and ReLU in the same pass
 * @returns [N, P, Q, K] with P = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1
 */
export function conv2d(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null = null,
  options: Conv2dOptions = {},
  after: ConvEpilogue = {},
): Tensor {
  const [xShape, wShape] = [x.shape, w.shape];
  const { scale = null, add = null, relu = false } = after;
  if (scale !== null && !sameShape(scale.shape, wShape.slice(3))) {
    throw new RangeError(`conv2d: scale [${scale.shape}] does not fit weight [${wShape}]: expected [${wShape[3]}]`);
  }
  checkEpilogue('conv2d', conv2dShape(xShape, wShape, options), after);
  const y = conv2dForward(x, w, bias, options, { scale, add, relu });
  const saved = [x, w, scale, relu ? y : null] as const;
  return record('conv2d', y, [x, w, bias, add], saved, (dy, [x, w, scale, y]) => {
    const dSum = lazy(() => throughRelu(dy, y)); // Of scale conv + bias + add.
    const dConv = lazy(() => (scale === null ? dSum() : binary('mul', dSum(), scale)));
    return [
      () => conv2dGradInput(dConv(), w, xShape, options),
      () => conv2dGradWeight(dConv(), x, wShape, options),
      () => reduce('sum', dSum(), [0, 1, 2]),
      dSum,
    ];
  });
}
