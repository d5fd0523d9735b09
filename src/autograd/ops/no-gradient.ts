import { unary } from '../../kernels/elementwise.ts';
import { sumOfSquares } from '../../kernels/reduce.ts';
import { argmax as argmaxKernel } from '../../kernels/select.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

// Operations without a gradient. They are not recorded: gradients end at their result.

export { cast } from '../../kernels/elementwise.ts';

// These change a tensor in place. Autograd throws if `backward` needs the value that was overwritten.
export { assign } from '../../kernels/copy.ts';
export { axpby, axpbyAll, scaleAll } from '../../kernels/update.ts';

/** Position of the largest element along an axis, int32. Of equal elements the first counts; NaN counts as largest. */
export function argmax(x: Tensor, axis: number): Tensor<'int32'> {
  const at = normalizeAxis('argmax', axis, x.shape.length);
  if (x.shape[at] === 0) throw new RangeError(`argmax: [${x.shape}] has no elements along axis ${at}`);
  return argmaxKernel(x, at);
}

/** Euclidean norm of one or more tensors taken as one vector, a scalar. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const sum = sumOfSquares('globalNorm', tensors);
  const norm = unary('sqrt', sum);
  sum.dispose();
  return norm;
}
