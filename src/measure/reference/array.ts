// The references are independent implementations of operations in float64, in the plainest form. They compute single
// elements on demand: benchmarks check results of the size of a real network at sampled places, and the tests
// (test/reference) evaluate every element of small ones.

/** A row-major array. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** An array whose elements are computed on demand. */
export interface Reference {
  readonly shape: readonly number[];
  /** The element at an index, one argument for each axis. */
  readonly at: (...index: number[]) => number;
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1);

/** Position of an index in row-major order. */
export function offsetOf(shape: readonly number[], index: readonly number[]): number {
  let offset = 0;
  for (let d = 0; d < shape.length; d++) offset = offset * shape[d]! + index[d]!;
  return offset;
}
