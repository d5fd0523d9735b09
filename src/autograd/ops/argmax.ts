import { argmax as argmaxKernel } from '../../kernels/select.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Position of the largest element along an axis, as int32; the first of equals, and a NaN counts as largest. */
export function argmax(x: Tensor, axis: number): Tensor<'int32'> {
  const at = normalizeAxis('argmax', axis, x.shape.length);
  if (x.shape[at] === 0) throw new RangeError(`argmax: [${x.shape}] has no elements along axis ${at}`);
  return argmaxKernel(x, at);
}
