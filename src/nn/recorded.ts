import { isObserved, isRecording, needsGradient } from '../autograd/tape.ts';
import { checkFunction, checkInteger, described, optionsOf } from '../common/check.ts';
import type { Device } from '../tensor/device.ts';
import { dryRun } from '../tensor/dry-run.ts';
import type { PooledBuffer } from '../tensor/arena.ts';
import { openRecording, type Feed, type Recording } from '../tensor/recording.ts';
import { keep, tidy } from '../tensor/scope.ts';
import { empty, Tensor, type Storage } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/** What a recorded function takes and returns: tensors, plain values, and arrays and objects of them. */
export type Tree =
  | Tensor
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly Tree[]
  | { readonly [name: string]: Tree };

/** Options of `Recorded`. */
export interface RecordedOptions {
  /**
   * Modules that the function uses. It is recorded anew after a change of their parameters and buffers (other tensors, not
   * other values), of `requiresGrad` and `grad`, or of training and evaluation mode. Default none.
   */
  readonly modules?: readonly Module[];
  /** Maximum number of recordings to keep, each for other shapes. The least recently used one is given up. Default 2. */
  readonly maximum?: number;
}

/** A recording and the circumstances in which it can run instead of the function. */
interface Entry {
  readonly key: readonly unknown[];
  readonly recording: Recording;
  readonly inputs: readonly Tensor[];
  readonly result: Tree;
  /** Memory of the tensors in `result`. */
  readonly outputs: readonly Storage[];
}

/**
 * A function on tensors whose launches are recorded, so that further calls with tensors of the same shapes send them to the
 * GPU at once, without running the function. The results are the same, bit for bit. It saves the time that JavaScript takes
 * for every operation.
 *
 * The function must be synchronous, and must depend on nothing but its arguments, the modules, and the values of tensors that
 * live longer: anything else is taken as it was when the function was recorded. Whatever it keeps must be in its result,
 * also gradients that `backward` leaves in `grad`. It may be a whole training step, which ends with `zeroGrad`: optimizers, schedules
 * of the learning rate and averaged weights count their steps in every run.
 *
 * A call is recorded if the shapes are those of the call before, and runs as usual in all other cases: while a result of
 * the last run is still in use, whose memory the next would overwrite; if a gradient is wanted for an argument; within
 * `checkpoint`, `detectAnomaly`, `warmup` and `device.profile`; and if the function does what cannot be repeated without it: it
 * draws random numbers, steps an optimizer of the caller's own making, reads values, keeps tensors, or returns tensors that are part of a graph. `problem`
 * says which. A recording keeps the memory of its intermediate results (`recordedBytes` of `device.memory()`) until `dispose`,
 * or until memory is short.
 *
 * @example
 * const layer = new Linear(2, 1);
 * const network = new Recorded((x) => layer.forward(x), { modules: [layer] });
 * for (let i = 0; i < 3; i++) {
 *   const y = noGrad(() => network.run(ones([1, 2])));
 *   y.dispose();
 * }
 * console.log(network.runs); // 1
 */
export class Recorded<A extends readonly Tree[], R extends Tree> {
  readonly #fn: (...args: A) => R;
  readonly #modules: readonly Module[];
  readonly #maximum: number;
  /** The most recently used is last. */
  #entries: Entry[] = [];
  /** Of the last call, if it was not recorded. */
  #last: readonly unknown[] | null = null;
  #problem: string | null = null;
  #runs = 0;

  constructor(fn: (...args: A) => R, options: RecordedOptions = {}) {
    checkFunction('Recorded', 'fn', fn);
    const { modules, maximum } = optionsOf('Recorded', options, { modules: [] as readonly Module[], maximum: 2 });
    checkInteger('Recorded', 'maximum', maximum, { min: 1 });
    for (const module of modules) {
      if (!(module instanceof Module)) {
        throw new TypeError(`Recorded: one of the modules is ${described(module)}, expected a Module`);
      }
    }
    this.#fn = fn;
    this.#modules = modules;
    this.#maximum = maximum;
  }

  /** Calls that ran a recording instead of the function. */
  get runs(): number {
    return this.#runs;
  }

  /** Why the function could not be recorded the last time that it was tried; null if it was. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Calls the function, or runs its recording. */
  run(...args: A): R {
    const inputs = tensorsIn(args);
    for (const input of inputs) input.checkUsable('Recorded');
    const device = this.#device(inputs);
    if (device === null || !canRecord(device, inputs)) return this.#call(args);
    const key = [device, isRecording(), structure(args), ...this.#modules.flatMap(stateOf)];
    const at = this.#entries.findIndex((entry) => isSame(entry.key, key));
    const entry = this.#entries[at];
    if (entry !== undefined) {
      this.#entries.splice(at, 1);
      if (entry.recording.isDisposed || !entry.recording.isValid) entry.recording.dispose();
      else {
        this.#entries.push(entry);
        return entry.outputs.some(({ shared }) => shared) ? this.#call(args) : this.#replay(entry, inputs);
      }
    }
    const isSecond = this.#last !== null && isSame(this.#last, key);
    this.#last = key;
    if (!isSecond) this.#problem = null;
    // What could not be recorded is not tried again before something changes.
    return isSecond && this.#problem === null ? this.#record(device, key, args, inputs) : this.#call(args);
  }

  /** Gives up all recordings. The function can be recorded again. */
  dispose(): void {
    for (const { recording } of this.#entries.splice(0)) recording.dispose();
    this.#last = null;
    this.#problem = null;
  }

  #call(args: A): R {
    return tidy(() => this.#fn(...args));
  }

  /** The device of the arguments, or of the modules; null if there are neither. */
  #device(inputs: readonly Tensor[]): Device | null {
    const [first = this.#modules.flatMap((module) => module.parameters())[0]] = inputs;
    return first?.device ?? null;
  }

  #record(device: Device, key: readonly unknown[], args: A, inputs: readonly Tensor[]): R {
    const recording = device.record();
    const own = inputs.map((input) => keep(empty(device, input.shape, input.dtype, 'Recorded')));
    recording.feed(feeds(inputs, own));
    let result: R | undefined;
    try {
      let next = 0;
      result = this.#call(mapTensors(args, () => own[next++]!) as A);
      recording.close();
    } catch (error) {
      // If the function has returned, there is no memory for its result.
      const made = tensorsIn(result).filter(({ storage }) => storage.buffer.arena === recording.arena);
      recording.abandon('the function threw an error');
      for (const tensor of new Set([...own, ...made])) tensor.dispose();
      throw error;
    }
    this.#problem = recording.problem ?? problemOf(recording, own, tensorsIn([result]));
    if (this.#problem !== null) {
      recording.dispose();
      for (const tensor of own) tensor.dispose();
      return result;
    }
    const outputs = [...new Set(tensorsIn([result]).map(({ storage }) => storage))];
    for (const storage of outputs) storage.retain();
    recording.hold(() => {
      for (const tensor of own) tensor.dispose();
      for (const storage of outputs) storage.release();
    });
    this.#entries.push({ key, recording, inputs: own, result, outputs });
    if (this.#entries.length > this.#maximum) this.#entries.shift()!.recording.dispose();
    this.#last = null;
    return result;
  }

  #replay(entry: Entry, inputs: readonly Tensor[]): R {
    entry.recording.replay(feeds(inputs, entry.inputs));
    this.#runs++;
    return mapTensors(entry.result, ({ storage, shape, dtype }) => new Tensor(storage.retain(), shape, dtype)) as R;
  }
}

/** Whether a call can be recorded or run a recording, as far as the circumstances are concerned. */
function canRecord(device: Device, inputs: readonly Tensor[]): boolean {
  if (dryRun() !== null || openRecording() !== null || isObserved() || device.isProfiled) return false;
  return inputs.every((input) => input.device === device && input.size > 0 && !(isRecording() && needsGradient(input)));
}

/** Why a recording cannot stand in for its function. */
function problemOf(recording: Recording, inputs: readonly Tensor[], results: readonly Tensor[]): string | null {
  if (results.some(({ node }) => node !== null)) return 'its result is part of a graph';
  const kept = new Set<PooledBuffer>(recording.arena.live);
  for (const { storage } of inputs) kept.delete(storage.buffer);
  for (const { storage } of results) {
    const { buffer } = storage;
    if (buffer.arena !== recording.arena || inputs.some((input) => input.storage === storage)) {
      return 'its result has a tensor that it did not make';
    }
    kept.delete(buffer);
  }
  return kept.size === 0 ? null : 'it keeps tensors that are not in its result';
}

const feeds = (from: readonly Tensor[], to: readonly Tensor[]): Feed[] =>
  from.map(({ storage, bytes }, i) => ({
    from: storage.buffer,
    to: to[i]!.storage.buffer,
    bytes: Math.ceil(bytes / 4) * 4,
  }));

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** The tensors, gradients and modes of a module, on which a recording depends. */
function stateOf(module: Module): unknown[] {
  const state: unknown[] = module.modules().map(({ training }) => training);
  for (const tensor of module.stateDict().values()) {
    state.push(tensor.storage, tensor.requiresGrad, tensor.grad?.storage ?? null);
  }
  return state;
}

function tensorsIn(value: Tree): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (tensor) => {
    found.push(tensor);
    return tensor;
  });
  return found;
}

/** A copy of arrays and objects with other tensors. */
function mapTensors(value: Tree, replace: (tensor: Tensor) => Tensor): Tree {
  if (value instanceof Tensor) return replace(value);
  if (Array.isArray(value)) return value.map((item: Tree) => mapTensors(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, replace)]));
}

/** Types and shapes of tensors, and the other values, in their places. */
function structure(value: Tree): string {
  if (value instanceof Tensor) return `${value.dtype}[${value.shape}]`;
  if (Array.isArray(value)) return `(${value.map(structure).join()})`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${structure(item)}`)
    .join()}}`;
}
