import type { Device } from '../tensor/device.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Slice } from './run.ts';
import { inSlices } from './slices.ts';

// One operation for each of many tensors (PyTorch's foreach). A network has hundreds of small tensors, and updating one is
// less work than launching a kernel for it. So kernels that change tensors element by element have several slots, each
// with bindings of its own (x0, y0; x1, y1; ...), as many as fit into the 8 storage buffers that every adapter binds. One
// launch serves a tensor in each slot; its invocations walk through the slots in turn, four elements each.

/** The tensors of one slot, all of one size, in the order of the kernel's bindings. The kernel writes to `outputs`. */
export interface ForeachJob {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** What one launch binds, under the kernel's names: `x0`, `y0`, `x1`, ... */
interface Slots<N extends string, K extends number, J> {
  readonly bind: Record<`${N}${K}`, Slice>;
  /** Vectors of four in each slot, rounded up; 0 where a slot has no job. */
  readonly params: Record<`vectors${K}`, number>;
  /** The job in each slot. */
  readonly jobs: readonly (J | null)[];
  /** Vectors in all of them. */
  readonly vectors: number;
}

/**
 * Launches a kernel with slots for any number of jobs, in the minimum number of launches. A job whose tensors are too
 * large to bind at once takes several slots.
 *
 * @param names names of the bindings without the number of the slot, inputs first
 * @param slots numbers of the slots
 */
export function foreach<N extends string, K extends number, J extends ForeachJob>(
  op: string,
  names: readonly N[],
  slots: readonly K[],
  jobs: readonly J[],
  launch: (device: Device, slots: Slots<N, K, J>) => void,
): void {
  const parts: { job: J; slices: Slice[]; vectors: number }[] = [];
  for (const job of jobs) {
    // Elements can be cut at any multiple of the alignment, so that no slice is a copy that ends with the callback.
    inSlices(op, job.outputs[0]!.size, job.inputs, job.outputs, (_, count, slices) => {
      parts.push({ job, slices, vectors: Math.ceil(count / 4) });
    });
  }
  for (let first = 0; first < parts.length; first += slots.length) {
    const { device } = parts[first]!.slices[0]!.tensor;
    const bind: Record<string, Slice> = {};
    const params: Record<string, number> = {};
    const unused: Tensor[] = [];
    let vectors = 0;
    slots.forEach((slot, i) => {
      const part = parts[first + i];
      params[`vectors${slot}`] = part?.vectors ?? 0;
      vectors += part?.vectors ?? 0;
      names.forEach((name, n) => {
        let slice = part?.slices[n];
        if (slice === undefined) {
          // It is never read, but two bindings must not write to the same buffer.
          const tensor = empty(device, [1], 'float32', op);
          unused.push(tensor);
          slice = { tensor, start: 0, count: 1 };
        }
        bind[`${name}${slot}`] = slice;
      });
    });
    const taken = slots.map((_, i) => parts[first + i]?.job ?? null);
    launch(device, { bind, params, jobs: taken, vectors } as Slots<N, K, J>);
    for (const tensor of unused) tensor.dispose();
  }
}
