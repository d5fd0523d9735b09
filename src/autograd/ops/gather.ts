import { gather as gatherKernel, gatherGrad } from '../../kernels/select.ts';
import type { DType } from '../../tensor/dtype.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/**
 * Picks elements along an axis, as PyTorch's index_select does for indices of any shape.
 *
 * @param indices int32 of any shape, counted from 0. An index out of range, which is only known on the GPU, gives NaN (for
 *   int32 the most negative and for uint32 the largest number) and gets no gradient.
 * @returns x's shape with the axis replaced by the shape of the indices
 */
export function gather<D extends DType>(x: Tensor<D>, indices: Tensor, axis = 0): Tensor<D> {
  const at = normalizeAxis('gather', axis, x.shape.length);
  const { shape } = x;
  if (indices.dtype !== 'int32')
    throw new TypeError(`gather: indices ${indices} must be int32; convert them with cast()`);
  if (shape[at] === 0 && indices.size > 0) throw new RangeError(`gather: axis ${at} of [${shape}] has nothing to pick`);
  return record('gather', gatherKernel(x, indices, at), [x], [indices], (dy, [indices]) => [
    () => gatherGrad(dy, indices!, shape, at),
  ]);
}
