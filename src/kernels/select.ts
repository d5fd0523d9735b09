import { dtypes, type DType } from '../tensor/dtype.ts';
import { sizeOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { fill } from './elementwise.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { argmax as argmaxKernel } from './wgsl/argmax.wgsl.ts';
import { gather as gatherKernel } from './wgsl/gather.wgsl.ts';
import { topK as topKKernel } from './wgsl/top_k.wgsl.ts';

const SIZE = 64;

/** Shapes of a gather: x is [outer, extent, inner] around the axis. */
const around = (shape: Shape, axis: number): { outer: number; extent: number; inner: number } => ({
  outer: sizeOf(shape.slice(0, axis)),
  extent: shape[axis]!,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** The value for an index out of range, as bits: NaN, or the integer that is least likely to be real data. */
const outside: Record<DType, number> = { float32: 0x7fc00000, int32: 0x80000000, uint32: 0xffffffff };

/** Elements of x at int32 indices along an axis. */
export function gather<D extends DType>(x: Tensor<D>, indices: Tensor, axis: number): Tensor<D> {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const y = empty(x.device, shape, x.dtype, 'gather');
  launch('gather', x, indices, y, around(x.shape, axis), false);
  return y;
}

/** Gradient of a gather from a tensor of `shape`. */
export function gatherGrad(dy: Tensor, indices: Tensor, shape: Shape, axis: number): Tensor {
  const dx = empty(dy.device, shape, 'float32', 'gather gradient');
  if (dy.size === 0) fill(dx, 0);
  else launch('gather gradient', dy, indices, dx, around(shape, axis), true);
  return dx;
}

function launch(
  op: string,
  x: Tensor,
  indices: Tensor,
  y: Tensor,
  { outer, extent, inner }: ReturnType<typeof around>,
  gradient: boolean,
): void {
  if (y.size === 0) return;
  const count = indices.size;
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * (gradient ? extent : count) * inner;
    run(x.device, gatherKernel, {
      op,
      consts: { SIZE, GRADIENT: gradient },
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs!, indices, y: ys! },
      params: { elements, extent, count, inner, outside: outside[x.dtype] },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
}

/** Position of the largest element along an axis, int32. */
export function argmax(x: Tensor, axis: number): Tensor<'int32'> {
  const { outer, extent, inner } = around(x.shape, axis);
  const y = empty(
    x.device,
    x.shape.filter((_, d) => d !== axis),
    'int32',
    'argmax',
  );
  if (y.size === 0) return y;
  inSlices('argmax', outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * inner;
    run(x.device, argmaxKernel, {
      op: 'argmax',
      consts: { SIZE },
      aliases: { T: dtypes[x.dtype].wgsl },
      bind: { x: xs!, y: ys! },
      params: { elements, extent, inner },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}

/** The k largest elements of each row (last axis) with their positions, in descending order. */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor<'int32'> } {
  const n = x.shape.at(-1)!;
  const shape = [...x.shape.slice(0, -1), k];
  const values = empty(x.device, shape, 'float32', 'topK');
  const indices = empty(x.device, shape, 'int32', 'topK');
  if (values.size === 0) return { values, indices };
  inSlices('topK', x.size / n, [x], [values, indices], (_, rows, [xs, vs, is]) => {
    const elements = rows * n;
    run(x.device, topKKernel, {
      op: 'topK',
      consts: { SIZE },
      bind: { x: xs!, values: vs!, places: is! },
      params: { elements, n, k },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return { values, indices };
}
