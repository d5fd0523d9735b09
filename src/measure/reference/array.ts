// References are the operations once more, in float64 and in the plainest form, without any code of the kernels. They
// compute an element when it is asked for: benchmarks check a result at some places at the size of a real network, and
// the tests (test/reference) evaluate every element of a small one.

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
