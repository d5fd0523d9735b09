// Calls that no program should make: legal ones with one part replaced by something else.
import * as api from '../../src/index.ts';
import type { Device } from '../../src/tensor/device.ts';
import { tensor } from '../../src/tensor/create.ts';
import { GpuOutOfMemoryError } from '../../src/tensor/errors.ts';
import { Tensor } from '../../src/tensor/tensor.ts';

/** A legal call. */
export interface LegalCall {
  /** Name of the function, with which its errors begin. */
  readonly op: string;
  readonly args: readonly unknown[];
  /** Makes the call and disposes what it returns. */
  readonly run: (...args: readonly unknown[]) => void;
}

/** What stands in for a part of a call. */
interface Intruder {
  readonly name: string;
  readonly make: () => unknown;
  /** Whether no function takes it instead of `replaced`. */
  readonly isIllegal: (replaced: unknown, op: string) => boolean;
}

const always = (): boolean => true;
const never = (): boolean => false;
/** Options, and other objects that are not of a class. */
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
const shaped = (...shape: number[]): Tensor => tensor(new Float32Array(16), { shape });

const INTRUDERS: readonly Intruder[] = [
  { name: 'a string', make: () => 'text', isIllegal: always },
  { name: 'a symbol', make: () => Symbol('symbol'), isIllegal: always },
  { name: 'a bigint', make: () => 1n, isIllegal: always },
  { name: 'a typed array', make: () => new Float32Array(2), isIllegal: always },
  { name: 'a copy of a tensor', make: () => ({ shape: [2], dtype: 'float32', size: 2 }), isIllegal: always },
  { name: 'a disposed tensor', make: disposed, isIllegal: always },
  { name: 'a function', make: () => () => 0, isIllegal: always },
  // full(shape, true) makes a tensor of bools.
  { name: 'true', make: () => true, isIllegal: (replaced, op) => typeof replaced !== 'boolean' && op !== 'full' },
  // An operand may be null where it is optional, and a range of stridedSlice for the whole axis.
  {
    name: 'null',
    make: () => null,
    isIllegal: (replaced, op) => replaced !== null && !(replaced instanceof Tensor) && op !== 'stridedSlice',
  },
  { name: 'an object', make: () => ({}), isIllegal: (replaced, op) => !isPlain(replaced) && op !== 'stridedSlice' },
  { name: 'undefined', make: () => undefined, isIllegal: never },
  { name: 'NaN', make: () => NaN, isIllegal: never },
  { name: '-7', make: () => -7, isIllegal: never },
  { name: '1.5', make: () => 1.5, isIllegal: never },
  { name: '2 ** 40', make: () => 2 ** 40, isIllegal: never },
  { name: 'an empty list', make: () => [], isIllegal: never },
  { name: 'a list', make: () => [1, 2, 1], isIllegal: never },
  { name: 'bools', make: () => tensor([1, 0], { dtype: 'bool' }), isIllegal: never },
  { name: 'integers', make: () => tensor([[[[[[1, 0]]]]]], { dtype: 'int32' }), isIllegal: never },
  { name: 'no floats', make: () => tensor([]), isIllegal: never },
  { name: 'floats of eight axes', make: () => shaped(1, 2, 1, 2, 1, 2, 1, 2), isIllegal: never },
];

function disposed(): Tensor {
  const t = tensor([1, 2]);
  t.dispose();
  return t;
}

/** A part of the arguments: the keys that lead to it. */
interface Place {
  readonly path: readonly string[];
  readonly part: unknown;
}

/** All parts of an argument. */
function* partsOf(part: unknown, path: readonly string[]): Generator<Place> {
  yield { path, part };
  if (!Array.isArray(part) && !isPlain(part)) return;
  for (const [key, item] of Object.entries(part)) yield* partsOf(item, [...path, key]);
  if (isPlain(part)) yield { path: [...path, 'unknown'], part: undefined };
}

/** The value with another one in a place. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** What is wrong with how the library takes a call, or null. */
function complaintOf(device: Device, { op, run, args }: LegalCall, mustThrow: boolean): string | null {
  const before = device.memory().tensors;
  let complaint: string | null = null;
  try {
    run(...args);
    if (mustThrow) complaint = 'is accepted';
  } catch (error) {
    // What does not fit into memory may name a function inside, and layers leave checks to their operation.
    const { message } = error as Error;
    const name = /^(\w+): /.exec(message)?.[1] ?? '';
    const isNamed = /^[A-Z]/.test(op) ? Object.hasOwn(api, name) : name === op;
    const isClear = isNamed || error instanceof GpuOutOfMemoryError;
    if (!isClear) complaint = `throws "${message}"`;
  }
  const left = device.memory().tensors - before;
  return complaint ?? (left <= 0 ? null : `leaves ${left} tensors behind`);
}

export interface IllegalReport {
  calls: number;
  /** Each kind of complaint once. */
  readonly complaints: Set<string>;
}

/**
 * Makes all illegal neighbours of a legal call. Each must be refused in the name of the function before anything is recorded, or
 * be legal all the same, and must not leave anything behind.
 */
export function tryNeighbours(device: Device, call: LegalCall, report: IllegalReport): void {
  for (const { path, part } of call.args.flatMap((arg, i) => [...partsOf(arg, [`${i}`])])) {
    for (const { name, make, isIllegal } of INTRUDERS) {
      const intruder = make();
      // Another function is legal, whatever it does.
      if (typeof part === 'function' && typeof intruder === 'function') continue;
      const args = replaced(call.args, path, intruder) as readonly unknown[];
      const mustThrow = intruder !== undefined && (path.at(-1) === 'unknown' || isIllegal(part, call.op));
      const complaint = complaintOf(device, { ...call, args }, mustThrow);
      report.calls++;
      if (complaint !== null) {
        // Positions in lists are of one kind.
        const place = path.map((key, depth) => (depth > 0 && /^\d+$/.test(key) ? '*' : key)).join('.');
        report.complaints.add(`${call.op}, argument ${place}: ${name} ${complaint}`);
      }
      if (intruder instanceof Tensor && !intruder.disposed) intruder.dispose();
    }
  }
}
