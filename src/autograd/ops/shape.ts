import { checkInteger } from '../../common/check.ts';
import { copyStrided, clone as cloneKernel, gatherStrided } from '../../kernels/copy.ts';
import { fill } from '../../kernels/elementwise.ts';
import { sumTo } from '../../kernels/reduce.ts';
import type { DType } from '../../tensor/dtype.ts';
import {
  broadcastShapes,
  broadcastStrides,
  normalizeAxis,
  sameShape,
  sizeOf,
  stridesOf,
  type Shape,
} from '../../tensor/shape.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/** The same elements under another shape, without copying. One extent may be -1: it is inferred from the others. */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const from = x.shape;
  const holes = shape.filter((extent) => extent === -1).length;
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const filled = shape.map((extent) => (extent === -1 ? x.size / known : extent));
  if (holes > 1 || sizeOf(filled) !== x.size || filled.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    throw new RangeError(`reshape: [${from}] has ${x.size} elements, which do not fill [${shape}]`);
  }
  return record('reshape', x.view(filled), [x], [], (dy) => [() => dy.view(from)]);
}

/** The axes in another order: axis d of the result is axis `order[d]` of x. Default: all axes reversed. */
export function transpose<D extends DType>(x: Tensor<D>, order?: readonly number[]): Tensor<D> {
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
  return record('transpose', permute(x, axes), [x], [], (dy) => [() => permute(dy, inverse)]);
}

/** The block of `sizes` elements that begins at `starts`, one number per axis. A size of -1 reaches to the end. */
export function slice<D extends DType>(x: Tensor<D>, starts: readonly number[], sizes: readonly number[]): Tensor<D> {
  const { shape } = x;
  const extents = sizes.map((size, d) => (size === -1 ? shape[d]! - starts[d]! : size));
  const fits =
    starts.length === shape.length &&
    sizes.length === shape.length &&
    extents.every((size, d) => {
      const start = starts[d]!;
      return Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size >= 0 && start + size <= shape[d]!;
    });
  if (!fits) throw new RangeError(`slice: starts [${starts}] and sizes [${sizes}] do not lie in [${shape}]`);
  const strides = stridesOf(shape);
  const y = gatherStrided('slice', x, { start: dot(starts, strides), strides }, extents);
  return record('slice', y, [x], [], (dy) => [() => place('slice gradient', dy, shape, starts, 0)]);
}

/** A tensor of `shape` full of `value`, with x written at `starts`. */
function place<D extends DType>(
  op: string,
  x: Tensor<D>,
  shape: Shape,
  starts: readonly number[],
  value: number,
): Tensor<D> {
  const y = empty(x.device, shape, x.dtype, op);
  fill(y, value);
  const strides = stridesOf(shape);
  copyStrided(op, x, { start: 0, strides: stridesOf(x.shape) }, y, { start: dot(starts, strides), strides }, x.shape);
  return y;
}

/** Adds `[before, after]` elements of `value` (default 0) along each axis. */
export function pad<D extends DType>(
  x: Tensor<D>,
  amounts: readonly (readonly [number, number])[],
  value = 0,
): Tensor<D> {
  const from = x.shape;
  if (amounts.length !== from.length) {
    throw new RangeError(`pad: amounts has ${amounts.length} pairs, expected one for each axis of [${from}]`);
  }
  for (const amount of amounts.flat()) checkInteger('pad', 'an amount', amount, { min: 0 });
  const starts = amounts.map(([before]) => before);
  const shape = from.map((extent, d) => extent + amounts[d]![0] + amounts[d]![1]);
  return record('pad', place('pad', x, shape, starts, value), [x], [], (dy) => [
    () => gatherStrided('pad gradient', dy, { start: dot(starts, stridesOf(shape)), strides: stridesOf(shape) }, from),
  ]);
}

/** Joins tensors along an axis; their other extents must be equal. */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis: number): Tensor<D> {
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
    const start = offset * strides[along]!;
    copyStrided('concat', t, { start: 0, strides: stridesOf(t.shape) }, y, { start, strides }, t.shape);
    offset += t.shape[along]!;
    return start;
  });
  return record('concat', y, tensors, [], (dy) =>
    shapes.map((part, i) => () => gatherStrided('concat gradient', dy, { start: offsets[i]!, strides }, part)),
  );
}

/** x stretched to a shape that it broadcasts to. */
export function broadcastTo<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const from = x.shape;
  if (!sameShape(broadcastShapes('broadcastTo', from, shape), shape)) {
    throw new RangeError(`broadcastTo: [${from}] does not stretch to [${shape}]`);
  }
  const y = gatherStrided('broadcastTo', x, { start: 0, strides: broadcastStrides(from, shape) }, shape);
  return record('broadcastTo', y, [x], [], (dy) => [() => sumTo(dy, from)]);
}

/** A copy in memory of its own. Gradients flow through. */
export function clone<D extends DType>(x: Tensor<D>): Tensor<D> {
  return record('clone', cloneKernel(x), [x], [], (dy) => [() => dy]);
}
