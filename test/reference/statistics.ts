import { at, build, fromFront, ref, type Ref } from './array.ts';
import { reduce, type Axes } from './reduce.ts';

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Sum of squared distances from the mean over n - correction. */
export const variance = (x: Ref, axes?: Axes, correction = 1, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => {
    const mean = total(values) / values.length;
    return total(values.map((value) => (value - mean) ** 2)) / Math.max(values.length - correction, 0);
  });

export const std = (x: Ref, axes?: Axes, correction = 1, keepDims = false): Ref => {
  const { shape, data } = variance(x, axes, correction, keepDims);
  return ref(shape, data.map(Math.sqrt));
};

export const norm = (x: Ref, p: number, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) =>
    p === Infinity
      ? values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      : total(values.map((v) => Math.abs(v) ** p)) ** (1 / p),
  );

export const logSumExp = (x: Ref, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => {
    const finite = values.filter((value) => Number.isFinite(value));
    const largest = finite.length === 0 ? 0 : Math.max(...finite);
    return largest + Math.log(total(values.map((value) => Math.exp(value - largest))));
  });

export const prod = (x: Ref, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => values.reduce((a, b) => a * b, 1));

export const any = (x: Ref, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => Number(values.some((value) => value !== 0)));

export const all = (x: Ref, axes?: Axes, keepDims = false): Ref =>
  reduce(x, axes, keepDims, (values) => Number(values.every((value) => value !== 0)));

/** Position of the smallest element along an axis; the first of equal ones, and before all the first NaN. */
export const argmin = (x: Ref, axis: number): Ref =>
  reduce(x, axis, false, (values) => {
    const nan = values.findIndex(Number.isNaN);
    return nan >= 0 ? nan : values.indexOf(values.reduce((a, b) => Math.min(a, b)));
  });

/** Each element plus all before it along an axis. */
export function cumsum(x: Ref, axis: number): Ref {
  const along = fromFront(axis, x.shape.length);
  const y = ref(x.shape);
  let i = 0;
  build(x.shape, (index) => {
    const before =
      index[along]! === 0
        ? 0
        : at(
            y,
            index.map((k, d) => (d === along ? k - 1 : k)),
          );
    y.data[i++] = before + at(x, index);
    return 0;
  });
  return y;
}
