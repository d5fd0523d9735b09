import { optionsOf } from '../../common/check.ts';
import { gatherStrided } from '../../kernels/copy.ts';
import { cast } from '../../kernels/elementwise.ts';
import { reduce, reducedShape, type Axes } from '../../kernels/reduce.ts';
import { tidy } from '../../tensor/scope.ts';
import type { DType } from '../../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, checkShape, sameShape, type Shape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { reshape } from './shape.ts';

// Stretching and summing: each is the derivative of the other.

export interface ReduceOptions {
  /** Keep the reduced axes with extent 1, so that the result broadcasts against x. Default false. */
  readonly keepDims?: boolean;
}

/**
 * x stretched to a shape that it broadcasts to.
 *
 * @example
 * await broadcastTo(tensor([1, 2]), [3, 2]).print();
 * // Tensor(float32 [3,2])
 * // [[1., 2.],
 * //  [1., 2.],
 * //  [1., 2.]]
 */
export function broadcastTo<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  checkTensor('broadcastTo', 'x', x);
  checkShape('broadcastTo', shape);
  const from = x.shape;
  if (!sameShape(broadcastShapes('broadcastTo', from, shape), shape)) {
    throw new RangeError(`broadcastTo: [${from}] does not stretch to [${shape}]`);
  }
  const y = gatherStrided('broadcastTo', x, { start: 0, strides: broadcastStrides(from, shape) }, shape);
  return record('broadcastTo', y, [x], [], (dy) => [() => sumTo(dy, from)], { twice: true });
}

/** Checks the arguments of a reduction. Returns whether it keeps the reduced axes. */
export function checkReduction(op: string, x: Tensor, options: ReduceOptions): boolean {
  checkTensor(op, 'x', x);
  return optionsOf(op, options, { keepDims: false }).keepDims;
}

/**
 * Sum over some axes, or over all. An axis without elements sums to 0. The sum of bools is their number, int32.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * console.log(await sum(x).item()); // 10
 * await sum(x, 0).print(); // Tensor(float32 [2]) [4., 6.]
 * await sum(x, 1, { keepDims: true }).print();
 * // Tensor(float32 [2,1])
 * // [[3.],
 * //  [7.]]
 */
export function sum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const keepDims = checkReduction('sum', x, options);
  const { shape } = x;
  const { kept } = reducedShape('sum', shape, axes);
  if (x.dtype === 'bool') return tidy(() => reduce('sum', cast(x, 'int32'), axes, keepDims));
  const backward = (dy: Tensor) => [() => broadcastTo(reshape(dy, kept), shape)];
  return record('sum', reduce('sum', x, axes, keepDims), [x], [], backward, { twice: true });
}

/** Sums a gradient over the axes along which an operand of `shape` was stretched. May return its argument. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const axes = [...g.shape.keys()].filter((d) => d < lead || (shape[d - lead] === 1 && g.shape[d] !== 1));
  return reshape(sum(g, axes), shape);
}
