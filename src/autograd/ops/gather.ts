import { flatIndices, scatterSum } from '../../kernels/scatter.ts';
import { gather as gatherKernel } from '../../kernels/select.ts';
import type { DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { broadcastShapes, normalizeAxis, sameShape, sizeOf, type Shape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { broadcastTo } from './broadcast.ts';
import { concat, reshape, slice } from './shape.ts';

/** How elements are picked: where from, and what is known of the indices. */
interface Pick {
  readonly op: string;
  readonly axis: number;
  /** What an index out of range gives. */
  readonly missing: 'outside' | 'zero';
  /** Whether no index occurs twice. */
  readonly distinct: boolean;
}

function pick<D extends DType>(x: Tensor<D>, indices: Tensor, how: Pick): Tensor<D> {
  const { op, axis, missing } = how;
  const { shape } = x;
  const backward = (dy: Tensor, [indices]: readonly [Tensor]) => [
    () => putBack(dy, indices, shape, { ...how, op: `${op} gradient`, missing: 'zero' }),
  ];
  return record(op, gatherKernel(op, x, indices, axis, missing), [x], [indices], backward, { twice: true });
}

/** The derivative of `pick`, whose own derivative is `pick` again. */
function putBack<D extends DType>(y: Tensor<D>, indices: Tensor, shape: Shape, how: Pick): Tensor<D> {
  const { op, axis, distinct } = how;
  const backward = (dx: Tensor, [indices]: readonly [Tensor]) => [() => pick(dx, indices, how)];
  return record(op, scatterSum(op, y, indices, shape, axis, distinct), [y], [indices], backward, { twice: true });
}

/** Throws unless the indices are int32. */
export function checkIndices(op: string, indices: Tensor): void {
  checkTensor(op, 'indices', indices);
  if (indices.dtype !== 'int32') {
    throw new TypeError(`${op}: indices ${indices} must be int32; convert them with cast()`);
  }
}

/**
 * Picks elements along an axis, as PyTorch's index_select does for indices of any shape.
 *
 * @param indices int32 of any shape, counted from 0. An index out of range, which is only known on the GPU, gives NaN (for
 *   int32 the most negative and for uint32 the largest number) and gets no gradient.
 * @returns x's shape with the axis replaced by the shape of the indices
 *
 * @example
 * const table = tensor([[1, 2], [3, 4], [5, 6]]);
 * await gather(table, tensor([2, 0], { dtype: 'int32' })).print();
 * // Tensor(float32 [2,2])
 * // [[5., 6.],
 * //  [1., 2.]]
 */
export function gather<D extends DType>(x: Tensor<D>, indices: Tensor, axis = 0): Tensor<D> {
  checkTensor('gather', 'x', x);
  const at = normalizeAxis('gather', axis, x.shape.length);
  checkIndices('gather', indices);
  if (x.shape[at] === 0 && indices.size > 0) {
    throw new RangeError(`gather: axis ${at} of [${x.shape}] has nothing to pick`);
  }
  return pick(x, indices, { op: 'gather', axis: at, missing: 'outside', distinct: false });
}

/** `gather` in the name of `op`, with indices of which none occurs twice, so that its derivative does not sort them. */
export const gatherDistinct = <D extends DType>(op: string, x: Tensor<D>, indices: Tensor, axis: number): Tensor<D> =>
  pick(x, indices, { op, axis, missing: 'outside', distinct: true });

/**
 * Picks one element of x along an axis for each index, as NumPy's take_along_axis, PyTorch's take_along_dim and, where the
 * shapes are equal except along the axis, PyTorch's gather: `y[i, j] = x[indices[i, j], j]` for axis 0 of two.
 *
 * @param indices int32 of x's rank, counted from 0, as `argsort` and `topK` return them. Along the other axes, extents are
 *   equal or 1, which broadcasts. An index out of range gives what it does in `gather`.
 * @returns the shape of the indices, stretched along the other axes
 *
 * @example
 * const x = tensor([[3, 1, 2], [9, 7, 8]]);
 * await takeAlongAxis(x, argsort(x), 1).print();
 * // Tensor(float32 [2,3])
 * // [[1., 2., 3.],
 * //  [7., 8., 9.]]
 */
export function takeAlongAxis<D extends DType>(x: Tensor<D>, indices: Tensor, axis: number): Tensor<D> {
  return takeAlong('takeAlongAxis', x, indices, axis, false);
}

/** `takeAlongAxis` in the name of `op`; `distinct` promises that no index occurs twice in a row. */
export function takeAlong<D extends DType>(
  op: string,
  x: Tensor<D>,
  indices: Tensor,
  axis: number,
  distinct: boolean,
): Tensor<D> {
  checkTensor(op, 'x', x);
  const at = normalizeAxis(op, axis, x.shape.length);
  checkIndices(op, indices);
  if (indices.shape.length !== x.shape.length) {
    throw new RangeError(
      `${op}: indices [${indices.shape}] and [${x.shape}] differ in rank, expected one axis for each`,
    );
  }
  const others = x.shape.map((extent, d) => (d === at ? indices.shape[d]! : extent));
  const shape = broadcastShapes(op, others, indices.shape);
  if (x.size === 0 && sizeOf(shape) > 0) {
    throw new RangeError(`${op}: axis ${at} of [${x.shape}] has nothing to pick`);
  }
  return tidy(() => {
    const stretched = sameShape(shape, indices.shape) ? indices : broadcastTo(indices, shape);
    const { bindingLimit } = x.device;
    const isTooLarge = x.bytes > bindingLimit || stretched.bytes > bindingLimit;
    if (isTooLarge && at > 0 && shape[0]! > 1 && x.shape[0] === shape[0]) {
      return inHalves(x, stretched, (x, indices) => takeAlong(op, x, indices, at, distinct));
    }
    const flat = flatIndices(op, stretched, x.shape, at);
    return pick(reshape(x, [-1]), flat, { op, axis: 0, missing: 'outside', distinct });
  });
}

/** f of both halves of two tensors along their first axis, joined: for tensors that are too large to bind. */
function inHalves<D extends DType>(a: Tensor<D>, b: Tensor, f: (a: Tensor<D>, b: Tensor) => Tensor<D>): Tensor<D> {
  const half = a.shape[0]! >> 1;
  const part = <E extends DType>(x: Tensor<E>, start: number, count: number): Tensor<E> =>
    slice(x, [start, ...x.shape.slice(1).fill(0)], [count, ...x.shape.slice(1)]);
  const rest = a.shape[0]! - half;
  return concat([f(part(a, 0, half), part(b, 0, half)), f(part(a, half, rest), part(b, half, rest))], 0);
}

/**
 * Zeros of `shape` to which the elements of a flat source are added at the positions `flat` (see `flatIndices`): the derivative
 * of `takeAlongAxis`, as an operation with a derivative.
 */
export function sumInto<D extends DType>(op: string, source: Tensor<D>, flat: Tensor, shape: Shape): Tensor<D> {
  const sums = putBack(source, flat, [sizeOf(shape)], { op, axis: 0, missing: 'zero', distinct: false });
  return reshape(sums, shape);
}

/** Elements of a flat list at the given positions; 0 at a position of -1. */
export function pickOrZero<D extends DType>(op: string, x: Tensor<D>, flat: Tensor): Tensor<D> {
  return pick(x, flat, { op, axis: 0, missing: 'zero', distinct: true });
}
