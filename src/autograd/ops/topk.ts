import { checkInteger } from '../../common/check.ts';
import { binary, cast, checkFloat, fill } from '../../kernels/elementwise.ts';
import { reduce } from '../../kernels/reduce.ts';
import { topK as topKKernel } from '../../kernels/select.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/**
 * The k largest elements along the last axis, in descending order; the first of equals comes first, and a NaN counts as
 * largest. Gradients flow through the values. The work grows with the square of the axis's extent.
 *
 * @returns values [..., k] and their positions [..., k], int32
 */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor<'int32'> } {
  checkFloat('topK', x);
  const { shape, device } = x;
  const n = shape.at(-1);
  if (n === undefined) throw new RangeError('topK: expected a tensor with an axis, got a scalar');
  checkInteger('topK', 'k', k, { min: 0, max: n });
  const { values, indices } = topKKernel(x, k);
  record('topK', values, [x], [indices], (dy, [indices]) => [
    () => {
      // dx[..., j] = sum over the k places of dy where the place holds position j.
      const positions = empty(device, [n], 'int32', 'topK gradient');
      fill(positions, 0, 1);
      const column = [...shape.slice(0, -1), k, 1];
      const chosen = cast(binary('equal', indices.view(column), positions), 'float32');
      return reduce('sum', binary('mul', chosen, dy.view(column)), -2);
    },
  ]);
  return { values, indices };
}
