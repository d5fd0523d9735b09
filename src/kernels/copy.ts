import { dtypes, type DType } from '../tensor/dtype.ts';
import { sizeOf, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, padRank } from './collapse.ts';
import { linearGroups, run } from './run.ts';
import { stridedCopy } from './wgsl/strided_copy.wgsl.ts';

/** Where a strided walk starts and how far each axis steps, in elements. */
export interface Walk {
  readonly start: number;
  readonly strides: readonly number[];
}

/** Copies elements of x, walked as `from`, to elements of y, walked as `to`, for every index of `shape`. In place in y. */
export function copyStrided(op: string, x: Tensor, from: Walk, y: Tensor, to: Walk, shape: Shape): void {
  const elements = sizeOf(shape);
  if (elements === 0) return;
  const joined = collapse(op, shape, [from.strides, to.strides]);
  const s = padRank(joined.shape, 1);
  const p = padRank(joined.strides[0]!, 0);
  const q = padRank(joined.strides[1]!, 0);
  run(x.device, stridedCopy, {
    op,
    aliases: { T: dtypes[x.dtype].wgsl },
    bind: { x, y },
    params: {
      elements,
      xStart: from.start,
      yStart: to.start,
      s1: s[1]!, s2: s[2]!, s3: s[3]!, s4: s[4]!, s5: s[5]!,
      x0: p[0]!, x1: p[1]!, x2: p[2]!, x3: p[3]!, x4: p[4]!, x5: p[5]!,
      y0: q[0]!, y1: q[1]!, y2: q[2]!, y3: q[3]!, y4: q[4]!, y5: q[5]!,
    },
    groups: linearGroups(x.device, elements, 64),
  });
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

/** Overwrites the values of a tensor with those of another of the same size and type, in place. */
export function assign(target: Tensor, source: Tensor): void {
  target.checkUsable('assign');
  source.checkUsable('assign');
  if (target.size !== source.size || target.dtype !== source.dtype) {
    throw new RangeError(`assign: ${source} does not fit into ${target}`);
  }
  target.device.copy(source.storage.buffer, 0, target.storage.buffer, 0, source.bytes);
  target.storage.version++;
}
