import { checkInteger, checkList, described } from '../common/check.ts';

/** Sizes of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Throws unless the shape is an array of integers >= 0. */
export function checkShape(op: string, shape: Shape): void {
  checkList(op, 'the shape', shape);
  for (const extent of shape) {
    checkInteger(op, `an extent of the shape ${described(shape)}`, extent, { min: 0 });
  }
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, d) => extent === b[d]);
}

/** Turns an axis that may count from the end (-1 is the last) into one that counts from the front. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (rank === 0) throw new RangeError(`${op}: axis is ${axis}, but a scalar has no axes`);
  checkInteger(op, 'axis', axis, { min: -rank, max: rank - 1 });
  return axis < 0 ? axis + rank : axis;
}

/** Sorted distinct axes from the front; `undefined` means all of them. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, d) => d);
  if (typeof axes !== 'number' && !Array.isArray(axes)) {
    throw new TypeError(`${op}: axes are ${described(axes)}, expected an integer or an array of integers`);
  }
  const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, rank));
  if (new Set(list).size !== list.length) throw new RangeError(`${op}: axes [${axes}] name the same axis twice`);
  return list.sort((a, b) => a - b);
}

/** The shape that both operands broadcast to (NumPy's rule: align at the last axis, 1 stretches). */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let d = 0; d < rank; d++) {
    const x = a[a.length - rank + d] ?? 1;
    const y = b[b.length - rank + d] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new RangeError(
        `${op}: shapes [${a}] and [${b}] do not broadcast: aligned at the last axis, extents must be equal or 1`,
      );
    }
    out[d] = x === 1 ? y : x;
  }
  return out;
}

/** Strides of `shape` when read as `target`: 0 along the axes that are stretched. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, d) => (d < lead || shape[d - lead] === 1 ? 0 : strides[d - lead]!));
}
