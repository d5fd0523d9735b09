import { checkInteger } from '../../common/check.ts';
import { binary, cast } from '../../kernels/elementwise.ts';
import { firstOccurrences, flatIndices } from '../../kernels/scatter.ts';
import { checkValue, type DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { broadcastShapes, normalizeAxis, sameShape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { add } from './binary.ts';
import { arange } from './create.ts';
import { checkIndices, pickOrZero, sumInto } from './gather.ts';
import { reshape, slice } from './shape.ts';
import { flip } from './strided.ts';
import { where } from './where.ts';

/** The positions in x that indices along an axis point to, and the part of the source that belongs to them, both flat. */
function targets<D extends DType>(op: string, x: Tensor<D>, indices: Tensor, source: Tensor<D>, axis: number) {
  checkTensor(op, 'x', x);
  const at = normalizeAxis(op, axis, x.shape.length);
  checkIndices(op, indices);
  checkTensor(op, 'the source', source);
  if (source.dtype !== x.dtype) throw new TypeError(`${op}: ${x} and ${source} have different types`);
  const { shape } = indices;
  const fits = (extents: readonly number[], free: number): boolean =>
    extents.length === shape.length && shape.every((extent, d) => d === free || extent <= extents[d]!);
  if (!fits(x.shape, at) || !fits(source.shape, -1)) {
    throw new RangeError(
      `${op}: indices [${shape}] do not lie in the source [${source.shape}] and, except along axis ${at}, in [${x.shape}]`,
    );
  }
  const starts = shape.map(() => 0);
  const used = sameShape(source.shape, shape) ? source : slice(source, starts, shape);
  return { flat: reshape(flatIndices(op, indices, x.shape, at), [-1]), values: reshape(used, [-1]) };
}

/**
 * A copy of x in which elements along an axis are replaced, as by PyTorch's scatter: `y[indices[i, j], j] = source[i, j]` for
 * axis 0 of two. Where an index occurs twice, the later element (in row-major order) stays, and only that one gets a gradient.
 *
 * @param indices int32 of x's rank, counted from 0; not larger than `source` along any axis, nor than x along the others. An
 *   index out of range is ignored.
 * @param source the new elements, of x's type
 *
 * @example
 * const at = tensor([3, 1], { dtype: 'int32' });
 * await scatter(zeros([5]), at, tensor([10, 20]), 0).print(); // Tensor(float32 [5]) [ 0., 20.,  0., 10.,  0.]
 */
export function scatter<D extends DType>(x: Tensor<D>, indices: Tensor, source: Tensor<D>, axis: number): Tensor<D> {
  return tidy(() => {
    const { flat, values } = targets('scatter', x, indices, source, axis);
    // The last occurrence of each position is the first from the back.
    const winners = firstOccurrences('scatter', flip(flat, 0), x.size);
    const isReplaced = binary('greaterEqual', winners, 0);
    const y = where(isReplaced, pickOrZero('scatter', flip(values, 0), winners), reshape(x, [-1]));
    return reshape(y, x.shape) as Tensor<D>;
  });
}

/**
 * A copy of x with elements added along an axis, as by PyTorch's scatter_add: `y[indices[i, j], j] += source[i, j]` for axis 0
 * of two. Equal indices add up, in an order that is the same every time.
 *
 * @param indices see `scatter`
 * @param source what to add, of x's type
 *
 * @example
 * const at = tensor([1, 3, 1], { dtype: 'int32' });
 * await scatterAdd(zeros([5]), at, tensor([10, 20, 30]), 0).print();
 * // Tensor(float32 [5]) [ 0., 40.,  0., 20.,  0.]
 */
export function scatterAdd<D extends DType>(x: Tensor<D>, indices: Tensor, source: Tensor<D>, axis: number): Tensor<D> {
  checkTensor('scatterAdd', 'x', x);
  if (x.dtype === 'bool') throw new TypeError(`scatterAdd: expected numbers, got ${x}; convert it with cast()`);
  return tidy(() => {
    const { flat, values } = targets('scatterAdd', x, indices, source, axis);
    return add(x, sumInto('scatterAdd', values, flat, x.shape)) as Tensor<D>;
  });
}

/**
 * x with `value` where the mask's element is not 0, as PyTorch's masked_fill. No gradient flows to what was replaced.
 *
 * @param mask any type; its shape broadcasts to x's
 *
 * @example
 * const x = tensor([1, -2, 3]);
 * await maskedFill(x, less(x, 0), 0).print(); // Tensor(float32 [3]) [1., 0., 3.]
 */
export function maskedFill<D extends DType>(x: Tensor<D>, mask: Tensor, value: number): Tensor<D> {
  checkTensor('maskedFill', 'x', x);
  checkTensor('maskedFill', 'the mask', mask);
  if (!sameShape(broadcastShapes('maskedFill', x.shape, mask.shape), x.shape)) {
    throw new RangeError(`maskedFill: the mask [${mask.shape}] does not broadcast to [${x.shape}]`);
  }
  checkValue('maskedFill', value, x.dtype);
  return where(mask, value, x) as Tensor<D>;
}

/**
 * 1 at the position of each index and 0 elsewhere, as PyTorch's one_hot. An index out of range gives a row of zeros.
 *
 * @param indices int32 of any shape, counted from 0
 * @returns int32 [..., numClasses]; `cast` makes it float32
 *
 * @example
 * await oneHot(tensor([2, 0], { dtype: 'int32' }), 3).print();
 * // Tensor(int32 [2,3])
 * // [[0, 0, 1],
 * //  [1, 0, 0]]
 */
export function oneHot(indices: Tensor, numClasses: number): Tensor<'int32'> {
  checkIndices('oneHot', indices);
  checkInteger('oneHot', 'numClasses', numClasses, { min: 1 });
  return tidy(() => {
    const classes = arange(0, numClasses, 1, { dtype: 'int32', device: indices.device });
    return cast(binary('equal', reshape(indices, [...indices.shape, 1]), classes), 'int32');
  });
}
