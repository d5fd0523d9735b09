import { dtypes, NAN_BITS, type DType } from '../tensor/dtype.ts';
import { sizeOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { argmax as argmaxKernel } from './wgsl/argmax.wgsl.ts';
import { gather as gatherKernel } from './wgsl/gather.wgsl.ts';

const SIZE = 64;

/** Shapes of a gather: x is [outer, extent, inner] around the axis. */
export const around = (shape: Shape, axis: number): { outer: number; extent: number; inner: number } => ({
  outer: sizeOf(shape.slice(0, axis)),
  extent: shape[axis]!,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** The value for an index out of range, as bits: NaN, or the integer that is least likely to be real data, or false. */
const outside: Record<DType, number> = { float32: NAN_BITS, int32: 0x80000000, uint32: 0xffffffff, bool: 0 };

/**
 * Elements of x at int32 indices along an axis.
 *
 * @param missing what an index out of range gives: the type's `outside`, or 0
 */
export function gather<D extends DType>(
  op: string,
  x: Tensor<D>,
  indices: Tensor,
  axis: number,
  missing: 'outside' | 'zero',
): Tensor<D> {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const y = empty(x.device, shape, x.dtype, op);
  if (y.size === 0) return y;
  const { outer, extent, inner } = around(x.shape, axis);
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * indices.size * inner;
    run(x.device, gatherKernel, {
      op,
      consts: { SIZE },
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs!, indices, y: ys! },
      params: { elements, extent, count: indices.size, inner, outside: missing === 'zero' ? 0 : outside[x.dtype] },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}

/** Position of the largest or smallest element along an axis, int32. */
export function argmax(op: 'argmax' | 'argmin', x: Tensor, axis: number): Tensor<'int32'> {
  const { outer, extent, inner } = around(x.shape, axis);
  const y = empty(
    x.device,
    x.shape.filter((_, d) => d !== axis),
    'int32',
    op,
  );
  if (y.size === 0) return y;
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * inner;
    run(x.device, argmaxKernel, {
      op,
      consts: { SIZE, SMALLEST: op === 'argmin' },
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs!, y: ys! },
      params: { elements, extent, inner },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}
