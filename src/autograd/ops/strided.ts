import { checkInteger, checkList, described } from '../../common/check.ts';
import { copyStrided, gatherStrided, type Walk } from '../../kernels/copy.ts';
import { fill } from '../../kernels/elementwise.ts';
import type { DType } from '../../tensor/dtype.ts';
import { normalizeAxes, stridesOf, type Shape } from '../../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/** The elements of x that a walk visits, as a tensor of `shape`. No element may be visited twice. */
function visit<D extends DType>(op: string, x: Tensor<D>, walk: Walk, shape: Shape): Tensor<D> {
  const from = x.shape;
  return record(op, gatherStrided(op, x, walk, shape), [x], [], (dy) => [() => putBack(op, dy, walk, from)], {
    twice: true,
  });
}

/** The derivative of `visit`: zeros of `shape` with y where the walk goes. */
function putBack<D extends DType>(op: string, y: Tensor<D>, walk: Walk, shape: Shape): Tensor<D> {
  const visited = y.shape;
  const x = empty(y.device, shape, y.dtype, `${op} gradient`);
  fill(x, 0);
  copyStrided(`${op} gradient`, y, { start: 0, strides: stridesOf(visited) }, x, walk, visited);
  return record(`${op} gradient`, x, [y], [], (dx) => [() => visit(op, dx, walk, visited)], { twice: true });
}

/** The elements start, start + step, ... up to but not including stop, as Python's `start:stop:step`. */
export interface Range {
  /** Counted from the end if negative. Default: the first element, or the last with a negative step. */
  readonly start?: number;
  /** Counted from the end if negative. Default: past the last element, or before the first with a negative step. */
  readonly stop?: number;
  /** Any integer except 0. Default 1. */
  readonly step?: number;
}

/** Throws unless an entry is one of those that TypeScript allows: a misspelt limit must not mean the whole axis. */
function checkEntry(entry: unknown, axis: number): void {
  if (entry === null || entry === undefined || typeof entry === 'number') return;
  const isRange = typeof entry === 'object' && Object.keys(entry).every((key) => /^(?:start|stop|step)$/.test(key));
  if (isRange) return;
  throw new TypeError(
    `stridedSlice: the entry for axis ${axis} is ${described(entry)}, expected a range { start, stop, step }, a position or null`,
  );
}

/** The first element, the step and the number of elements of a range over an axis. Limits outside are moved inside. */
function walkOf({ start, stop, step = 1 }: Range, extent: number): { first: number; step: number; count: number } {
  checkInteger('stridedSlice', 'step', step);
  if (step === 0) throw new RangeError('stridedSlice: step is 0, expected an integer except 0');
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
  const limit = (name: string, value: number | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise;
    checkInteger('stridedSlice', name, value);
    return Math.min(Math.max(value < 0 ? value + extent : value, lowest), highest);
  };
  const first = limit('start', start, step > 0 ? lowest : highest);
  const end = limit('stop', stop, step > 0 ? highest : lowest);
  return { first, step, count: Math.max(0, Math.ceil((end - first) / step)) };
}

/**
 * A part of x along ranges with steps and at positions. Python's `x[1:-1, ::-2, 3]` is
 * `stridedSlice(x, [{ start: 1, stop: -1 }, { step: -2 }, 3])`. `slice` takes a block by its corner and size instead.
 *
 * @param index for each axis a range, a position (counted from the end if negative), which removes the axis, or null for all
 *   of it. Axes beyond the list are kept whole.
 * @throws RangeError if there are more entries than axes, or a position is outside. Ranges are cut off at the ends of an axis.
 *
 * @example
 * const x = reshape(arange(0, 12), [3, 4]);
 * await stridedSlice(x, [{ step: -1 }, { start: 1, step: 2 }]).print();
 * // Tensor(float32 [3,2])
 * // [[ 9., 11.],
 * //  [ 5.,  7.],
 * //  [ 1.,  3.]]
 * await stridedSlice(x, [1]).print(); // Tensor(float32 [4]) [4., 5., 6., 7.]
 */
export function stridedSlice<D extends DType>(x: Tensor<D>, index: readonly (Range | number | null)[]): Tensor<D> {
  checkTensor('stridedSlice', 'x', x);
  checkList('stridedSlice', 'index', index, 'ranges and positions');
  const { shape } = x;
  if (index.length > shape.length) {
    throw new RangeError(`stridedSlice: the index has ${index.length} entries, [${shape}] has ${shape.length} axes`);
  }
  const strides = stridesOf(shape);
  let start = 0;
  const extents: number[] = [];
  const steps: number[] = [];
  index.forEach(checkEntry);
  shape.forEach((extent, d) => {
    const entry = index[d] ?? {};
    if (typeof entry === 'number') {
      checkInteger('stridedSlice', `the position along axis ${d}`, entry, { min: -extent, max: extent - 1 });
      start += (entry < 0 ? entry + extent : entry) * strides[d]!;
      return;
    }
    const { first, step, count } = walkOf(entry, extent);
    start += count === 0 ? 0 : first * strides[d]!;
    extents.push(count);
    steps.push(step * strides[d]!);
  });
  return visit('stridedSlice', x, { start, strides: steps }, extents);
}

/**
 * The elements in reverse order along some axes, or along all.
 *
 * @example
 * await flip(tensor([[1, 2], [3, 4]]), 1).print();
 * // Tensor(float32 [2,2])
 * // [[2., 1.],
 * //  [4., 3.]]
 */
export function flip<D extends DType>(x: Tensor<D>, axes?: number | readonly number[]): Tensor<D> {
  checkTensor('flip', 'x', x);
  const list = normalizeAxes('flip', axes, x.shape.length);
  const strides = stridesOf(x.shape);
  const start = list.reduce((sum, d) => sum + (x.shape[d]! - 1) * strides[d]!, 0);
  const walk = { start: x.size === 0 ? 0 : start, strides: strides.map((s, d) => (list.includes(d) ? -s : s)) };
  return visit('flip', x, walk, x.shape);
}

/** The elements with equal positions along two axes, of equal extent; their axis comes last. */
export function diagonal<D extends DType>(op: string, x: Tensor<D>, a: number, b: number): Tensor<D> {
  const strides = stridesOf(x.shape);
  const others = [...x.shape.keys()].filter((d) => d !== a && d !== b);
  const walk = { start: 0, strides: [...others.map((d) => strides[d]!), strides[a]! + strides[b]!] };
  return visit(op, x, walk, [...others.map((d) => x.shape[d]!), x.shape[a]!]);
}
