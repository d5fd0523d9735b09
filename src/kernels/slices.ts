import { dtypes } from '../tensor/dtype.ts';
import { GpuOutOfMemoryError, formatBytes } from '../tensor/errors.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Slice } from './run.ts';
import type { AdapterFacts } from './tuning.ts';

/** One part of a job that is split along its outermost axis. `slices` has the order of `inputs`, then `outputs`. */
export type SliceJob = (start: number, count: number, slices: Slice[]) => void;

/** Steps from `start` on of the outermost axis of some tensors, and their elements. */
interface Part<T> {
  readonly start: number;
  readonly count: number;
  readonly slices: Slice<T>[];
  /** Whether the slices can be bound where they are. */
  readonly isAligned: boolean;
}

/**
 * Divides tensors that share an outermost axis of `outer` steps into the minimum number of parts that the adapter's binding
 * limit allows: one, unless a tensor is larger. Each tensor's size must be a multiple of `outer`.
 */
export function slicesOf<T extends { readonly shape: Shape; readonly size: number; readonly bytes: number }>(
  op: string,
  { bindingLimit, limits }: Pick<AdapterFacts, 'bindingLimit' | 'limits'>,
  outer: number,
  tensors: readonly T[],
): Part<T>[] {
  if (outer === 0 || tensors.length === 0) return [];
  const rowBytes = tensors.map(({ bytes }) => bytes / outer);
  const largest = Math.max(...rowBytes);
  if (largest * outer <= bindingLimit) {
    const slices = tensors.map((tensor) => ({ tensor, start: 0, count: tensor.size }));
    return [{ start: 0, count: outer, slices, isAligned: true }];
  }
  const fit = Math.floor(bindingLimit / largest);
  if (fit === 0) {
    const { shape } = tensors[rowBytes.indexOf(largest)]!;
    throw new GpuOutOfMemoryError(
      op,
      largest,
      `one of the ${outer} parts of [${shape}] takes ${formatBytes(largest)}, more than this adapter binds to ` +
        `a kernel at once (${formatBytes(bindingLimit)}): use smaller images`,
    );
  }
  const alignment = limits.minStorageBufferOffsetAlignment;
  // Starts at multiples of `granule` rows are aligned for every tensor.
  const granule = rowBytes.reduce((g, bytes) => lcm(g, alignment / gcd(alignment, bytes)), 1);
  const aligned = Math.floor(fit / granule) * granule;
  const step = aligned > 0 ? aligned : fit;
  const parts: Part<T>[] = [];
  for (let start = 0; start < outer; start += step) {
    const count = Math.min(step, outer - start);
    const slices = tensors.map((tensor) => {
      const each = tensor.size / outer;
      return { tensor, start: each * start, count: each * count };
    });
    parts.push({ start, count, slices, isAligned: aligned > 0 });
  }
  return parts;
}

/**
 * Runs a job on each part of its tensors (`slicesOf`). Parts that do not start at a multiple of the adapter's offset alignment
 * are copied first.
 */
export function inSlices(
  op: string,
  outer: number,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  job: SliceJob,
): void {
  const tensors = [...inputs, ...outputs];
  if (tensors.length === 0) return;
  for (const { start, count, slices, isAligned } of slicesOf(op, tensors[0]!.device, outer, tensors)) {
    if (isAligned) job(start, count, slices);
    else throughCopies(op, slices, inputs.length, (copies) => job(start, count, copies));
  }
}

/** Copies the first `inputs` ranges to tensors of their own, runs the job on copies, and copies the others back. */
function throughCopies(op: string, slices: readonly Slice[], inputs: number, job: (copies: Slice[]) => void): void {
  const copies = slices.map(({ tensor: { device, dtype }, count }) => {
    return { tensor: empty(device, [count], dtype, op), start: 0, count };
  });
  slices.slice(0, inputs).forEach((slice, i) => copySlice(slice, copies[i]!));
  job(copies);
  slices.slice(inputs).forEach((slice, i) => copySlice(copies[inputs + i]!, slice));
  for (const { tensor } of copies) tensor.dispose();
}

/** Copies a range of a tensor to one of the same length. */
export function copySlice({ tensor, start, count }: Slice, to: Slice): void {
  const { bytes } = dtypes[tensor.dtype];
  const { storage } = to.tensor;
  tensor.device.copy(tensor.storage.buffer, start * bytes, storage.buffer, to.start * bytes, count * bytes);
  storage.changed();
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function lcm(a: number, b: number): number {
  return (a / gcd(a, b)) * b;
}
