import { dtypes } from '../tensor/dtype.ts';
import { GpuOutOfMemoryError, formatBytes } from '../tensor/errors.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Slice } from './run.ts';

/** One part of a job that is split along its outermost axis. `slices` has the order of `inputs`, then `outputs`. */
export type SliceJob = (start: number, count: number, slices: Slice[]) => void;

/**
 * Runs a job whose tensors share an outermost axis of `outer` steps, in the minimum number of parts that the adapter's
 * binding limit allows: one, unless a tensor is larger. Each tensor's size must be a multiple of `outer`.
 *
 * A part must start at a multiple of the adapter's offset alignment. If no split does, its rows are copied first.
 */
export function inSlices(
  op: string,
  outer: number,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  job: SliceJob,
): void {
  const tensors = [...inputs, ...outputs];
  if (outer === 0 || tensors.length === 0) return;
  const { device } = tensors[0]!;
  const rowBytes = tensors.map((t) => t.bytes / outer);
  const largest = Math.max(...rowBytes);
  if (largest * outer <= device.bindingLimit) {
    job(
      0,
      outer,
      tensors.map((tensor) => ({ tensor, start: 0, count: tensor.size })),
    );
    return;
  }
  const fit = Math.floor(device.bindingLimit / largest);
  if (fit === 0) {
    const tensor = tensors[rowBytes.indexOf(largest)]!;
    throw new GpuOutOfMemoryError(
      op,
      largest,
      `one of the ${outer} parts of [${tensor.shape}] takes ${formatBytes(largest)}, more than this adapter binds to ` +
        `a kernel at once (${formatBytes(device.bindingLimit)}): use smaller images`,
    );
  }
  const alignment = device.limits.minStorageBufferOffsetAlignment;
  // Starts at multiples of `granule` rows are aligned for every tensor.
  const granule = rowBytes.reduce((g, bytes) => lcm(g, alignment / gcd(alignment, bytes)), 1);
  const aligned = Math.floor(fit / granule) * granule;
  const step = aligned > 0 ? aligned : fit;
  for (let start = 0; start < outer; start += step) {
    const count = Math.min(step, outer - start);
    const at = (tensor: Tensor): Slice => ({
      tensor,
      start: (tensor.size / outer) * start,
      count: (tensor.size / outer) * count,
    });
    if (aligned > 0) job(start, count, tensors.map(at));
    else throughCopies(op, inputs.map(at), outputs.map(at), (slices) => job(start, count, slices));
  }
}

/** Copies input ranges to tensors of their own, runs the job on those, and copies the outputs back. */
function throughCopies(op: string, inputs: Slice[], outputs: Slice[], job: (slices: Slice[]) => void): void {
  const copies = [...inputs, ...outputs].map(({ tensor, count }) => empty(tensor.device, [count], tensor.dtype, op));
  inputs.forEach((slice, i) => copySlice(slice, copies[i]!));
  job(copies.map((tensor) => ({ tensor, start: 0, count: tensor.size })));
  outputs.forEach(({ tensor, start, count }, i) => {
    const { bytes } = dtypes[tensor.dtype];
    const copy = copies[inputs.length + i]!;
    tensor.device.copy(copy.storage.buffer, 0, tensor.storage.buffer, start * bytes, count * bytes);
    tensor.storage.changed();
  });
  for (const copy of copies) copy.dispose();
}

/** Copies a range of a tensor to the start of another. */
export function copySlice({ tensor, start, count }: Slice, target: Tensor): void {
  const { bytes } = dtypes[tensor.dtype];
  tensor.device.copy(tensor.storage.buffer, start * bytes, target.storage.buffer, 0, count * bytes);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function lcm(a: number, b: number): number {
  return (a / gcd(a, b)) * b;
}
