import { gatherStrided } from '../../kernels/copy.ts';
import { binary, cast } from '../../kernels/elementwise.ts';
import { reduce, reducedShape, type Axes } from '../../kernels/reduce.ts';
import { broadcastStrides, sizeOf, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

export interface ReduceOptions {
  /** Keep the reduced axes with extent 1, so that the result broadcasts against x. Default false. */
  readonly keepDims?: boolean;
}

/** The gradient of a reduction's result, stretched over the axes that were reduced. */
function stretch(dy: Tensor, kept: Shape, shape: Shape): Tensor {
  const start = { start: 0, strides: broadcastStrides(kept, shape) };
  return gatherStrided('reduction gradient', dy, start, shape);
}

/** Sum over some axes, or over all. An axis without elements sums to 0. */
export function sum(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  const { shape } = x;
  const { kept } = reducedShape('sum', shape, axes);
  return record('sum', reduce('sum', x, axes, keepDims), [x], [], (dy) => [() => stretch(dy, kept, shape)]);
}

/** Mean over some axes, or over all. */
export function mean(x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor {
  const { shape } = x;
  const { kept, axes: list } = reducedShape('mean', shape, axes);
  const count = sizeOf(list.map((axis) => shape[axis]!));
  if (count === 0) throw new RangeError(`mean: [${shape}] has no elements along axes [${list}]`);
  const total = reduce('sum', x, axes, keepDims);
  const y = binary('div', total, count);
  total.dispose();
  return record('mean', y, [x], [], (dy) => [() => stretch(binary('div', dy, count), kept, shape)]);
}

function extreme(op: 'max' | 'min', x: Tensor, axes: Axes, keepDims: boolean): Tensor {
  const { shape } = x;
  const { kept, axes: list } = reducedShape(op, shape, axes);
  const y = reduce(op, x, axes, keepDims);
  return record(op, y, [x], [x, y], (dy, [x, y]) => [
    () => {
      // Elements that equal the extreme share its gradient evenly, as in PyTorch's amax and amin.
      const mask = cast(binary('equal', x, y.view(kept)), 'float32');
      const ties = reduce('sum', mask, list, true);
      return binary('mul', mask, binary('div', dy.view(kept), ties));
    },
  ]);
}

/** Largest element along some axes, or of all. Elements that tie share the gradient. */
export const max = (x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor =>
  extreme('max', x, axes, keepDims);

/** Smallest element along some axes, or of all. Elements that tie share the gradient. */
export const min = (x: Tensor, axes?: Axes, { keepDims = false }: ReduceOptions = {}): Tensor =>
  extreme('min', x, axes, keepDims);
