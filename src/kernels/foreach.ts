import type { Device } from '../tensor/device.ts';
import { sameShape } from '../tensor/shape.ts';
import { checkTensor, empty, type Storage, type Tensor } from '../tensor/tensor.ts';
import { clone } from './copy.ts';
import { checkFloat } from './elementwise.ts';
import type { Slice } from './run.ts';
import { inSlices } from './slices.ts';

// One operation for each of many tensors (PyTorch's foreach). A network has hundreds of small tensors, and updating one is
// less work than launching a kernel for it. So kernels that change tensors element by element have several slots, each
// with bindings of its own (x0, y0; x1, y1; ...), as many as fit into the storage buffers that the adapter binds: at least 8.
// One launch serves a tensor in each slot; its invocations walk through the slots in turn, four elements each.

/** Buffers that a launch binds at most. More would make kernels longer, which take longer to compile. */
const MAX_BUFFERS = 16;

/** The number of slots of a kernel that binds `each` buffers for a slot and `others` for all. */
export const slotsOf = ({ limits }: Pick<Device, 'limits'>, each: number, others = 0): number =>
  Math.floor((Math.min(MAX_BUFFERS, limits.maxStorageBuffersPerShaderStage) - others) / each);

/** The tensors of one slot, all of one size, in the order of the kernel's bindings. The kernel writes to `outputs`. */
export interface ForeachJob {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** A value for each slot, under its name: `x0`, `x1`, ... */
export const perSlot = <N extends string, T>(name: N, values: readonly T[]): Record<`${N}0`, T> =>
  Object.fromEntries(values.map((value, slot) => [`${name}${slot}`, value])) as Record<`${N}0`, T>;

/** What one launch binds, under the kernel's names `x0`, `y0`, `x1`, ...; those of the slots from 1 on are not in the types. */
interface Slots<N extends string, J> {
  readonly bind: Record<`${N}0`, Slice>;
  /** Vectors of four in each slot, rounded up; 0 where a slot has no job. */
  readonly params: Record<'vectors0', number>;
  /** The job in each slot. */
  readonly jobs: readonly (J | null)[];
  /** Vectors in all of them. */
  readonly vectors: number;
}

/** Throws unless all tensors are float32, of one shape and on one device. Their names are those of the argument's fields. */
export function checkAlike(op: string, tensors: Readonly<Record<string, Tensor>>): void {
  const named = Object.entries(tensors);
  for (const [name, tensor] of named) checkTensor(op, name, tensor);
  const [lastName, last] = named.at(-1)!;
  for (const [name, tensor] of named) {
    tensor.checkUsable(op);
    checkFloat(op, tensor);
    const pair = `${name} [${tensor.shape}] and ${lastName} [${last.shape}]`;
    if (!sameShape(tensor.shape, last.shape)) throw new RangeError(`${op}: ${pair} differ in shape, expected the same`);
    if (tensor.device !== last.device)
      throw new Error(`${op}: ${pair} are on different devices; make them on the same one`);
  }
}

/**
 * Launches a kernel with slots for any number of jobs, in the minimum number of launches. A job whose tensors are too
 * large to bind at once takes several slots. The result is that of one job after the other, also where they share memory:
 * such jobs go to different launches, and an input that the same job overwrites is copied first.
 *
 * @param names names of the bindings without the number of the slot, inputs first
 * @param others number of buffers that the kernel binds besides
 * @param jobs checked by `checkAlike`, so that nothing is launched if one of them is wrong
 */
export function foreach<N extends string, J extends ForeachJob>(
  op: string,
  names: readonly N[],
  others: number,
  jobs: readonly J[],
  launch: (device: Device, slots: Slots<N, J>) => void,
): void {
  for (const group of independentGroups(jobs)) {
    const copies: Tensor[] = [];
    const parts: Part<J>[] = [];
    for (const job of group) {
      const inputs = job.inputs.map((input) => {
        if (job.outputs.every(({ storage }) => storage !== input.storage)) return input;
        const copy = clone(input);
        copies.push(copy);
        return copy;
      });
      // Elements can be cut at any multiple of the alignment, so that no slice is a copy that ends with the callback.
      inSlices(op, job.outputs[0]!.size, inputs, job.outputs, (_, count, slices) => {
        parts.push({ job, slices, vectors: Math.ceil(count / 4) });
      });
    }
    const slots = slotsOf(group[0]!.outputs[0]!.device, names.length, others);
    for (let first = 0; first < parts.length; first += slots) {
      launchSlots(op, names, slots, parts.slice(first, first + slots), launch);
    }
    for (const copy of copies) copy.dispose();
  }
}

/** What one slot of a launch does: a job, or a part of one. */
interface Part<J> {
  readonly job: J;
  readonly slices: readonly Slice[];
  readonly vectors: number;
}

/** Divides jobs into groups of one device in which no job writes to memory that another one uses, in the same order. */
function independentGroups<J extends ForeachJob>(jobs: readonly J[]): J[][] {
  const groups: J[][] = [];
  let used = new Set<Storage>();
  let written = new Set<Storage>();
  for (const job of jobs) {
    const device = job.outputs[0]!.device;
    const conflicts =
      groups.at(-1)?.[0]!.outputs[0]!.device !== device ||
      job.inputs.some(({ storage }) => written.has(storage)) ||
      job.outputs.some(({ storage }) => used.has(storage));
    if (conflicts) {
      groups.push([]);
      used = new Set();
      written = new Set();
    }
    groups.at(-1)!.push(job);
    for (const { storage } of [...job.inputs, ...job.outputs]) used.add(storage);
    for (const { storage } of job.outputs) written.add(storage);
  }
  return groups;
}

/** One launch, with a part for each of the first slots. */
function launchSlots<N extends string, J extends ForeachJob>(
  op: string,
  names: readonly N[],
  slots: number,
  parts: readonly Part<J>[],
  launch: (device: Device, slots: Slots<N, J>) => void,
): void {
  const { device } = parts[0]!.slices[0]!.tensor;
  const bind: Record<string, Slice> = {};
  const params: Record<string, number> = {};
  const unused: Tensor[] = [];
  let vectors = 0;
  for (let slot = 0; slot < slots; slot++) {
    const part = parts[slot];
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
  }
  const jobs = Array.from({ length: slots }, (_, slot) => parts[slot]?.job ?? null);
  launch(device, { bind, params, jobs, vectors } as Slots<N, J>);
  for (const tensor of unused) tensor.dispose();
}
