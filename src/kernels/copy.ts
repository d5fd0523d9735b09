import { dtypes, type DType } from '../tensor/dtype.ts';
import { sameShape, sizeOf, stridesOf, type Shape } from '../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, extentParams, padRank, strideParams } from './collapse.ts';
import { linearGroups, run, type Slice } from './run.ts';
import { stridedCopy } from './wgsl/strided_copy.wgsl.ts';

/** Start of a strided walk and its step along each axis, in elements. */
export interface Walk {
  readonly start: number;
  readonly strides: readonly number[];
}

/** Copies elements of x, walked as `from`, to elements of y, walked as `to`, for every index of `shape`. In place in y. */
export function copyStrided(op: string, x: Tensor, from: Walk, y: Tensor, to: Walk, shape: Shape): void {
  if (sizeOf(shape) === 0) return;
  const joined = collapse(op, shape, [from.strides, to.strides]);
  const s = padRank(joined.shape, 1);
  const [p, q] = joined.strides.map((strides) => padRank(strides, 0)) as [number[], number[]];
  const rows = Math.max(1, joined.shape[0] ?? 1);
  const first = joined.shape.length === 0 ? 5 : 6 - joined.shape.length;
  // Part by part along the outermost axis, so that the ranges that each part touches can be bound.
  for (let start = 0, count = rows; start < rows; start += count) {
    const part = (n: number): { extents: number[]; xs: Slice; ys: Slice; xStart: number; yStart: number } => {
      const extents = s.map((extent, d) => (d === first ? n : extent));
      const [xs, xStart] = touched(x, { start: from.start + start * p[first]!, strides: p }, extents);
      const [ys, yStart] = touched(y, { start: to.start + start * q[first]!, strides: q }, extents);
      return { extents, xs, ys, xStart, yStart };
    };
    count = Math.min(count, rows - start);
    let launch = part(count);
    while (count > 1 && !(fits(launch.xs) && fits(launch.ys))) {
      count = Math.ceil(count / 2);
      launch = part(count);
    }
    const { extents, xs, ys, xStart, yStart } = launch;
    run(x.device, stridedCopy, {
      op,
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs, y: ys },
      params: {
        elements: sizeOf(extents),
        xStart,
        yStart,
        ...extentParams(extents),
        ...strideParams('x', p),
        ...strideParams('y', q),
      },
      groups: linearGroups(x.device, sizeOf(extents), 64),
    });
  }
}

const fits = ({ tensor, count }: Slice): boolean => count * dtypes[tensor.dtype].bytes <= tensor.device.bindingLimit;

/** The range of a tensor that a walk touches, aligned so that it can be bound, and where in it the walk starts. */
function touched(tensor: Tensor, { start, strides }: Walk, extents: readonly number[]): [Slice, number] {
  const steps = extents.map((extent, d) => (extent - 1) * strides[d]!);
  const low = start + steps.reduce((sum, step) => sum + Math.min(step, 0), 0);
  const high = start + steps.reduce((sum, step) => sum + Math.max(step, 0), 0);
  const whole = { tensor, start: 0, count: tensor.size };
  if (fits(whole)) return [whole, start];
  const granule = tensor.device.limits.minStorageBufferOffsetAlignment / dtypes[tensor.dtype].bytes;
  const begin = Math.floor(low / granule) * granule;
  return [{ tensor, start: begin, count: high + 1 - begin }, start - begin];
}

/** A new contiguous tensor of `shape` with the elements of x that the walk visits. */
export function gatherStrided<D extends DType>(op: string, x: Tensor<D>, from: Walk, shape: Shape): Tensor<D> {
  const y = empty(x.device, shape, x.dtype, op);
  copyStrided(op, x, from, y, { start: 0, strides: stridesOf(shape) }, shape);
  return y;
}

/** A copy in memory of its own. */
export function clone<D extends DType>(x: Tensor<D>): Tensor<D> {
  const y = empty(x.device, x.shape, x.dtype, 'clone');
  assign(y, x);
  return y;
}

/**
 * Overwrites the values of a tensor with those of another of the same shape and type, in place. Nothing happens if both are
 * the same memory.
 *
 * @example
 * const x = zeros([2]);
 * assign(x, tensor([1, 2]));
 * await x.print(); // Tensor(float32 [2]) [1., 2.]
 */
export function assign(target: Tensor, source: Tensor): void {
  checkTensor('assign', 'target', target);
  checkTensor('assign', 'source', source);
  if (!sameShape(target.shape, source.shape) || target.dtype !== source.dtype) {
    throw new RangeError(`assign: ${source} does not fit into ${target}, expected the same shape and type`);
  }
  if (target.device !== source.device) {
    throw new Error(`assign: ${source} and its target are on different devices; make them on the same one`);
  }
  if (target.storage === source.storage) return;
  target.device.copy(source.storage.buffer, 0, target.storage.buffer, 0, source.bytes);
  target.storage.changed();
}
