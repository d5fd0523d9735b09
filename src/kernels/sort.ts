import type { DType } from '../tensor/dtype.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import { linearGroups, run, type Bindable } from './run.ts';
import { around } from './select.ts';
import { inSlices } from './slices.ts';
import { sortBlocks } from './wgsl/sort_blocks.wgsl.ts';
import { sortMerge } from './wgsl/sort_merge.wgsl.ts';

const SIZE = 64;
/** Elements that the first pass sorts by counting. */
const BLOCK = 32;

/** Numbers by which sort_blocks.wgsl knows the types. */
const codes: Record<DType, number> = { float32: 0, int32: 1, uint32: 2, bool: 2 };

/** The sorted runs that a pass writes; `stride` is the number of places per row. */
interface Runs {
  readonly keys: Tensor;
  readonly places: Bindable;
  readonly stride: number;
}

/**
 * Positions of the first `keep` elements along an axis in ascending or descending order, int32; equal elements keep their
 * order, and a NaN counts as largest. Blocks are sorted by counting and then merged, pair by pair: a sort of n elements takes
 * about log2(n / 32) passes, in each of which an element takes log2(n) steps.
 */
export function argsort(op: string, x: Tensor, axis: number, descending: boolean, keep: number): Tensor<'int32'> {
  const { outer, extent, inner } = around(x.shape, axis);
  const shape = x.shape.map((n, d) => (d === axis ? keep : n));
  const y = empty(x.device, shape, 'int32', op);
  if (y.size === 0) return y;
  inSlices(op, outer, [x], [y], (_, rows, [xs, ys]) => {
    const elements = rows * extent * inner;
    const groups = linearGroups(x.device, elements, SIZE);
    const target = (isLast: boolean): Runs => ({
      keys: empty(x.device, [elements], 'uint32', op),
      places: isLast ? ys! : empty(x.device, [elements], 'int32', op),
      stride: isLast ? keep : extent,
    });
    let runs = target(extent <= BLOCK);
    run(x.device, sortBlocks, {
      op,
      consts: { SIZE, BLOCK, TYPE: codes[x.dtype], DESCENDING: descending },
      bind: { x: xs!, keys: runs.keys, places: runs.places },
      params: { elements, extent, inner, keep, stride: runs.stride },
      groups,
    });
    for (let width = BLOCK; width < extent; width *= 2) {
      const merged = target(2 * width >= extent);
      run(x.device, sortMerge, {
        op,
        consts: { SIZE },
        bind: { keys: runs.keys, places: runs.places, mergedKeys: merged.keys, mergedPlaces: merged.places },
        params: { elements, extent, inner, width, keep, stride: merged.stride },
        groups,
      });
      free(runs);
      runs = merged;
    }
    free(runs);
  });
  return y;
}

function free({ keys, places }: Runs): void {
  keys.dispose();
  if (places instanceof Tensor) places.dispose();
}
