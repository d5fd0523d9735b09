import { checkInteger, checkList, described } from '../../common/check.ts';
import { copyStrided, clone as cloneKernel, gatherStrided } from '../../kernels/copy.ts';
import { fill } from '../../kernels/elementwise.ts';
import type { DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { normalizeAxis, sizeOf, stridesOf, type Shape } from '../../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/**
 * The same elements under another shape, without copying. One extent may be -1: it is inferred from the others.
 *
 * @example
 * await reshape(arange(0, 6), [2, -1]).print();
 * // Tensor(float32 [2,3])
 * // [[0., 1., 2.],
 * //  [3., 4., 5.]]
 */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  checkTensor('reshape', 'x', x);
  checkList('reshape', 'the shape', shape);
  const from = x.shape;
  if (!shape.every(Number.isInteger))
    throw new TypeError(`reshape: the shape is ${described(shape)}, expected integers`);
  const holes = shape.filter((extent) => extent === -1).length;
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const filled = shape.map((extent) => (extent === -1 ? x.size / known : extent));
  if (holes > 1 || sizeOf(filled) !== x.size || filled.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    throw new RangeError(`reshape: [${from}] has ${x.size} elements, which do not fill [${shape}]`);
  }
  return record('reshape', x.alias(filled), [x], [], (dy) => [() => reshape(dy, from)], { twice: true });
}

/**
 * The axes in another order: axis d of the result is axis `order[d]` of x. Default: all axes reversed.
 *
 * @example
 * await transpose(tensor([[1, 2, 3], [4, 5, 6]])).print();
 * // Tensor(float32 [3,2])
 * // [[1., 4.],
 * //  [2., 5.],
 * //  [3., 6.]]
 * console.log(transpose(zeros([1, 32, 48, 3]), [0, 3, 1, 2]).shape); // [1, 3, 32, 48]
 */
export function transpose<D extends DType>(x: Tensor<D>, order?: readonly number[]): Tensor<D> {
  checkTensor('transpose', 'x', x);
  if (order !== undefined) checkList('transpose', 'order', order);
  const rank = x.shape.length;
  const axes = (order ?? [...x.shape.keys()].reverse()).map((axis) => normalizeAxis('transpose', axis, rank));
  if (axes.length !== rank || new Set(axes).size !== rank) {
    throw new RangeError(`transpose: [${axes}] is not an order of the ${rank} axes of [${x.shape}]`);
  }
  const inverse = axes.map((_, d) => axes.indexOf(d));
  const permute = <E extends DType>(t: Tensor<E>, by: readonly number[]): Tensor<E> => {
    const strides = stridesOf(t.shape);
    const walk = { start: 0, strides: by.map((d) => strides[d]!) };
    return gatherStrided(
      'transpose',
      t,
      walk,
      by.map((d) => t.shape[d]!),
    );
  };
  return record('transpose', permute(x, axes), [x], [], (dy) => [() => transpose(dy, inverse)], { twice: true });
}

/**
 * The block of `sizes` elements that begins at `starts`, one number per axis. A size of -1 reaches to the end.
 *
 * @example
 * await slice(tensor([[1, 2, 3], [4, 5, 6]]), [0, 1], [-1, 2]).print();
 * // Tensor(float32 [2,2])
 * // [[2., 3.],
 * //  [5., 6.]]
 */
export function slice<D extends DType>(x: Tensor<D>, starts: readonly number[], sizes: readonly number[]): Tensor<D> {
  checkTensor('slice', 'x', x);
  checkList('slice', 'starts', starts);
  checkList('slice', 'sizes', sizes);
  for (const number of [...starts, ...sizes]) checkInteger('slice', 'a start or size', number, { min: -1 });
  const { shape } = x;
  const extents = sizes.map((size, d) => (size === -1 ? shape[d]! - starts[d]! : size));
  const fits =
    starts.length === shape.length &&
    sizes.length === shape.length &&
    extents.every((size, d) => {
      const start = starts[d]!;
      return start >= 0 && size >= 0 && start + size <= shape[d]!;
    });
  if (!fits) throw new RangeError(`slice: starts [${starts}] and sizes [${sizes}] do not lie in [${shape}]`);
  const strides = stridesOf(shape);
  const y = gatherStrided('slice', x, { start: dot(starts, strides), strides }, extents);
  const around = shape.map((extent, d) => [starts[d]!, extent - starts[d]! - extents[d]!] as const);
  return record('slice', y, [x], [], (dy) => [() => pad(dy, around)], { twice: true });
}

/** A tensor of `shape` full of `value`, with each of the parts written at its start, one number per axis. */
function place<D extends DType>(
  op: string,
  parts: readonly Tensor<D>[],
  starts: readonly Shape[],
  shape: Shape,
  value: number,
): Tensor<D> {
  const strides = stridesOf(shape);
  return tidy(() => {
    const y = empty(parts[0]!.device, shape, parts[0]!.dtype, op);
    fill(y, value, 0, op);
    parts.forEach((part, i) => {
      const to = { start: dot(starts[i]!, strides), strides };
      copyStrided(op, part, { start: 0, strides: stridesOf(part.shape) }, y, to, part.shape);
    });
    return y;
  });
}

/**
 * Zeros of `shape` with each of the tensors at its place. The tensors must fit in and not overlap.
 *
 * @param starts the index of each tensor's first element, one number per axis
 */
export function assemble(op: string, parts: readonly Tensor[], starts: readonly Shape[], shape: Shape): Tensor {
  const shapes = parts.map((part) => part.shape);
  const backward = (dy: Tensor) => shapes.map((part, i) => () => slice(dy, starts[i]!, part));
  return record(op, place(op, parts, starts, shape, 0), parts, [], backward, { twice: true });
}

/**
 * Adds `[before, after]` elements of `value` (default 0) along each axis.
 *
 * @example
 * await pad(tensor([[1, 2]]), [[0, 1], [1, 0]]).print();
 * // Tensor(float32 [2,3])
 * // [[0., 1., 2.],
 * //  [0., 0., 0.]]
 */
export function pad<D extends DType>(
  x: Tensor<D>,
  amounts: readonly (readonly [number, number])[],
  value = 0,
): Tensor<D> {
  checkTensor('pad', 'x', x);
  checkList('pad', 'amounts', amounts, 'pairs');
  const from = x.shape;
  if (amounts.length !== from.length) {
    throw new RangeError(`pad: amounts has ${amounts.length} pairs, expected one for each axis of [${from}]`);
  }
  for (const pair of amounts) {
    checkList('pad', 'a pair of amounts', pair);
    if (pair.length !== 2)
      throw new RangeError(`pad: a pair of amounts is ${described(pair)}, expected [before, after]`);
    for (const amount of pair) checkInteger('pad', 'an amount', amount, { min: 0 });
  }
  const starts = amounts.map(([before]) => before);
  const shape = from.map((extent, d) => extent + amounts[d]![0] + amounts[d]![1]);
  const y = place('pad', [x], [starts], shape, value);
  return record('pad', y, [x], [], (dy) => [() => slice(dy, starts, from)], { twice: true });
}

/**
 * Joins tensors along an axis; their other extents must be equal.
 *
 * @example
 * await concat([tensor([[1], [2]]), tensor([[3, 4], [5, 6]])], 1).print();
 * // Tensor(float32 [2,3])
 * // [[1., 3., 4.],
 * //  [2., 5., 6.]]
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis: number): Tensor<D> {
  checkList('concat', 'tensors', tensors, 'tensors');
  for (const t of tensors) checkTensor('concat', 'one of the tensors', t);
  const first = tensors[0];
  if (first === undefined) throw new RangeError('concat: expected at least one tensor');
  const along = normalizeAxis('concat', axis, first.shape.length);
  const shapes = tensors.map((t) => t.shape);
  for (const t of tensors) {
    if (t.dtype !== first.dtype) throw new TypeError(`concat: ${first} and ${t} have different types`);
    if (
      t.shape.length !== first.shape.length ||
      t.shape.some((extent, d) => d !== along && extent !== first.shape[d])
    ) {
      throw new RangeError(`concat: [${first.shape}] and [${t.shape}] differ in more than axis ${along}`);
    }
  }
  const shape = first.shape.map((extent, d) => (d === along ? shapes.reduce((sum, s) => sum + s[along]!, 0) : extent));
  const strides = stridesOf(shape);
  const y = empty(first.device, shape, first.dtype, 'concat');
  let offset = 0;
  const offsets = tensors.map((t) => {
    const before = offset;
    const start = before * strides[along]!;
    copyStrided('concat', t, { start: 0, strides: stridesOf(t.shape) }, y, { start, strides }, t.shape);
    offset += t.shape[along]!;
    return shape.map((_, d) => (d === along ? before : 0));
  });
  const backward = (dy: Tensor) => shapes.map((part, i) => () => slice(dy, offsets[i]!, part));
  return record('concat', y, tensors, [], backward, { twice: true });
}

/**
 * A copy in memory of its own. Gradients flow through.
 *
 * @example
 * const x = tensor([1, 2]);
 * const y = clone(x);
 * write(x, [0, 0]);
 * await y.print(); // Tensor(float32 [2]) [1., 2.]
 */
export function clone<D extends DType>(x: Tensor<D>): Tensor<D> {
  checkTensor('clone', 'x', x);
  return record('clone', cloneKernel(x), [x], [], (dy) => [() => dy], { twice: true });
}
