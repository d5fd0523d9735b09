import { at, build, fromFront, ref, sizeOf, type Ref } from './array.ts';

/** The same elements under another shape; one extent may be -1. */
export function reshape(x: Ref, shape: readonly number[]): Ref {
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  return ref(
    shape.map((extent) => (extent === -1 ? x.data.length / known : extent)),
    x.data,
  );
}

/** Axis d of the result is axis `order[d]` of x; all axes reversed by default. */
export function transpose(x: Ref, order: readonly number[] = [...x.shape.keys()].reverse()): Ref {
  const axes = order.map((axis) => fromFront(axis, x.shape.length));
  return build(
    axes.map((axis) => x.shape[axis]!),
    (index) => {
      const source = x.shape.map(() => 0);
      axes.forEach((axis, d) => (source[axis] = index[d]!));
      return at(x, source);
    },
  );
}

/** The block of `sizes` at `starts`; a size of -1 extends to the end. */
export function slice(x: Ref, starts: readonly number[], sizes: readonly number[]): Ref {
  const shape = sizes.map((size, d) => (size === -1 ? x.shape[d]! - starts[d]! : size));
  return build(shape, (index) =>
    at(
      x,
      index.map((i, d) => i + starts[d]!),
    ),
  );
}

/** x with `[before, after]` elements of `value` added along each axis. */
export function pad(x: Ref, amounts: readonly (readonly [number, number])[], value = 0): Ref {
  const shape = x.shape.map((extent, d) => extent + amounts[d]![0] + amounts[d]![1]);
  return build(shape, (index) => {
    const source = index.map((i, d) => i - amounts[d]![0]);
    return source.every((i, d) => i >= 0 && i < x.shape[d]!) ? at(x, source) : value;
  });
}

/** Arrays joined along an axis. */
export function concat(arrays: readonly Ref[], axis: number): Ref {
  const first = arrays[0]!;
  const along = fromFront(axis, first.shape.length);
  const extents = arrays.map((x) => x.shape[along]!);
  const shape = first.shape.map((extent, d) => (d === along ? extents.reduce((a, b) => a + b, 0) : extent));
  return build(shape, (index) => {
    const source = [...index];
    let part = 0;
    while (source[along]! >= extents[part]!) source[along]! -= extents[part++]!;
    return at(arrays[part]!, source);
  });
}

/** Elements of x along an axis at the given positions: that axis is replaced by the axes of `positions`. */
export function gather(x: Ref, positions: Ref, axis = 0): Ref {
  const along = fromFront(axis, x.shape.length);
  const rank = positions.shape.length;
  const shape = [...x.shape.slice(0, along), ...positions.shape, ...x.shape.slice(along + 1)];
  return build(shape, (index) => {
    const position = at(positions, index.slice(along, along + rank));
    return at(x, [...index.slice(0, along), position, ...index.slice(along + rank)]);
  });
}

/** Descending order, NaN first. */
const descending = (a: number, b: number): number =>
  Number(Number.isNaN(b)) - Number(Number.isNaN(a)) || Number(b > a) - Number(a > b);

/** The k largest elements along the last axis in descending order, with their positions; equal ones in order of position. */
export function topK(x: Ref, k: number): { readonly values: Ref; readonly indices: Ref } {
  const n = x.shape.at(-1)!;
  const shape = [...x.shape.slice(0, -1), k];
  const [values, indices] = [ref(shape), ref(shape)];
  for (let row = 0; row < sizeOf(x.shape.slice(0, -1)); row++) {
    const line = x.data.slice(row * n, (row + 1) * n);
    const order = [...line.keys()].sort((i, j) => descending(line[i]!, line[j]!) || i - j);
    for (let j = 0; j < k; j++) {
      values.data[row * k + j] = line[order[j]!]!;
      indices.data[row * k + j] = order[j]!;
    }
  }
  return { values, indices };
}
