import { dtypes, type DType } from '../tensor/dtype.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run, type Bindable } from './run.ts';
import { around } from './select.ts';
import { inSlices } from './slices.ts';
import { cumsum as cumsumKernel } from './wgsl/cumsum.wgsl.ts';

const SIZE = 64;
/** Elements that one invocation adds in sequence; the sums of the parts of a longer axis are summed first. */
const CHAIN = 64;

/** The axis of a cumulative sum. */
interface Line {
  readonly rows: number;
  readonly extent: number;
  readonly inner: number;
  readonly reverse: boolean;
}

/** Sums of the elements up to each one along an axis, or with `reverse` of those from each one on. See cumsum.wgsl. */
export function cumsum<D extends DType>(op: string, x: Tensor<D>, axis: number, reverse: boolean): Tensor<D> {
  const { outer, extent, inner } = around(x.shape, axis);
  const y = empty(x.device, x.shape, x.dtype, op);
  if (y.size === 0) return y;
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => scan(op, y, xs!, ys!, { rows, extent, inner, reverse }));
  return y;
}

/** Sums along a line, with the sums of all blocks before each block as its start. `like` has the device and the type. */
function scan(op: string, like: Tensor, x: Bindable, y: Bindable, line: Line): void {
  const { rows, extent, inner, reverse } = line;
  const blocks = Math.ceil(extent / CHAIN);
  const elements = rows * blocks * inner;
  const launch = (target: Bindable, carry: Bindable | null, totals: boolean): void =>
    run(like.device, cumsumKernel, {
      op,
      consts: { SIZE, CHAIN, TOTALS: totals, CARRY: carry !== null, REVERSE: reverse },
      aliases: { T: dtypes[like.dtype].wgsl },
      bind: { x, carry: carry ?? x, y: target },
      params: { elements, extent, blocks, inner },
      groups: linearGroups(like.device, elements, SIZE),
    });
  if (blocks === 1) {
    launch(y, null, false);
    return;
  }
  const totals = empty(like.device, [elements], like.dtype, op);
  launch(totals, null, true);
  const sums = empty(like.device, [elements], like.dtype, op);
  scan(op, like, totals, sums, { rows, extent: blocks, inner, reverse: false });
  launch(y, sums, false);
  totals.dispose();
  sums.dispose();
}
