import { unary } from '../../kernels/elementwise.ts';
import { sumOfSquares } from '../../kernels/reduce.ts';
import { argmax as argmaxKernel } from '../../kernels/select.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { recordComparison } from '../tape.ts';

// Operations without a gradient. They are not recorded: gradients end at their result.

export {
  fromPixels,
  toPixels,
  type FromPixelsOptions,
  type PixelData,
  type PixelSource,
  type PixelTarget,
  type ToPixelsOptions,
} from '../../kernels/pixels.ts';

// These change a tensor in place. Autograd throws if `backward` needs the value that was overwritten.
export { assign } from '../../kernels/copy.ts';
export { axpby, axpbyAll, scaleAll } from '../../kernels/update.ts';

/**
 * Position of the largest element along an axis, int32. Of equal elements the first counts; NaN counts as largest.
 *
 * @example
 * await argmax(tensor([[1, 9, 3], [7, 2, 7]]), 1).print(); // Tensor(int32 [2]) [1, 0]
 */
export const argmax = (x: Tensor, axis: number): Tensor<'int32'> => positionOf('argmax', x, axis);

/**
 * Position of the smallest element along an axis, int32. Of equal elements the first counts; NaN counts as smallest.
 *
 * @example
 * await argmin(tensor([[1, 9, 3], [7, 2, 7]]), 1).print(); // Tensor(int32 [2]) [0, 1]
 */
export const argmin = (x: Tensor, axis: number): Tensor<'int32'> => positionOf('argmin', x, axis);

function positionOf(op: 'argmax' | 'argmin', x: Tensor, axis: number): Tensor<'int32'> {
  checkTensor(op, 'x', x);
  const at = normalizeAxis(op, axis, x.shape.length);
  if (x.shape[at] === 0) throw new RangeError(`${op}: [${x.shape}] has no elements along axis ${at}`);
  recordComparison(x);
  return argmaxKernel(op, x, at);
}

/** Euclidean norm of one or more tensors taken as one vector, a scalar. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const sum = sumOfSquares('globalNorm', tensors);
  const norm = unary('sqrt', sum);
  sum.dispose();
  return norm;
}
