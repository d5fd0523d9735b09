import type { Device } from '../tensor/device.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { fill } from './elementwise.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { valueRange } from './wgsl/value_range.wgsl.ts';

/** Range of the values of a float32 tensor. */
export interface ValueRange {
  readonly shape: readonly number[];
  /** Smallest finite value; null if there is none. */
  readonly min: number | null;
  /** Largest finite value; null if there is none. */
  readonly max: number | null;
  /** Number of NaN values. */
  readonly nan: number;
  /** Number of infinite values. */
  readonly infinite: number;
}

const SIZE = 64;
/** Elements that one invocation takes. */
const CHAIN = 64;
/** Words of each range in a table. */
const WORDS = 4;

/** A table for `measureRange` with `slots` slots. */
export function rangeTable(device: Device, slots: number): Tensor<'uint32'> {
  const table = empty(device, [slots, WORDS], 'uint32', 'value range');
  fill(table, 0);
  return table;
}

/** Computes the range of a float32 tensor on the GPU, and writes it to an unused slot of a table. */
export function measureRange(x: Tensor, table: Tensor<'uint32'>, slot: number): void {
  inSlices('value range', x.size, [x], [], (_, count, [part]) => {
    run(x.device, valueRange, {
      op: 'value range',
      consts: { SIZE },
      bind: { x: part!, ranges: table },
      params: { elements: count, slot },
      groups: linearGroups(x.device, Math.ceil(count / CHAIN), SIZE),
    });
  });
}

/** The range in a slot of a table that was read. */
export function rangeIn(table: Uint32Array, slot: number, shape: readonly number[]): ValueRange {
  const [largest, smallest, nan, infinite] = table.subarray(slot * WORDS, (slot + 1) * WORDS);
  const isEmpty = largest === 0;
  return {
    shape,
    min: isEmpty ? null : floatOfOrder(~smallest! >>> 0),
    max: isEmpty ? null : floatOfOrder(largest!),
    nan: nan!,
    infinite: infinite!,
  };
}

function floatOfOrder(order: number): number {
  const bits = order >= 0x80000000 ? order - 0x80000000 : ~order;
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
