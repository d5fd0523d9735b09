import { at, build, fromFront, ref, sizeOf, type Ref } from './array.ts';

/** Where elements `[.., k, ..]` of an axis lie: the flat position of element k of the line through `index`. */
function line(shape: readonly number[], axis: number, index: readonly number[]): (k: number) => number {
  const stride = sizeOf(shape.slice(axis + 1));
  let start = 0;
  shape.forEach((extent, d) => (start = start * extent + (d === axis ? 0 : index[d]!)));
  return (k) => start + k * stride;
}

/** Whether a comes before b in ascending order; a NaN comes last. */
const compare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b)
    ? Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    : Number(a > b) - Number(a < b);

/** The first k elements along an axis in ascending or descending order, with their positions. */
export function sort(
  x: Ref,
  axis: number,
  descending: boolean,
  k = x.shape.at(axis)!,
): { readonly values: Ref; readonly indices: Ref } {
  const along = fromFront(axis, x.shape.length);
  const shape = x.shape.map((extent, d) => (d === along ? k : extent));
  const [values, indices] = [ref(shape), ref(shape)];
  const lines = x.shape.map((extent, d) => (d === along ? Math.min(extent, 1) : extent));
  build(lines, (index) => {
    const [from, to] = [line(x.shape, along, index), line(shape, along, index)];
    const sign = descending ? -1 : 1;
    // Array.prototype.sort is stable.
    const order = Array.from({ length: x.shape[along]! }, (_, i) => i).sort(
      (i, j) => sign * compare(x.data[from(i)]!, x.data[from(j)]!),
    );
    order.slice(0, k).forEach((position, place) => {
      values.data[to(place)] = x.data[from(position)]!;
      indices.data[to(place)] = position;
    });
    return 0;
  });
  return { values, indices };
}

/** x[.., indices[.., j, ..], ..] along an axis; other axes broadcast. NaN out of range. */
export function takeAlongAxis(x: Ref, indices: Ref, axis: number): Ref {
  const along = fromFront(axis, x.shape.length);
  const shape = indices.shape.map((extent, d) => (d === along || extent !== 1 ? extent : x.shape[d]!));
  return build(shape, (index) => {
    const position = at(
      indices,
      index.map((i, d) => (indices.shape[d] === 1 ? 0 : i)),
    );
    if (position < 0 || position >= x.shape[along]!) return NaN;
    return at(
      x,
      index.map((i, d) => (d === along ? position : x.shape[d] === 1 ? 0 : i)),
    );
  });
}

/** A copy of x in which `combine(old, new)` has taken the place of the elements that the indices point to, one by one. */
function scattered(x: Ref, indices: Ref, source: Ref, axis: number, combine: (a: number, b: number) => number): Ref {
  const along = fromFront(axis, x.shape.length);
  const y = ref(x.shape, x.data);
  build(indices.shape, (index) => {
    const position = at(indices, index);
    if (position >= 0 && position < x.shape[along]!) {
      const place = line(x.shape, along, index)(position);
      y.data[place] = combine(y.data[place]!, at(source, index));
    }
    return 0;
  });
  return y;
}

export const scatter = (x: Ref, indices: Ref, source: Ref, axis: number): Ref =>
  scattered(x, indices, source, axis, (_, b) => b);

export const scatterAdd = (x: Ref, indices: Ref, source: Ref, axis: number): Ref =>
  scattered(x, indices, source, axis, (a, b) => a + b);

/** 1 where the last axis's position is the index. */
export const oneHot = (indices: Ref, classes: number): Ref =>
  build([...indices.shape, classes], (index) => Number(at(indices, index.slice(0, -1)) === index.at(-1)));

/** x, or the value where the mask (broadcast) is not 0. */
export const maskedFill = (x: Ref, mask: Ref, value: number): Ref =>
  build(x.shape, (index) => {
    const own = index.slice(index.length - mask.shape.length).map((i, d) => (mask.shape[d] === 1 ? 0 : i));
    return at(mask, own) === 0 ? at(x, index) : value;
  });
