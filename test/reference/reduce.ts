import { at, build, fromFront, sizeOf, type Ref } from './array.ts';

/** One axis, several, none (`[]` reduces nothing), or all (undefined). */
export type Axes = number | readonly number[] | undefined;

/** Number of elements that are reduced to each result. */
export const reducedCount = (shape: readonly number[], axes: Axes): number =>
  sizeOf([axes ?? [...shape.keys()]].flat().map((axis) => shape.at(axis)!));

/** `f` of the elements that are reduced to each result. */
export function reduce(x: Ref, axes: Axes, keepDims: boolean, f: (values: number[]) => number): Ref {
  const rank = x.shape.length;
  const named = axes === undefined ? [...x.shape.keys()] : typeof axes === 'number' ? [axes] : axes;
  const list = named.map((axis) => fromFront(axis, rank));
  const kept = x.shape.map((extent, d) => (list.includes(d) ? 1 : extent));
  const y = build(kept, (index) => {
    const members = build(
      list.map((d) => x.shape[d]!),
      (inner) => {
        const full = [...index];
        list.forEach((d, i) => (full[d] = inner[i]!));
        return at(x, full);
      },
    );
    return f([...members.data]);
  });
  return keepDims ? y : { shape: x.shape.filter((_, d) => !list.includes(d)), data: y.data };
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

/** Sum; 0 over no elements. */
export const sum = (x: Ref, axes?: Axes, keepDims = false): Ref => reduce(x, axes, keepDims, total);

/** Arithmetic mean. */
export const mean = (x: Ref, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => total(values) / values.length);

/** Largest element. */
export const max = (x: Ref, axes?: Axes, keepDims = false): Ref => reduce(x, axes, keepDims, greatest);

/** Smallest element. */
export const min = (x: Ref, axes?: Axes, keepDims = false): Ref => reduce(x, axes, keepDims, least);

/** Position of the largest element along an axis; the first of equal ones. NaN is largest. */
export const argmax = (x: Ref, axis: number): Ref =>
  reduce(x, axis, false, (values) =>
    values.findIndex((value) => Object.is(value, greatest(values)) || value === greatest(values)),
  );
