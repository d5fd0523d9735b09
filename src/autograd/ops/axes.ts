import { checkInteger, checkList } from '../../common/check.ts';
import type { DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { normalizeAxes, normalizeAxis, sameShape, sizeOf } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { broadcastTo } from './broadcast.ts';
import { clone, concat, reshape, slice } from './shape.ts';

// Operations that add, remove, merge and divide axes, composed of those of shape.ts. Where the order of elements stays, so
// does the memory: nothing is copied.

/**
 * Removes axes of extent 1: the given ones, or all. As in PyTorch, a given axis of another extent stays.
 *
 * @example
 * console.log(squeeze(zeros([1, 3, 1])).shape, squeeze(zeros([1, 3, 1]), 0).shape); // [3] [3, 1]
 */
export function squeeze<D extends DType>(x: Tensor<D>, axes?: number | readonly number[]): Tensor<D> {
  checkTensor('squeeze', 'x', x);
  const list = normalizeAxes('squeeze', axes, x.shape.length);
  return reshape(
    x,
    x.shape.filter((extent, d) => extent !== 1 || !list.includes(d)),
  );
}

/**
 * Adds an axis of extent 1, which becomes axis `axis` of the result; -1 adds it at the end.
 *
 * @example
 * console.log(unsqueeze(zeros([3]), 0).shape, unsqueeze(zeros([3]), -1).shape); // [1, 3] [3, 1]
 */
export function unsqueeze<D extends DType>(x: Tensor<D>, axis: number): Tensor<D> {
  checkTensor('unsqueeze', 'x', x);
  const at = normalizeAxis('unsqueeze', axis, x.shape.length + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Merges the axes from `startAxis` to `endAxis` into one. Default: all; a scalar becomes [1].
 *
 * @example
 * console.log(flatten(zeros([2, 3, 4]), 1).shape); // [2, 12]
 */
export function flatten<D extends DType>(x: Tensor<D>, startAxis = 0, endAxis = -1): Tensor<D> {
  checkTensor('flatten', 'x', x);
  const { shape } = x;
  const rank = Math.max(shape.length, 1);
  const first = normalizeAxis('flatten', startAxis, rank);
  const last = normalizeAxis('flatten', endAxis, rank);
  if (first > last) throw new RangeError(`flatten: axis ${startAxis} comes after axis ${endAxis} in [${shape}]`);
  return reshape(x, [...shape.slice(0, first), sizeOf(shape.slice(first, last + 1)), ...shape.slice(last + 1)]);
}

/**
 * Joins tensors of one shape along a new axis, which becomes axis `axis` (default 0) of the result.
 *
 * @example
 * await stack([tensor([1, 2]), tensor([3, 4])]).print();
 * // Tensor(float32 [2,2])
 * // [[1., 2.],
 * //  [3., 4.]]
 */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  checkList('stack', 'the first argument', tensors, 'tensors');
  for (const t of tensors) checkTensor('stack', 'one of the tensors', t);
  const first = tensors[0];
  if (first === undefined) throw new RangeError('stack: expected at least one tensor');
  const different = tensors.find((t) => !sameShape(t.shape, first.shape));
  if (different !== undefined) {
    throw new RangeError(`stack: [${first.shape}] and [${different.shape}] differ, expected tensors of one shape`);
  }
  const other = tensors.find((t) => t.dtype !== first.dtype);
  if (other !== undefined) throw new TypeError(`stack: ${first} and ${other} have different types`);
  const at = normalizeAxis('stack', axis, first.shape.length + 1);
  return tidy(() =>
    concat(
      tensors.map((t) => unsqueeze(t, at)),
      at,
    ),
  );
}

/**
 * Divides a tensor along an axis (default 0), as PyTorch's split.
 *
 * @param sizes extent of each part, which must add up to the axis; or one extent for all parts, of which the last may be
 *   smaller
 *
 * @example
 * const [head, tail] = split(arange(0, 5), [2, 3]);
 * await head.print(); // Tensor(float32 [2]) [0., 1.]
 * await tail.print(); // Tensor(float32 [3]) [2., 3., 4.]
 */
export function split<D extends DType>(x: Tensor<D>, sizes: number | readonly number[], axis = 0): Tensor<D>[] {
  checkTensor('split', 'x', x);
  const at = normalizeAxis('split', axis, x.shape.length);
  const extent = x.shape[at]!;
  const list = typeof sizes === 'number' ? equalParts('split', extent, sizes) : sizes;
  checkList('split', 'sizes', list);
  for (const size of list) checkInteger('split', 'a size', size, { min: 0 });
  if (list.reduce((sum, size) => sum + size, 0) !== extent) {
    throw new RangeError(`split: sizes [${list}] do not add up to the ${extent} of axis ${at} of [${x.shape}]`);
  }
  let start = 0;
  return list.map((size) => {
    start += size;
    return slice(
      x,
      x.shape.map((_, d) => (d === at ? start - size : 0)),
      x.shape.map((n, d) => (d === at ? size : n)),
    );
  });
}

/** Extents of parts of `size` that fill an axis; the last may be smaller. An empty axis is one empty part. */
function equalParts(op: string, extent: number, size: number): number[] {
  checkInteger(op, 'the size', size, { min: extent === 0 ? 0 : 1 });
  const count = extent === 0 ? 1 : Math.ceil(extent / size);
  return Array.from({ length: count }, (_, i) => Math.min(size, extent - i * size));
}

/**
 * Divides a tensor along an axis (default 0) into at most `chunks` parts of equal extent, of which the last may be smaller. As
 * in PyTorch, there are fewer parts if fewer of that extent fill the axis: 6 in 4 chunks are 2, 2 and 2.
 *
 * @example
 * console.log(chunk(arange(0, 7), 3).map(({ shape }) => shape[0])); // [3, 3, 1]
 */
export function chunk<D extends DType>(x: Tensor<D>, chunks: number, axis = 0): Tensor<D>[] {
  checkTensor('chunk', 'x', x);
  const at = normalizeAxis('chunk', axis, x.shape.length);
  const extent = x.shape[at]!;
  // An empty axis is divided into as many empty parts.
  checkInteger('chunk', 'chunks', chunks, { min: 1, max: extent === 0 ? 2 ** 16 : Infinity });
  return split(x, extent === 0 ? new Array<number>(chunks).fill(0) : Math.ceil(extent / chunks), at);
}

/**
 * x repeated along each axis, as PyTorch's repeat and NumPy's tile.
 *
 * @param repeats how often along each axis; more numbers than axes add axes in front
 *
 * @example
 * await repeat(tensor([[1, 2]]), [2, 2]).print();
 * // Tensor(float32 [2,4])
 * // [[1., 2., 1., 2.],
 * //  [1., 2., 1., 2.]]
 */
export function repeat<D extends DType>(x: Tensor<D>, repeats: readonly number[]): Tensor<D> {
  checkTensor('repeat', 'x', x);
  checkList('repeat', 'repeats', repeats);
  const lead = repeats.length - x.shape.length;
  if (lead < 0) {
    throw new RangeError(`repeat: ${repeats.length} repeats for [${x.shape}], expected one for each axis or more`);
  }
  for (const times of repeats) checkInteger('repeat', 'a number of repeats', times, { min: 0 });
  return tidy(() => {
    let y = reshape(x, [...new Array<number>(lead).fill(1), ...x.shape]);
    repeats.forEach((times, d) => {
      if (times === 1) return;
      const shape = y.shape.map((extent, axis) => (axis === d ? extent * times : extent));
      const [outer, rest] = [sizeOf(y.shape.slice(0, d)), sizeOf(y.shape.slice(d))];
      y = reshape(broadcastTo(reshape(y, [outer, 1, rest]), [outer, times, rest]), shape);
    });
    return separate(y, [x]);
  });
}

/** A result, or a copy of it if it shares the memory of an input: a change in place of one must not show in the other. */
export function separate<D extends DType>(y: Tensor<D>, inputs: readonly Tensor[]): Tensor<D> {
  return inputs.some(({ storage }) => storage === y.storage) ? clone(y) : y;
}
