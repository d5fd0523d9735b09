import { binary, cast, checkFloat } from '../../kernels/elementwise.ts';
import { reduce, reducedShape, type Axes } from '../../kernels/reduce.ts';
import { tidy } from '../../tensor/scope.ts';
import { sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { div, masked } from './binary.ts';
import { checkReduction, sum, type ReduceOptions } from './broadcast.ts';
import { reshape } from './shape.ts';

/**
 * Mean over some axes, or over all.
 *
 * @throws TypeError for integers, whose mean is seldom one; cast them to float32
 * @throws RangeError if there is nothing to average
 *
 * @example
 * const x = tensor([[1, 2], [3, 6]]);
 * console.log(await mean(x).item()); // 3
 * await mean(x, 0).print(); // Tensor(float32 [2]) [2., 4.]
 */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const keepDims = checkReduction('mean', x, options);
  checkFloat('mean', x);
  const { shape } = x;
  const { axes: list, dropped } = reducedShape('mean', shape, axes);
  const count = sizeOf(list.map((axis) => shape[axis]!));
  if (count === 0 && sizeOf(dropped) > 0) {
    throw new RangeError(`mean: [${shape}] has no elements along axes [${list}]`);
  }
  return tidy(() => div(sum(x, axes, { keepDims }), count));
}

function extreme(op: 'max' | 'min', x: Tensor, axes: Axes, options: ReduceOptions): Tensor {
  const keepDims = checkReduction(op, x, options);
  const { kept, axes: list } = reducedShape(op, x.shape, axes);
  const y = reduce(op, x, axes, keepDims);
  const backward = (dy: Tensor, [x, y]: readonly [Tensor, Tensor]) => [
    () => {
      // Elements that equal the extreme divide its gradient evenly, as in PyTorch's amax and amin. NaN equals NaN here.
      const mask = cast(binary('same', x, y.alias(kept)), 'float32');
      return masked(div(reshape(dy, kept), reduce('sum', mask, list, true)), mask);
    },
  ];
  return record(op, y, [x], [x, y], backward, { twice: true });
}

/**
 * Largest element along some axes, or of all; NaN if there is one. Elements that tie divide the gradient evenly.
 *
 * @example
 * const x = tensor([[1, 5], [7, 2]]);
 * console.log(await max(x).item()); // 7
 * await max(x, 1).print(); // Tensor(float32 [2]) [5., 7.]
 */
export const max = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => extreme('max', x, axes, options);

/**
 * Smallest element along some axes, or of all; NaN if there is one. Elements that tie divide the gradient evenly.
 *
 * @example
 * const x = tensor([[1, 5], [7, 2]]);
 * console.log(await min(x).item()); // 1
 * await min(x, 1).print(); // Tensor(float32 [2]) [1., 2.]
 */
export const min = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => extreme('min', x, axes, options);
