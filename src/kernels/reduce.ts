import { dtypes } from '../tensor/dtype.ts';
import { normalizeAxes, sizeOf, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { gatherStrided } from './copy.ts';
import { fill } from './elementwise.ts';
import { perSlot, slotsOf } from './foreach.ts';
import { linearGroups, run, type Slice } from './run.ts';
import { copySlice, inSlices } from './slices.ts';
import { tuningOf } from './tuning.ts';
import { withSlots } from './wgsl.ts';
import { reduce as reduceKernel } from './wgsl/reduce.wgsl.ts';
import { reduceTree as reduceTreeKernel } from './wgsl/reduce_tree.wgsl.ts';
import { sumSquares } from './wgsl/sum_squares.wgsl.ts';

export type ReduceOp = 'sum' | 'max' | 'min';
export type Axes = number | readonly number[] | undefined;

const codes: Record<ReduceOp, number> = { sum: 0, max: 1, min: 2 };
const SIZE = 64;
/** Maximum number of elements that one invocation reduces in sequence; a longer axis takes several passes. */
const CHAIN = 64;

/** Shape of a reduction's result, with and without the reduced axes kept as 1. */
export function reducedShape(
  op: string,
  shape: Shape,
  axes: Axes,
): { kept: number[]; dropped: number[]; axes: number[] } {
  const list = normalizeAxes(op, axes, shape.length);
  return {
    kept: shape.map((extent, d) => (list.includes(d) ? 1 : extent)),
    dropped: shape.filter((_, d) => !list.includes(d)),
    axes: list,
  };
}

/** Reduces over any axes (all by default). The result drops the reduced axes, or keeps them with extent 1. */
export function reduce(op: ReduceOp, x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const { kept, dropped, axes: list } = reducedShape(op, x.shape, axes);
  const shape = keepDims ? kept : dropped;
  const count = sizeOf(list.map((axis) => x.shape[axis]!));
  if (count === 0) {
    if (op !== 'sum' && sizeOf(shape) > 0)
      throw new RangeError(`${op}: [${x.shape}] has no elements along axes [${list}]`);
    const zeros = empty(x.device, shape, x.dtype, op);
    fill(zeros, 0);
    return zeros;
  }
  // Neighbouring axes are read as one; others are first moved next to each other.
  const first = list[0] ?? 0;
  const together = list.every((axis, i) => axis === first + i);
  let source = x;
  let outer = sizeOf(x.shape.slice(0, first));
  let inner = sizeOf(x.shape.slice(first + list.length));
  if (!together) {
    const strides = stridesOf(x.shape);
    const order = [...x.shape.keys()].filter((d) => !list.includes(d)).concat(list);
    source = gatherStrided(
      op,
      x,
      { start: 0, strides: order.map((d) => strides[d]!) },
      order.map((d) => x.shape[d]!),
    );
    outer = sizeOf(dropped);
    inner = 1;
  }
  const y = reduceAxis(op, source, outer, count, inner);
  if (source !== x) source.dispose();
  const result = y.alias(shape);
  y.dispose();
  return result;
}

/** Reduces the middle axis of x, read as [outer, extent, inner], to [outer, inner]. */
export function reduceAxis(op: ReduceOp, x: Tensor, outer: number, extent: number, inner: number): Tensor {
  if (outer === 1 && x.bytes > x.device.bindingLimit) return reduceParts(op, x, extent, inner);
  if (takesTree(x, outer, extent, inner)) return reduceTree(op, x, outer, extent, inner);
  const splits = extent <= CHAIN ? 1 : Math.ceil(extent / CHAIN);
  const y = empty(x.device, [outer, splits, inner], x.dtype, op);
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * splits * inner;
    run(x.device, reduceKernel, {
      op,
      consts: { OP: codes[op], FLOAT: x.dtype === 'float32', SIZE },
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs!, y: ys! },
      params: { elements, extent, inner, splits },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  if (splits === 1) return y;
  const result = reduceAxis(op, y, outer, splits, inner);
  y.dispose();
  return result;
}

/** Invocations of a workgroup of reduce_tree.wgsl, which share COLUMNS elements of the result, or one where `inner` is 1. */
const TREE = 256;
const COLUMNS = 8;
/** Elements that an invocation of it reduces in sequence, and elements of the result, up to which it is used. */
const TREE_CHAIN = 128;
const TREE_ELEMENTS = 4096;

const columnsFor = (inner: number): number => (inner === 1 ? 1 : COLUMNS);

/** Whether a reduction that would take several passes takes one launch instead: on GPUs, where a launch costs more. */
function takesTree(x: Tensor, outer: number, extent: number, inner: number): boolean {
  const lanes = TREE / columnsFor(inner);
  const isLong = extent > Math.max(CHAIN, lanes) && extent <= TREE_CHAIN * lanes;
  const fits = outer * inner <= TREE_ELEMENTS && x.bytes <= x.device.bindingLimit;
  return isLong && fits && tuningOf(x.device).family === 'tile';
}

function reduceTree(op: ReduceOp, x: Tensor, outer: number, extent: number, inner: number): Tensor {
  const y = empty(x.device, [outer, 1, inner], x.dtype, op);
  const columns = columnsFor(inner);
  run(x.device, reduceTreeKernel, {
    op,
    consts: { OP: codes[op], FLOAT: x.dtype === 'float32', COLUMNS: columns, LANES: TREE / columns },
    aliases: { T: dtypes[x.dtype].wgsl },
    bind: { x, y },
    params: { elements: outer * inner, extent, inner },
    groups: linearGroups(x.device, outer * inner, columns),
  });
  return y;
}

/** Reduces the first axis of x, read as [extent, inner], part by part, where x is too large to bind. */
function reduceParts(op: ReduceOp, x: Tensor, extent: number, inner: number): Tensor {
  const parts: Tensor[] = [];
  inSlices(op, extent, [x], [], (_, count, [xs]) => {
    const part = empty(x.device, [count * inner], x.dtype, op);
    copySlice(xs!, { tensor: part, start: 0, count: part.size });
    parts.push(reduceAxis(op, part, 1, count, inner));
    part.dispose();
  });
  const joined = empty(x.device, [parts.length, inner], x.dtype, op);
  const bytes = inner * dtypes[x.dtype].bytes;
  parts.forEach((part, i) => {
    x.device.copy(part.storage.buffer, 0, joined.storage.buffer, i * bytes, bytes);
    part.dispose();
  });
  const result = reduceAxis(op, joined, 1, parts.length, inner);
  joined.dispose();
  return result;
}

/** Sum of the squares of all elements of several float32 tensors, a scalar. As many as a launch can bind share one. */
export function sumOfSquares(op: string, tensors: readonly Tensor[]): Tensor {
  const parts: { readonly slice: Slice; readonly chains: number; readonly slot: number }[] = [];
  let all = 0;
  for (const x of tensors) {
    inSlices(op, x.size, [x], [], (_, count, [slice]) => {
      const chains = Math.ceil(count / (4 * CHAIN));
      parts.push({ slice: slice!, chains, slot: all });
      all += chains;
    });
  }
  const { device } = tensors[0]!;
  const slots = slotsOf(device, 1, 1);
  const y = empty(device, [all], 'float32', op);
  for (let first = 0; first < parts.length; first += slots) {
    const { slice: any, slot } = parts[first]!;
    const slices = Array.from({ length: slots }, (_, i) => parts[first + i]?.slice);
    run(device, withSlots(sumSquares, slots), {
      op,
      consts: { SIZE, CHAIN },
      bind: {
        y,
        ...perSlot(
          'x',
          slices.map((slice) => slice ?? any),
        ),
      },
      params: {
        slot,
        ...perSlot(
          'elements',
          slices.map((slice) => slice?.count ?? 0),
        ),
      },
      groups: linearGroups(device, (parts[first + slots]?.slot ?? all) - slot, SIZE),
    });
  }
  const sum = reduce('sum', y);
  y.dispose();
  return sum;
}
