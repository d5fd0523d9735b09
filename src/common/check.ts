// Argument checks and phrases that all rooms share, so that all errors have one form.
import { didYouMean } from './did-you-mean.ts';
import { InputError, RunError } from './errors.ts';

/** Limits of a number. `min` and `max` are inclusive. */
export interface Limits {
  readonly min?: number;
  readonly max?: number;
  /** Exclusive lower limit, instead of `min`. */
  readonly above?: number;
  /** Exclusive upper limit, instead of `max`. */
  readonly below?: number;
  /** Rejects infinities, which are otherwise allowed on a side without a limit. */
  readonly finite?: boolean;
}

/** Describes legal values for messages and help: `an integer >= 1`, `a number from 0 to 1`, `a number > 0`. */
export function expectedNumber(
  kind: 'an integer' | 'a number',
  { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, finite = false }: Limits,
): string {
  const noun = finite ? 'a finite number' : kind;
  if (min > -Infinity && max < Infinity) return `${noun} from ${min} to ${max}`;
  const lower = above > -Infinity ? `> ${above}` : min > -Infinity ? `>= ${min}` : null;
  const upper = below < Infinity ? `< ${below}` : max < Infinity ? `<= ${max}` : null;
  const limits = [lower, upper].filter((limit) => limit !== null);
  return limits.length === 0 ? noun : `${noun} ${limits.join(' and ')}`;
}

/** Whether a number is within limits. NaN never is; an infinity is if its side has no limit, unless `finite` is set. */
export const isWithin = (
  value: number,
  { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, finite = false }: Limits,
): boolean =>
  value >= min &&
  value <= max &&
  (value > above || above === -Infinity) &&
  (value < below || below === Infinity) &&
  (!finite || Number.isFinite(value));

/**
 * Throws a RangeError unless `value` is an integer within limits.
 *
 * @param op name of the called function, for example `conv2d`; the message starts with it
 * @param name name of the argument or option
 */
export function checkInteger(op: string, name: string, value: number, limits: Limits = {}): void {
  if (Number.isInteger(value) && isWithin(value, limits)) return;
  throw new RangeError(`${op}: ${name} is ${described(value)}, expected ${expectedNumber('an integer', limits)}`);
}

/** Throws a RangeError unless `value` is a number within limits. The parameters are those of `checkInteger`. */
export function checkNumber(op: string, name: string, value: number, limits: Limits = {}): void {
  if (typeof value === 'number' && isWithin(value, limits)) return;
  throw new RangeError(`${op}: ${name} is ${described(value)}, expected ${expectedNumber('a number', limits)}`);
}

/** Throws a RangeError unless a random seed is an integer from 0 to 2^53 - 1. */
export function checkSeed(op: string, seed: number): void {
  checkInteger(op, 'seed', seed, { min: 0, max: Number.MAX_SAFE_INTEGER });
}

/** Throws a RangeError unless `value` is one of `choices`. */
export function checkChoice(op: string, name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new RangeError(`${op}: ${name} is ${described(value)}, expected one of ${choices.join(', ')}`);
}

/**
 * Throws a TypeError unless `options` is an object without other entries than those in `names`: programs without types
 * learn of misspelt options, and of arguments in the wrong place.
 */
export function checkOptions(op: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || ArrayBuffer.isView(options)) {
    throw new TypeError(`${op}: options are ${described(options)}, expected an object with ${names.join(', ')}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || names.includes(name)) continue;
    const guess = didYouMean(name, names) || `; expected ${names.join(', ')}`;
    throw new TypeError(`${op}: there is no option ${name}${guess}`);
  }
}

/** A default for each option; undefined for those without one. */
type Defaults<O> = { readonly [K in keyof O]-?: O[K] | undefined };

/** Options of which only those are undefined that may be left out and have no default. */
type Filled<O, D> = {
  readonly [K in keyof D & keyof O]: object extends Pick<O, K>
    ? undefined extends D[K]
      ? O[K] | undefined
      : Exclude<O[K], undefined>
    : O[K];
};

/**
 * Options with their defaults filled in, for functions and constructors that take some.
 *
 * @param defaults one for each option. Where it is true or false, the option takes nothing else.
 * @throws TypeError if there are other options, or no object
 */
export function optionsOf<O extends object, const D extends Defaults<O>>(
  op: string,
  options: O,
  defaults: D,
): Filled<O, D> {
  checkOptions(op, options, Object.keys(defaults));
  const filled = { ...defaults, ...defined(options) };
  for (const [name, value] of Object.entries(filled)) {
    if (typeof defaults[name as keyof O] === 'boolean') checkFlag(op, name, value);
  }
  return filled as unknown as Filled<O, D>;
}

/** Throws a TypeError unless `value` is an array. */
export function checkList(op: string, name: string, value: unknown, of = 'integers'): void {
  if (Array.isArray(value)) return;
  const guess = typeof value === 'number' ? `; did you mean [${value}]?` : '';
  throw new TypeError(`${op}: ${name} is ${described(value)}, expected an array of ${of}${guess}`);
}

/** An option given for both axes or as [height, width]. Throws a RangeError unless it is one or two integers >= `min`. */
export function pairOf(
  op: string,
  name: string,
  value: number | readonly [number, number],
  min: number,
): readonly [number, number] {
  const pair = (Array.isArray(value) ? value : [value, value]) as readonly [number, number];
  if (pair.length !== 2) {
    throw new RangeError(`${op}: ${name} is ${described(pair)}, expected an integer or a pair of integers`);
  }
  for (const number of pair) checkInteger(op, name, number, { min });
  return pair;
}

/** Throws a TypeError unless `value` is true or false. */
export function checkFlag(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${op}: ${name} is ${described(value)}, expected true or false`);
}

/** Throws a TypeError unless `value` is a function. */
export function checkFunction(op: string, name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${op}: ${name} is ${described(value)}, expected a function`);
}

/** A value of any type in a few words, for messages: `3`, `"3"`, `[2,2]`, `{ axis: 0 }`, `Float32Array`, `undefined`. */
export function described(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'function') return `the function ${value.name || 'given'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length <= 8 ? `[${value.map(described)}]` : `an array of ${value.length}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    // Classes with a text of their own, as tensors.
    return value.toString === Object.prototype.toString || ArrayBuffer.isView(value)
      ? value.constructor.name
      : (value as { toString(): string }).toString();
  }
  const entries = Object.entries(value).slice(0, 3);
  return `{ ${entries.map(([name, entry]) => `${name}: ${described(entry)}`).join(', ')} }`;
}

/** The message of a thrown value, for use in another message. For an `InputError`, without the name of the function. */
export function reasonOf(error: unknown): string {
  if (error instanceof InputError) return error.explain();
  if (error instanceof RunError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}

/** Formats a count with its noun: `1 box`, `3 boxes`. */
export const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Formats a fraction as a percentage, with one decimal place below 10 %. */
export const percent = (fraction: number): string =>
  `${(100 * fraction).toFixed(fraction > 0 && fraction < 0.1 ? 1 : 0)} %`;

/** Copies an object without its undefined entries, for optional arguments. */
export function defined<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Whether a parsed value is an object with members, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
