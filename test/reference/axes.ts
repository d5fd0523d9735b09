import { at, build, fromFront, ref, sizeOf, type Ref } from './array.ts';

export interface Range {
  readonly start?: number;
  readonly stop?: number;
  readonly step?: number;
}

/** The positions that Python's start:stop:step visits in an axis, one by one. */
function positions({ start, stop, step = 1 }: Range, extent: number): number[] {
  const fromEnd = (i: number): number => (i < 0 ? i + extent : i);
  let i = start === undefined ? (step > 0 ? 0 : extent - 1) : fromEnd(start);
  const end = stop === undefined ? (step > 0 ? extent : -1) : fromEnd(stop);
  // Limits outside of the axis are moved to its ends.
  if (step > 0) i = Math.max(i, 0);
  else i = Math.min(i, extent - 1);
  const list: number[] = [];
  for (; step > 0 ? i < end : i > Math.max(end, -1); i += step) if (i >= 0 && i < extent) list.push(i);
  return list;
}

/** x[a:b:c, d, ...]: a position removes its axis. */
export function stridedSlice(x: Ref, index: readonly (Range | number | null)[]): Ref {
  const lists = x.shape.map((extent, d) => {
    const entry = index[d] ?? {};
    return typeof entry === 'number' ? [entry < 0 ? entry + extent : entry] : positions(entry, extent);
  });
  const whole = build(
    lists.map((list) => list.length),
    (place) =>
      at(
        x,
        place.map((i, d) => lists[d]![i]!),
      ),
  );
  return ref(
    whole.shape.filter((_, d) => typeof index[d] !== 'number'),
    whole.data,
  );
}

/** Reversed along axes. */
export function flip(x: Ref, axes?: number | readonly number[]): Ref {
  const list = [axes ?? [...x.shape.keys()]].flat().map((axis) => fromFront(axis, x.shape.length));
  return build(x.shape, (index) =>
    at(
      x,
      index.map((i, d) => (list.includes(d) ? x.shape[d]! - 1 - i : i)),
    ),
  );
}

/** Joined along a new axis. */
export function stack(arrays: readonly Ref[], axis = 0): Ref {
  const rank = arrays[0]!.shape.length;
  const along = fromFront(axis, rank + 1);
  const shape = [...arrays[0]!.shape];
  shape.splice(along, 0, arrays.length);
  return build(shape, (index) =>
    at(
      arrays[index[along]!]!,
      index.filter((_, d) => d !== along),
    ),
  );
}

/** Parts along an axis. */
export function split(x: Ref, sizes: readonly number[], axis = 0): Ref[] {
  const along = fromFront(axis, x.shape.length);
  return sizes.map((size, part) => {
    const start = sizes.slice(0, part).reduce((a, b) => a + b, 0);
    const shape = x.shape.map((extent, d) => (d === along ? size : extent));
    return build(shape, (index) =>
      at(
        x,
        index.map((i, d) => (d === along ? i + start : i)),
      ),
    );
  });
}

/** x one after the other along each axis. */
export function repeat(x: Ref, repeats: readonly number[]): Ref {
  const from = [...repeats.slice(x.shape.length).map(() => 1), ...x.shape];
  const padded = ref(from, x.data);
  return build(
    from.map((extent, d) => extent * repeats[d]!),
    (index) =>
      at(
        padded,
        index.map((i, d) => i % from[d]!),
      ),
  );
}

/** The same elements under a shape. */
export const shaped = (x: Ref, shape: readonly number[]): Ref => ref(shape, sizeOf(shape) === 0 ? [] : x.data);

/** The elements of each matrix for which column - row - diagonal has a sign that stays; 0 elsewhere. */
export const triangle = (x: Ref, diagonal: number, stays: (distance: number) => boolean): Ref =>
  build(x.shape, (index) => (stays(index.at(-1)! - index.at(-2)! - diagonal) ? at(x, index) : 0));
