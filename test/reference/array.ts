import { offsetOf, sizeOf, type Reference, type Values } from '../../src/measure/reference/array.ts';

export { offsetOf, sizeOf };

/** A row-major array of float64 values: what every reference takes and returns, whatever the dtype of the tensor. */
export interface Ref extends Values {
  readonly data: Float64Array;
}

/** An array of a shape, filled with values in row-major order, or with zeros. */
export function ref(shape: readonly number[], values?: ArrayLike<number>): Ref {
  const size = sizeOf(shape);
  if (values !== undefined && values.length !== size) {
    throw new RangeError(`ref: ${values.length} values do not fill [${shape}]`);
  }
  return { shape: [...shape], data: values === undefined ? new Float64Array(size) : Float64Array.from(values) };
}

/** Row-major strides in elements. */
export const stridesOf = (shape: readonly number[]): number[] => shape.map((_, d) => sizeOf(shape.slice(d + 1)));

/** The element at an index. */
export const at = (x: Ref, index: readonly number[]): number => x.data[offsetOf(x.shape, index)]!;

/** Every index of a shape in row-major order. The array is the same object each time: copy it to keep it. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  for (let i = 0; i < size; i++) {
    yield index;
    for (let d = shape.length - 1; d >= 0 && ++index[d]! === shape[d]; d--) index[d] = 0;
  }
}

/** An array whose element at each index is the `value` of that index. */
export function build(shape: readonly number[], value: (index: readonly number[]) => number): Ref {
  const y = ref(shape);
  const index = shape.map(() => 0);
  // The steps of `indices` without a generator, which would take longer than most values.
  for (let i = 0; i < y.data.length; i++) {
    y.data[i] = value(index);
    for (let d = shape.length - 1; d >= 0 && ++index[d]! === shape[d]; d--) index[d] = 0;
  }
  return y;
}

/** Every element of a reference that is shared with the benchmarks (src/measure/reference). */
export const evaluate = ({ shape, at }: Reference): Ref => build(shape, (index) => at(...index));

/** An axis counted from the front; -1 is the last. */
export const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The shape that two shapes broadcast to (NumPy's rule). */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, d) => {
    const x = a[a.length - rank + d] ?? 1;
    const y = b[b.length - rank + d] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`broadcastShape: [${a}] and [${b}] do not fit`);
    return x === 1 ? y : x;
  });
}

/** x stretched to a shape that it broadcasts to. */
export function broadcastTo(x: Ref, shape: readonly number[]): Ref {
  const lead = shape.length - x.shape.length;
  return build(shape, (index) =>
    at(
      x,
      x.shape.map((extent, d) => (extent === 1 ? 0 : index[lead + d]!)),
    ),
  );
}

/** x summed over the axes along which `shape` was stretched to that of x: the reverse of `broadcastTo`. */
export function sumTo(x: Ref, shape: readonly number[]): Ref {
  const y = ref(shape);
  const lead = x.shape.length - shape.length;
  let i = 0;
  for (const index of indices(x.shape)) {
    const target = offsetOf(
      shape,
      shape.map((extent, d) => (extent === 1 ? 0 : index[lead + d]!)),
    );
    y.data[target]! += x.data[i++]!;
  }
  return y;
}
