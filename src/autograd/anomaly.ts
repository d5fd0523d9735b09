import { defined, described, optionsOf } from '../common/check.ts';
import { measureRange, rangeIn, rangeTable, type ValueRange } from '../kernels/value-range.ts';
import type { Device } from '../tensor/device.ts';
import { keep } from '../tensor/scope.ts';
import type { GraphNode, Storage, Tensor } from '../tensor/tensor.ts';
import type { Node, Saved } from './node.ts';
import { watchedBy, type Watcher } from './tape.ts';

// Every operation is recorded with the ranges of what it read and wrote, which the GPU computes and the host reads at the
// end. A value that is not finite has an origin: the first operation or tensor on its way that was not finite. It matters
// only if it gets somewhere: -Infinity that a softmax turns into 0 is what a mask is for.

export type { ValueRange };

/** Range of a tensor in an `Anomaly`. */
export interface TensorRange extends ValueRange {
  /** Its name in `options.names`. */
  readonly name?: string;
}

export interface AnomalyOptions {
  /** Tensors to call by their names, for example `model.namedParameters()`: they say which layer it is. Default: none. */
  readonly names?: Iterable<readonly [name: string, tensor: Tensor]>;
}

/** What an `AnomalyError` holds. */
export interface Anomaly {
  /** Name of the operation, for example `log`; in the backward pass, of the one whose derivative it is. */
  readonly operation: string;
  readonly phase: 'forward' | 'backward';
  /**
   * Which of `inputs` was not finite already when it was passed in: data or a parameter is damaged. Null if all inputs are
   * finite, so that the operation itself made the value.
   */
  readonly badInput: number | null;
  /** Ranges of the float32 inputs of the (forward) operation; empty where it ran before `detectAnomaly`. */
  readonly inputs: readonly TensorRange[];
  /** Of the backward pass: range of the gradient that the derivative was given. */
  readonly gradient: ValueRange | null;
  /** Range of the result: in the backward pass, of the gradient that is not finite. */
  readonly output: ValueRange;
  /** Stack of the call of the operation, also for its derivative; empty where it ran before `detectAnomaly`. */
  readonly trace: string;
}

/** Thrown by `detectAnomaly`: the operation with the first value that is NaN or infinite. */
export class AnomalyError extends Error implements Anomaly {
  override readonly name = 'AnomalyError';
  readonly operation!: string;
  readonly phase!: 'forward' | 'backward';
  readonly badInput!: number | null;
  readonly inputs!: readonly TensorRange[];
  readonly gradient!: ValueRange | null;
  readonly output!: ValueRange;
  readonly trace!: string;

  /** What happened, with the ranges, without the calls. */
  readonly summary: string;

  constructor(anomaly: Anomaly, cause?: unknown) {
    const summary = explain(anomaly);
    super(`detectAnomaly: ${summary}${callsOf(anomaly)}`, cause === undefined ? {} : { cause });
    Object.assign(this, anomaly);
    this.summary = summary;
  }
}

/**
 * Runs part of a program and checks every value that its operations compute, forward and backward, as
 * `torch.autograd.detect_anomaly` does. For finding the cause of a loss or gradient of NaN: it is slower than usual, by one
 * small kernel for each operation.
 *
 *     await detectAnomaly(() => {
 *       backward(loss(model.forward(images)));
 *     });
 *
 * Values that are not finite pass if later operations make finite ones of them, such as a mask of -Infinity before a softmax.
 * Infinities that are compared or ordered (`greater`, `argmax`, `argsort`, `isFinite`) pass, too; a NaN that is read by nothing
 * else does not, even if `isNaN` asks for it.
 * Operations without a derivative, and those of an optimizer, are not checked; what they write is, where it is used.
 *
 * @param fn may be asynchronous. What else runs meanwhile is checked, too
 * @returns what `fn` returns
 * @throws AnomalyError that names the operation, its phase, and the ranges of its inputs and output. If `fn` throws and its
 *   values were finite, its own error; otherwise that is the `cause`
 *
 * @example
 * const x = tensor([1, 0], { requiresGrad: true });
 * const error = await detectAnomaly(() => sum(log(x))).catch((reason) => reason);
 * console.log(error.operation, error.phase); // log forward
 */
export async function detectAnomaly<T>(fn: () => T | Promise<T>, options: AnomalyOptions = {}): Promise<T> {
  if (typeof fn !== 'function') throw new TypeError(`detectAnomaly: fn is ${described(fn)}, expected a function`);
  const { names } = optionsOf('detectAnomaly', options, { names: [] });
  const log = new OperationLog(names);
  const before = watchedBy(log);
  let outcome: { readonly result: T } | { readonly error: unknown };
  try {
    outcome = { result: await fn() };
  } catch (error) {
    outcome = { error };
  } finally {
    watchedBy(before);
  }
  try {
    const anomaly = await log.firstAnomaly();
    if (anomaly !== null) throw new AnomalyError(anomaly, 'error' in outcome ? outcome.error : undefined);
  } finally {
    log.dispose();
  }
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}

/** A value at one time: a slot of a table of ranges. */
interface Value {
  readonly table: Tensor<'uint32'>;
  readonly slot: number;
  readonly version: number;
  readonly shape: readonly number[];
  readonly name: string | undefined;
  /** Whether a recorded operation, or as a gradient a derivative, reads it. */
  isRead: boolean;
  /** Whether a comparison or the like reads it, which is defined for infinities. */
  isCompared: boolean;
}

/** An operation that ran, or its derivative. */
interface Entry {
  readonly operation: string;
  readonly phase: 'forward' | 'backward';
  readonly trace: string;
  readonly inputs: readonly Value[];
  /** Of a derivative: the gradient of the output. Both gradients, of a sum of two. */
  readonly given: readonly Value[];
  /** Everything that it depends on. */
  readonly reads: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Where a value that is not finite comes from: the output of an entry, or one of its inputs. */
interface Origin {
  readonly entry: Entry;
  readonly index: number;
  readonly output: Value;
  readonly input: Value | null;
}

const SLOTS = 1024;
const isValue = (value: Value | null): value is Value => value !== null;

/** Records operations and the ranges of their values. */
class OperationLog implements Watcher {
  readonly #entries: Entry[] = [];
  readonly #values = new WeakMap<Storage, Value>();
  readonly #forward = new WeakMap<GraphNode, Entry>();
  readonly #tables = new Map<Device, { table: Tensor<'uint32'>; used: number }>();
  readonly #all: Tensor<'uint32'>[] = [];
  readonly #names: ReadonlyMap<Storage, string>;

  constructor(names: NonNullable<AnomalyOptions['names']>) {
    this.#names = new Map([...names].map(([name, { storage }]) => [storage, name]));
  }

  forward(operation: string, inputs: Saved, output: Tensor): void {
    const read = inputs.map((input) => this.#valueOf(input)).filter(isValue);
    const written = this.#valueOf(output);
    // The result of reshape is the same value.
    if (written === null || read.includes(written)) return;
    const trace = new Error(operation).stack ?? '';
    this.#add({
      operation,
      phase: 'forward',
      trace,
      inputs: read,
      given: [],
      reads: read,
      outputs: [written],
    });
    if (output.node !== null) this.#forward.set(output.node, this.#entries.at(-1)!);
  }

  backward(operation: string, node: Node | null, dy: readonly Tensor[], gradients: readonly Tensor[]): void {
    const given = dy.map((tensor) => this.#valueOf(tensor)).filter(isValue);
    const forward = node === null ? undefined : this.#forward.get(node);
    const { trace = '', inputs = [], outputs = [] } = forward ?? {};
    const written = gradients.map((gradient) => this.#valueOf(gradient)).filter(isValue);
    // Some derivatives hand on the gradient itself.
    const results = written.filter((value) => !given.includes(value));
    if (results.length === 0) return;
    const reads = [...given, ...inputs, ...outputs];
    this.#add({ operation, phase: 'backward', trace, inputs, reads, given, outputs: results });
  }

  compare(inputs: Saved): void {
    for (const input of inputs) {
      if (input === null) continue;
      const known = this.#values.get(input.storage);
      if (known?.version === input.storage.version) known.isCompared = true;
    }
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    // A derivative also uses the values of its operation, but what is wrong with those does not end there.
    for (const value of entry.phase === 'forward' ? entry.reads : entry.given) value.isRead = true;
  }

  /** The value of a tensor as it is now; null if it cannot be NaN. */
  #valueOf(tensor: Tensor | null): Value | null {
    if (tensor === null || tensor.dtype !== 'float32' || tensor.size === 0 || tensor.disposed) return null;
    const { storage, shape, device } = tensor;
    const { version } = storage;
    const known = this.#values.get(storage);
    if (known?.version === version) return known;
    let current = this.#tables.get(device);
    if (current === undefined || current.used === SLOTS) {
      current = { table: keep(rangeTable(device, SLOTS)), used: 0 };
      this.#tables.set(device, current);
      this.#all.push(current.table);
    }
    const value: Value = {
      table: current.table,
      slot: current.used++,
      version,
      shape,
      name: this.#names.get(storage),
      isRead: false,
      isCompared: false,
    };
    measureRange(tensor, value.table, value.slot);
    this.#values.set(storage, value);
    return value;
  }

  /** Reads the ranges, and finds the first origin of a value that is not finite and stays so. */
  async firstAnomaly(): Promise<Anomaly | null> {
    const tables = new Map<Tensor, Uint32Array>();
    for (const table of this.#all) tables.set(table, await table.data());
    const rangeOf = ({ table, slot, shape, name }: Value): TensorRange => ({
      ...rangeIn(tables.get(table)!, slot, shape),
      ...defined({ name }),
    });
    const origins = new Map<Value, Origin>();
    let first: Origin | null = null;
    this.#entries.forEach((entry, index) => {
      for (const output of entry.outputs) {
        const range = rangeOf(output);
        if (isFinite(range)) continue;
        const origin = originOf(entry, index, output, origins, (value) => !isFinite(rangeOf(value)));
        origins.set(output, origin);
        const isUsed = output.isRead || (output.isCompared && range.nan === 0);
        if (!isUsed && (first === null || origin.index < first.index)) first = origin;
      }
    });
    return first === null ? null : anomalyOf(first, rangeOf);
  }

  dispose(): void {
    for (const table of this.#all) table.dispose();
  }
}

/** The earliest origin of what an output that is not finite was computed from; itself if that is finite. */
function originOf(
  entry: Entry,
  index: number,
  output: Value,
  origins: Map<Value, Origin>,
  isBad: (value: Value) => boolean,
): Origin {
  let earliest: Origin | null = null;
  for (const input of entry.reads) {
    if (!isBad(input)) continue;
    let origin = origins.get(input);
    if (origin === undefined) {
      origin = { entry, index, output, input };
      origins.set(input, origin);
    }
    if (earliest === null || origin.index < earliest.index) earliest = origin;
  }
  return earliest ?? { entry, index, output, input: null };
}

const isFinite = ({ nan, infinite }: ValueRange): boolean => nan + infinite === 0;

function anomalyOf({ entry, output, input }: Origin, rangeOf: (value: Value) => TensorRange): Anomaly {
  const { operation, phase, trace, inputs, given } = entry;
  return {
    operation,
    phase,
    badInput: input === null || !inputs.includes(input) ? null : inputs.indexOf(input),
    inputs: inputs.map(rangeOf),
    gradient: given.length === 0 ? null : rangeOf(given[0]!),
    output: rangeOf(output),
    trace,
  };
}

/** What happened, with the ranges. */
function explain({ operation, phase, badInput, inputs, gradient, output }: Anomaly): string {
  const what =
    badInput !== null
      ? `input ${badInput} of ${operation} holds values that are not finite already: ` +
        'a parameter or the data are damaged'
      : phase === 'forward'
        ? `${operation} gives values that are not finite, of finite inputs`
        : `the derivative of ${operation} gives a gradient that is not finite`;
  const lines = inputs.map((range, i) => `input ${i}: ${rangeText(range)}`);
  if (gradient !== null) lines.push(`gradient of the output: ${rangeText(gradient)}`);
  lines.push(`${phase === 'forward' ? 'output' : 'gradient of an input'}: ${rangeText(output)}`);
  return [what, ...lines].join('\n  ');
}

/** Where the operation was called. */
function callsOf({ operation, trace }: Anomaly): string {
  const calls = trace.split('\n').filter((line) => /^\s+at |@/.test(line));
  if (calls.length === 0) return '';
  return [`\n  ${operation} was called`, ...calls.map((line) => line.trim())].join('\n    ');
}

function rangeText({ name, shape, min, max, nan, infinite }: TensorRange): string {
  const parts = [`${name === undefined ? '' : `${name} `}[${shape}]`];
  if (nan > 0) parts.push(`${nan} NaN`);
  if (infinite > 0) parts.push(`${infinite} infinite`);
  if (min !== null && max !== null) {
    parts.push(`${nan + infinite > 0 ? 'the others ' : ''}from ${decimal(min)} to ${decimal(max)}`);
  }
  return parts.join(', ');
}

const decimal = (value: number): string => String(Number(value.toPrecision(4)));
