// Runs a program through the float64 references: exactly, or with the errors that float32 arithmetic is allowed to make.
import { Random } from '../../src/common/random.ts';
import { inputsOf } from './generate.ts';
import type { Ref } from '../reference/array.ts';
import {
  compute,
  isFloat,
  isRef,
  listOf,
  operandsOf,
  resolve,
  type Accuracy,
  type Call,
  type Program,
  type Value,
} from './program.ts';

/** The smallest normal number of float32, and the distance of 1 from the next. */
export const SMALLEST = 2 ** -126;
export const ULP = 2 ** -23;
/** The smallest subnormal number of float32: partial results near 0 are rounded to multiples of it. */
const TINIEST = 2 ** -149;

/** A way to round. `null` is exact arithmetic. */
export interface Rounding {
  readonly seed: number;
  /** `float32` rounds results to float32; `smooth` only scales them, so that the program keeps its derivative. */
  readonly kind: 'float32' | 'smooth';
}

/** Changes of values that make a program another: of a leaf, or of results through which no gradient flows. */
export interface Evaluation {
  readonly rounding: Rounding | null;
  /** Values that are used instead of computing them, by number. */
  readonly fixed?: ReadonlyMap<number, Value>;
  /** Values of the same rounding; what does not depend on `changed` is taken from them. */
  readonly base?: readonly Value[];
  readonly changed?: number;
}

/** All values of a program. */
export function evaluate(program: Program, { rounding, fixed, base, changed }: Evaluation): Value[] {
  const values: Value[] = [];
  const moved = new Set<number>(changed === undefined ? [] : [changed]);
  for (const [position, { made, first, count }] of program.entries.entries()) {
    const isMoved =
      base === undefined ||
      (made.kind === 'call' && made.args.some((arg) => operandsOf(arg).some((i) => moved.has(i))));
    if (made.kind === 'leaf') values.push(fixed?.get(first) ?? made.value);
    else if (!isMoved) for (let i = 0; i < count; i++) values.push(fixed?.get(first + i) ?? base[first + i]!);
    else {
      const results = rounding === null ? exact(made, values) : rounded(program, position, values, rounding);
      results.forEach((value, i) => values.push(fixed?.get(first + i) ?? value));
      for (let i = 0; i < count; i++) if (fixed?.has(first + i) !== true) moved.add(first + i);
    }
  }
  return values;
}

/** Beyond float32's range is infinity. */
const overflowed = (v: number): number => (Math.abs(v) > 3.4e38 ? Math.fround(v) : v);

const exact = (call: Call, values: readonly Value[]): Value[] =>
  compute(call, (index) => values[index]!).map((value) =>
    isFloat(value) ? { ...value, data: value.data.map(overflowed) } : value,
  );

/** Results of a call whose inputs and results are rounded at random, as far as its accuracy allows. */
function rounded(program: Program, position: number, values: readonly Value[], { seed, kind }: Rounding): Value[] {
  const call = program.entries[position]!.made as Call;
  const random = new Random('rounding', seed, position);
  const keepsDerivative = kind === 'smooth';
  if (!keepsDerivative && seed === 0) return correctlyRounded(call, values);
  const noise = noiseOf(call.row.accuracy ?? 'sum', keepsDerivative ? null : inputsOf(call, values));
  const disturbed = new Map<number, Value>();
  const indices = call.args.flatMap((arg) => operandsOf(arg));
  const read = (index: number): Value => {
    const value = values[index]!;
    // The gradients of both readings are added, and may cancel.
    const isReadTwice = keepsDerivative && indices.indexOf(index) !== indices.lastIndexOf(index);
    const inputs = isReadTwice ? ULP : noise.inputs;
    if (inputs === 0 || !isFloat(value)) return value;
    const before = disturbed.get(index);
    if (before !== undefined && !isReadTwice) return before;
    const after = { ...value, data: value.data.map((v) => v * (1 + inputs * random.uniform(-1, 1))) };
    disturbed.set(index, after);
    return after;
  };
  const isFlushing = !keepsDerivative && (seed === 1 || (seed > 1 && random.int(2) === 0));
  const lost = cancelled(call, { values, atRest: program.values, isForGradient: keepsDerivative });
  const scale = (v: number, lost: number): number => {
    const error = noise.outputs * random.uniform(-1, 1);
    const loss = 2 * ULP * random.uniform(-1, 1) * lost;
    const extra = Number.isFinite(loss) ? loss : 0;
    // The gradient of an element that is read several times is a sum: each reading is disturbed by itself.
    if (keepsDerivative) return v * (1 + error + ULP * random.uniform(-1, 1)) + extra;
    // Roundings of subnormal numbers are as large as the numbers.
    const terms = Math.abs(v) + Math.abs(lost);
    const isTiny = terms > 0 && terms < 16 * TINIEST && !noise.keepsExact;
    const y = isTiny ? TINIEST * (random.int(3) - 1) : settled(v + extra, noise, error, random);
    return isFlushing ? flushed(y, seed, random) : y;
  };
  const readFlushed = (index: number): Value => {
    const value = read(index);
    return isFlushing && isFloat(value) ? { ...value, data: value.data.map((v) => flushed(v, seed, random)) } : value;
  };
  const { first } = program.entries[position]!;
  return compute(call, readFlushed).map((value, k) => {
    if (!isFloat(value)) return value;
    const exact = program.values[first + k]!.data;
    const terms = (i: number): number => lost[k]?.data[i] ?? 0;
    return { ...value, data: value.data.map((v, i) => throughZero(scale(v, terms(i)), exact[i]!, terms(i))) };
  });

  /** What rounding takes from one side of 0 to the other, or what is less than a rounding of its terms, may become 0. */
  function throughZero(y: number, exact: number, terms: number): number {
    const mayBeZero = y * exact < 0 || Math.abs(exact) < ULP * Math.abs(terms);
    return !keepsDerivative && mayBeZero && random.int(2) === 0 ? 0 : y;
  }
}

/** Results of a call, each the float32 that is nearest to the exact one. */
const correctlyRounded = (call: Call, values: readonly Value[]): Value[] =>
  compute(call, (index) => values[index]!).map((value) =>
    isFloat(value) ? { ...value, data: value.data.map(Math.fround) } : value,
  );

/** Terms that cancel in each result; none if the operation has no such terms. */
function cancelled(
  { row, args }: Call,
  run: { readonly values: readonly Value[]; readonly atRest: readonly Value[]; readonly isForGradient: boolean },
): readonly Ref[] {
  if (row.cancels === undefined) return [];
  const given = (from: readonly Value[]): unknown[] => args.map((arg) => resolve(arg, (index) => from[index]!));
  return listOf<Ref>(row.cancels(given(run.values), given(run.atRest), run.isForGradient), isRef);
}

/** A result in float32: disturbed unless it is exact there and the operation rounds correctly. */
function settled(v: number, noise: Noise, error: number, random: Random): number {
  const y = Math.fround(v);
  if (noise.outputs === 0 && noise.absolute === 0) return y;
  if (noise.keepsExact && y === v) return y;
  // Many approximations are exact at zeros and not elsewhere.
  if (y === 0 && random.int(2) === 0) return y;
  if (Math.abs(v) < noise.absolute && random.int(4) === 0) return 0;
  return Math.fround(v * (1 + error) + noise.absolute * random.uniform(-1, 1));
}

/** Subnormal numbers may become 0, and the sign of 0 may be lost. */
function flushed(v: number, seed: number, random: Random): number {
  if (!(Math.abs(v) < SMALLEST)) return v;
  const isNegative = seed === 1 ? v < 0 || Object.is(v, -0) : random.int(2) === 0;
  return isNegative ? -0 : 0;
}

interface Noise {
  readonly inputs: number;
  readonly outputs: number;
  readonly absolute: number;
  /** Whether results that float32 can hold are exact. */
  readonly keepsExact: boolean;
}

/** `inputs` are the values that are read, null if they are to be taken for any numbers. */
function noiseOf(accuracy: Accuracy, inputs: readonly Value[] | null): Noise {
  if (accuracy === 'exact') return { inputs: 0, outputs: 0, absolute: 0, keepsExact: true };
  if (accuracy === 'rounded') return { inputs: 0, outputs: ULP, absolute: 0, keepsExact: true };
  if (accuracy === 'sum') {
    const isWhole =
      inputs !== null && inputs.every(({ data }) => data.every((v) => Number.isInteger(v) && Math.abs(v) <= 256));
    return { inputs: isWhole ? 0 : 2 * ULP, outputs: 3 * ULP, absolute: 0, keepsExact: isWhole };
  }
  const { ulps = 4, absolute = 0, exactInputs = false } = accuracy;
  return { inputs: exactInputs ? 0 : ULP, outputs: ulps * ULP, absolute, keepsExact: false };
}
