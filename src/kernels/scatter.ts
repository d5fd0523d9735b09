import { dtypes, type DType } from '../tensor/dtype.ts';
import { stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, extentParams, padRank, strideParams } from './collapse.ts';
import { fill } from './elementwise.ts';
import { linearGroups, run } from './run.ts';
import { around, gather } from './select.ts';
import { inSlices } from './slices.ts';
import { argsort } from './sort.ts';
import { firstOccurrences as firstOccurrencesKernel } from './wgsl/first_occurrences.wgsl.ts';
import { flatIndices as flatIndicesKernel } from './wgsl/flat_indices.wgsl.ts';
import { segmentStarts } from './wgsl/segment_starts.wgsl.ts';
import { segmentSums } from './wgsl/segment_sums.wgsl.ts';

const SIZE = 64;
/** Terms that one invocation adds in sequence. */
const CHAIN = 32;

/** Indices in ascending order, so that equal ones form segments. */
interface Segments {
  /** [count] int32: positions of the indices in ascending order; equal ones keep their order. */
  readonly order: Tensor<'int32'>;
  /** [count] uint32: the place in `order` where the segment of each place begins. */
  readonly starts: Tensor;
}

/** Sorts the indices. The caller disposes the result. */
function segmentsOf(op: string, indices: Tensor): Segments {
  const { device, size: count } = indices;
  const flat = indices.alias([count]);
  const order = argsort(op, flat, 0, false, count);
  const starts = empty(device, [count], 'uint32', op);
  run(device, segmentStarts, {
    op,
    consts: { SIZE },
    bind: { indices: flat, order, starts },
    params: { count },
    groups: linearGroups(device, count, SIZE),
  });
  flat.dispose();
  return { order, starts };
}

/**
 * Sums of the elements of x [.., indices.., ..] that have the same index: what `gather` from a tensor of `shape` picked goes
 * back to where it was, and the rest is 0. An index out of range is ignored. Takes n log(n)^2 steps for n indices besides
 * reading x and writing the result, however the indices are distributed; equal inputs give equal bits.
 *
 * @param distinct whether no index occurs twice, which saves sorting them
 */
export function scatterSum<D extends DType>(
  op: string,
  x: Tensor<D>,
  indices: Tensor,
  shape: Shape,
  axis: number,
  distinct: boolean,
): Tensor<D> {
  const { outer, extent, inner } = around(shape, axis);
  const segments = distinct || indices.size === 0 ? null : segmentsOf(op, indices);
  const positions = firstPositions(op, indices, segments, extent);
  const flat = x.alias([outer, indices.size, inner]);
  const sums = segments === null ? flat : sumSegments(op, flat, segments);
  const y = gather(op, sums, positions, 1, 'zero');
  const result = y.alias(shape);
  for (const t of [flat, sums, positions, y, segments?.order, segments?.starts]) t?.dispose();
  return result;
}

/** The sum of each segment of x [outer, count, inner], where its first element is; other elements are undefined. */
function sumSegments<D extends DType>(op: string, x: Tensor<D>, { order, starts }: Segments): Tensor<D> {
  const { device } = x;
  const [outer, count, inner] = x.shape as [number, number, number];
  const y = empty(device, x.shape, x.dtype, op);
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    for (let stride = 1; stride < count || stride === 1; stride *= CHAIN) {
      const elements = rows * Math.ceil(count / stride) * inner;
      run(device, segmentSums, {
        op,
        consts: { SIZE, CHAIN, FIRST: stride === 1 },
        aliases: { T: dtypes[x.dtype].wgsl },
        bind: { x: xs!, order, starts, sums: ys! },
        params: { elements, count, inner, stride },
        groups: linearGroups(device, elements, SIZE),
      });
    }
  });
  return y;
}

/** Position of the first occurrence of each number 0 .. extent - 1 among the indices; -1 for a number that is missing. */
export function firstOccurrences(op: string, indices: Tensor, extent: number): Tensor<'int32'> {
  const segments = indices.size === 0 ? null : segmentsOf(op, indices);
  const first = firstPositions(op, indices, segments, extent);
  segments?.order.dispose();
  segments?.starts.dispose();
  return first;
}

/** The same, given the segments of the indices; null if no index occurs twice. */
function firstPositions(op: string, indices: Tensor, segments: Segments | null, extent: number): Tensor<'int32'> {
  const { device, size: count } = indices;
  const first = empty(device, [extent], 'int32', op);
  fill(first, -1);
  run(device, firstOccurrencesKernel, {
    op,
    consts: { SIZE, DISTINCT: segments === null },
    bind: { indices, order: segments?.order ?? indices, starts: segments?.starts ?? indices, first },
    params: { count, extent },
    groups: linearGroups(device, count, SIZE),
  });
  return first;
}

/**
 * Positions, in the row-major elements of a tensor of `shape`, of what indices along an axis point to; -1 for an index out
 * of range. Along the other axes an extent of 1 in `shape` is stretched to that of the indices.
 */
export function flatIndices(op: string, indices: Tensor, shape: Shape, axis: number): Tensor<'int32'> {
  const { device } = indices;
  const flat = empty(device, indices.shape, 'int32', op);
  if (flat.size === 0) return flat;
  const strides = stridesOf(shape);
  const others = strides.map((stride, d) => (d === axis || shape[d] === 1 ? 0 : stride));
  const joined = collapse(op, indices.shape, [others]);
  inSlices(op, indices.size, [indices], [flat], (first, elements, [is, fs]) => {
    run(device, flatIndicesKernel, {
      op,
      consts: { SIZE },
      bind: { indices: is!, flat: fs! },
      params: {
        elements,
        first,
        extent: shape[axis]!,
        step: strides[axis]!,
        ...extentParams(padRank(joined.shape, 1)),
        ...strideParams('x', padRank(joined.strides[0]!, 0)),
      },
      groups: linearGroups(device, elements, SIZE),
    });
  });
  return flat;
}
