import type { DataType, NdArray, TypedArray, Value } from 'ndarray';

/**
 * A view of a flat array: an `ndarray` as the package of that name makes it (types: @types/ndarray), for everything that
 * takes one. Written anew, because the package is CommonJS, which neither browsers nor Rollup load, and compiles its classes
 * with `new Function`, which pages with a Content Security Policy and browser extensions refuse.
 */
class View<D extends TypedArray> implements NdArray<D> {
  data: D;
  shape: number[];
  stride: number[];
  offset: number;

  constructor(data: D, shape: number[], stride: number[], offset: number) {
    this.data = data;
    this.shape = shape;
    this.stride = stride;
    this.offset = offset;
  }

  get dtype(): DataType<D> {
    const name = this.data[Symbol.toStringTag].replace('Array', '').toLowerCase();
    return (name === 'uint8clamped' ? 'uint8_clamped' : name) as DataType<D>;
  }
  get dimension(): number {
    return this.shape.length;
  }
  get size(): number {
    return this.shape.reduce((size, length) => size * length, 1);
  }
  /** The axes, the one with the smallest stride first. */
  get order(): number[] {
    return this.stride.map((_, axis) => axis).sort((a, b) => Math.abs(this.stride[a]!) - Math.abs(this.stride[b]!));
  }
  get T(): View<D> {
    return new View(this.data, [...this.shape].reverse(), [...this.stride].reverse(), this.offset);
  }

  /** The position in `data` of an element. */
  index(...at: number[]): Value<D> {
    return positionOf(this, at) as Value<D>;
  }
  get(...at: number[]): Value<D> {
    return this.data[positionOf(this, at)] as Value<D>;
  }
  /** The last argument is the value. */
  set(...args: number[]): Value<D> {
    return (this.data[positionOf(this, args)] = args[this.stride.length]!) as Value<D>;
  }
  valueOf(): unknown {
    return this.dimension === 0 ? this.get() : this;
  }

  /** The first elements of each axis; all where `to` has no number. */
  hi(...to: number[]): View<D> {
    const shape = this.shape.map((length, axis) => (isIndex(to[axis]) ? to[axis] | 0 : length));
    return new View(this.data, shape, [...this.stride], this.offset);
  }
  /** Without the first elements of each axis. */
  lo(...from: number[]): View<D> {
    const skipped = this.shape.map((_, axis) => (isIndex(from[axis]) ? from[axis] | 0 : 0));
    const offset = skipped.reduce((sum, count, axis) => sum + this.stride[axis]! * count, this.offset);
    const shape = this.shape.map((length, axis) => length - skipped[axis]!);
    return new View(this.data, shape, [...this.stride], offset);
  }
  /** Every `steps[axis]`-th element; a negative step starts at the end. */
  step(...steps: number[]): View<D> {
    const [shape, stride] = [[...this.shape], [...this.stride]];
    let { offset } = this;
    for (const [axis, given] of steps.slice(0, shape.length).entries()) {
      if (typeof given !== 'number') continue;
      const step = given | 0;
      if (step < 0) offset += stride[axis]! * (shape[axis]! - 1);
      shape[axis] = Math.ceil(shape[axis]! / Math.abs(step));
      stride[axis]! *= step;
    }
    return new View(this.data, shape, stride, offset);
  }
  /** Axis `axis` of the result is axis `axes[axis]`; itself where `axes` has no number. */
  transpose(...axes: number[]): View<D> {
    const from = this.shape.map((_, axis) => (axes[axis] === undefined ? axis : axes[axis] | 0));
    return new View(
      this.data,
      from.map((axis) => this.shape[axis]!),
      from.map((axis) => this.stride[axis]!),
      this.offset,
    );
  }
  /** Without the axes that have an index, at that index. */
  pick(...at: (number | null)[]): View<D> {
    const kept = this.shape.map((_, axis) => axis).filter((axis) => !isIndex(at[axis]));
    const offset = this.stride.reduce((sum, stride, i) => (isIndex(at[i]) ? sum + stride * at[i] : sum), this.offset);
    return new View(
      this.data,
      kept.map((axis) => this.shape[axis]!),
      kept.map((axis) => this.stride[axis]!),
      offset,
    );
  }
}

function positionOf({ stride, offset }: { readonly stride: readonly number[]; readonly offset: number }, at: number[]) {
  // Images are read element by element: without a loop, three times as fast.
  if (stride.length === 3) return offset + stride[0]! * at[0]! + stride[1]! * at[1]! + stride[2]! * at[2]!;
  let position = offset;
  for (let axis = 0; axis < stride.length; axis++) position += stride[axis]! * at[axis]!;
  return position;
}

const isIndex = (value: unknown): value is number => typeof value === 'number' && value >= 0;

/** An ndarray over values: in row-major order, unless `stride` has other steps between the elements of each axis. */
export function ndarray<D extends TypedArray>(
  data: D,
  shape: readonly number[],
  stride: readonly number[] = shape.map((_, axis) => shape.slice(axis + 1).reduce((step, length) => step * length, 1)),
): NdArray<D> {
  return new View(data, [...shape], [...stride], 0);
}
