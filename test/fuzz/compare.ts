// Compares what the library computed with the float64 reference, within the errors that float32 arithmetic may make.
import { Random } from '../../src/common/random.ts';
import { randomSign } from '../support/fill.ts';
import { evaluate, SMALLEST, ULP, type Rounding } from './evaluate.ts';
import { isFloat, operandsOf, type Argument, type Program, type Value } from './program.ts';
import { differentiated, floatResults, weightsOf, type Outcome } from './run.ts';

/** A disagreement. `index` is the number of the value, or of the leaf whose gradient is wrong. */
export interface Disagreement {
  readonly kind: 'value' | 'gradient' | 'shape' | 'error';
  readonly index: number | null;
  readonly message: string;
}

/** What was compared, and what could not be. */
export interface Tally {
  values: number;
  /** Elements whose allowed error is more than 1 % of their size. */
  loose: number;
  directions: number;
  /** Directions along which a program has no derivative, or one that float32 cannot compute. */
  kinks: number;
  singular: number;
  vague: number;
}

export const newTally = (): Tally => ({ values: 0, loose: 0, directions: 0, kinks: 0, singular: 0, vague: 0 });

/** How many times the largest deviation among sampled roundings a result may deviate. */
const FACTOR = 6;
/** Sampled roundings: a few, and many before a disagreement is reported. */
const SAMPLES = [4, 40];
const STEP = 2 ** -17;

/** The first disagreement in order of the program, or null. */
export function disagreement(program: Program, outcome: Outcome | Error, tally: Tally): Disagreement | null {
  if (outcome instanceof Error) return { kind: 'error', index: null, message: outcome.stack ?? outcome.message };
  const samples = new Samples(program);
  for (const index of outcome.values.keys()) {
    const found = wrongValue(program.values[index]!, outcome.values.get(index)!, index, samples, tally);
    if (found !== null) return found;
  }
  return new Gradients(program, outcome, tally).disagreement();
}

/** Values of a program under sampled roundings, computed when they are needed. */
class Samples {
  readonly #program: Program;
  readonly #runs: Value[][] = [];

  constructor(program: Program) {
    this.#program = program;
  }

  of(index: number, count: number): readonly Float64Array[] {
    while (this.#runs.length < count) {
      const rounding: Rounding = { seed: this.#runs.length, kind: 'float32' };
      this.#runs.push(evaluate(this.#program, { rounding }));
    }
    return this.#runs.slice(0, count).map((values) => values[index]!.data);
  }
}

const isSame = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
const isNear = (got: number, want: number): boolean =>
  isSame(got, Math.fround(want)) || Math.abs(got - want) <= 4 * ULP * Math.abs(want) + SMALLEST;

function wrongValue(
  want: Value,
  got: { readonly shape: readonly number[]; readonly dtype: string; readonly data: ArrayLike<number> },
  index: number,
  samples: Samples,
  tally: Tally,
): Disagreement | null {
  if (got.dtype !== want.dtype || `${got.shape}` !== `${want.shape}`) {
    return { kind: 'shape', index, message: `is ${got.dtype} [${got.shape}], expected ${want.dtype} [${want.shape}]` };
  }
  tally.values += want.data.length;
  if (want.data.every((v, i) => isNear(got.data[i]!, v))) return null;
  for (const count of SAMPLES) {
    const wrong = firstOutside(want.data, got.data, samples.of(index, count), tally, count === SAMPLES[0]);
    if (wrong === null) return null;
    if (count !== SAMPLES.at(-1)) continue;
    const { at, limit } = wrong;
    const message = `element ${at} of [${want.shape}] is ${got.data[at]}, expected ${want.data[at]} within ${limit.toPrecision(2)}`;
    return { kind: 'value', index, message };
  }
  return null;
}

/** The first element that no sampled rounding explains. */
function firstOutside(
  want: Float64Array,
  got: ArrayLike<number>,
  samples: readonly Float64Array[],
  tally: Tally,
  counts: boolean,
): { at: number; limit: number } | null {
  const spread = want.map((v, i) => samples.reduce((most, s) => Math.max(most, difference(s[i]!, v)), 0));
  const typical = typicalSpread(want, spread);
  for (let i = 0; i < want.length; i++) {
    const v = want[i]!;
    const limit =
      FACTOR * (spread[i]! + Math.min(typical.absolute, typical.relative * Math.abs(v))) +
      4 * ULP * Math.abs(v) +
      SMALLEST;
    if (counts && limit > 0.01 * Math.abs(v) + 1e-4) tally.loose++;
    if (spread[i] === Infinity) continue;
    const isLegal = [v, ...samples.map((s) => s[i]!)].some(
      (y) => isSame(got[i]!, Math.fround(y)) || Math.abs(got[i]! - y) <= limit,
    );
    if (!isLegal) return { at: i, limit };
  }
  return null;
}

/** Distance of a rounded number from an exact one; infinite if rounding leaves the domain of a function. */
const difference = (rounded: number, exact: number): number => {
  if (isSame(rounded, exact)) return 0;
  const distance = Math.abs(rounded - exact);
  return Number.isNaN(distance) ? Infinity : distance;
};

/** Root mean square of the deviations: an element whose samples deviate by chance less than it might gets that of the others. */
function typicalSpread(want: Float64Array, spread: Float64Array): { absolute: number; relative: number } {
  let [absolute, relative, count] = [0, 0, 0];
  for (let i = 0; i < want.length; i++) {
    if (!Number.isFinite(want[i]!) || !Number.isFinite(spread[i]!)) continue;
    absolute += spread[i]! ** 2;
    if (want[i] !== 0) relative += (spread[i]! / Math.abs(want[i]!)) ** 2;
    count++;
  }
  return { absolute: Math.sqrt(absolute / Math.max(count, 1)), relative: Math.sqrt(relative / Math.max(count, 1)) };
}

/** A slope along a direction, by central differences of some width. */
interface Slope {
  readonly value: number;
  /** Difference of the slopes to both sides. */
  readonly bend: number;
  /** Rounding error of the difference in float64. */
  readonly noise: number;
}

/** Compares gradients along directions: that of all elements of a leaf at once, and those of single elements. */
class Gradients {
  readonly #program: Program;
  readonly #outcome: Outcome;
  readonly #tally: Tally;
  readonly #results: readonly number[];
  readonly #weights: ReadonlyMap<number, Float64Array>;
  readonly #bases = new Map<number, Value[]>();

  constructor(program: Program, outcome: Outcome, tally: Tally) {
    this.#program = program;
    this.#outcome = outcome;
    this.#tally = tally;
    this.#results = floatResults(program);
    this.#weights = new Map(this.#results.map((index) => [index, weightsOf(program, index)]));
  }

  disagreement(): Disagreement | null {
    if (this.#outcome.gradients.size === 0) return null;
    for (const leaf of differentiated(this.#program)) {
      const size = this.#program.values[leaf]!.data.length;
      if (size === 0) continue;
      const random = new Random('directions', leaf, size);
      const all = Float64Array.from({ length: size }, () => randomSign(random) * random.uniform(0.5, 1));
      const single = new Float64Array(size);
      single[random.int(size)] = 1;
      for (const direction of size === 1 ? [single] : [all, single]) {
        const found = this.#wrongSlope(leaf, direction);
        if (found !== null) return found;
      }
    }
    return null;
  }

  #wrongSlope(leaf: number, direction: Float64Array): Disagreement | null {
    const gradient = this.#outcome.gradients.get(leaf)!;
    let [got, size] = [0, 0];
    for (const [i, d] of direction.entries()) {
      if (d === 0) continue;
      got += d * gradient[i]!;
      size += Math.abs(d * gradient[i]!);
    }
    this.#tally.directions++;
    const want = this.#slope(leaf, direction, STEP, null);
    const scale = Math.max(size, Math.abs(want.value));
    if (Math.abs(got - want.value) <= 2 ** -17 * scale + want.noise + SMALLEST) return null;
    if (!Number.isFinite(got)) return this.#notFinite(leaf, got, want, direction);
    return this.#compared(leaf, direction, { got, scale, want });
  }

  /** A gradient that is not within a few roundings. */
  #compared(
    leaf: number,
    direction: Float64Array,
    { got, scale, want }: { got: number; scale: number; want: Slope },
  ): Disagreement | null {
    const half = this.#slope(leaf, direction, STEP / 2, null);
    const change = Math.abs(half.value - want.value);
    if (this.#isKink(want, half)) {
      this.#tally.kinks++;
      return null;
    }
    let limit = 0;
    for (const count of SAMPLES) {
      let spread = 0;
      for (let seed = 0; seed < count; seed++) {
        const slope = this.#slope(leaf, direction, STEP, seed);
        spread = Math.max(spread, difference(slope.value, want.value));
      }
      limit = FACTOR * spread + 2 * change + 2 * want.noise + 2 ** -17 * scale + SMALLEST;
      const error = Math.abs(got - want.value);
      if (!(error <= limit + want.bend)) continue;
      // Between the slopes to both sides: a subgradient.
      if (error > limit) this.#tally.kinks++;
      else if (limit > 0.05 * scale) this.#tally.vague++;
      return null;
    }
    if (this.#isKink(want, this.#slope(leaf, direction, STEP / 1024, null)) || this.#meetsKink(leaf, direction)) {
      this.#tally.kinks++;
      return null;
    }
    const along =
      direction.filter((d) => d !== 0).length === 1 ? `element ${direction.indexOf(1)}` : 'a random direction';
    const message = `along ${along} is ${got}, expected ${want.value} within ${limit.toPrecision(2)}`;
    return { kind: 'gradient', index: leaf, message };
  }

  /** Whether there is a kink along a single element of a direction of several, where others make up for it. */
  #meetsKink(leaf: number, direction: Float64Array): boolean {
    const moved = [...direction.keys()].filter((i) => direction[i] !== 0);
    return (
      moved.length > 1 &&
      moved.some((i) => {
        const single = new Float64Array(direction.length);
        single[i] = 1;
        return this.#isKink(this.#slope(leaf, single, STEP, null), this.#slope(leaf, single, STEP / 2, null));
      })
    );
  }

  #isKink(slope: Slope, half: Slope): boolean {
    const size = Math.abs(slope.value) + Math.abs(half.value);
    const change = Math.abs(half.value - slope.value);
    const noise = slope.noise + half.noise;
    return !Number.isFinite(size) || change > 1e-3 * size + noise || half.bend > 1e-3 * (size + half.bend) + 4 * noise;
  }

  /** A gradient of NaN or infinity: wrong unless an operation has no finite derivative and no mask hides it. */
  #notFinite(leaf: number, got: number, want: Slope, direction: Float64Array): Disagreement | null {
    if (this.#isKink(want, this.#slope(leaf, direction, STEP / 2, null))) {
      this.#tally.kinks++;
      return null;
    }
    if (this.#hasSingularity(leaf)) {
      this.#tally.singular++;
      return null;
    }
    return { kind: 'gradient', index: leaf, message: `is ${got}, expected a slope of ${want.value}` };
  }

  /**
   * Whether an operation that depends on the leaf has an infinite derivative, and an operation before it multiplies
   * gradients by values: 0 times infinity is NaN then. What only selects must hide it.
   */
  #hasSingularity(leaf: number): boolean {
    const { entries } = this.#program;
    const multiplied = new Map<number, boolean>([[leaf, false]]);
    for (const { made, first, count } of entries) {
      if (made.kind === 'leaf') continue;
      const read = readBy(made.args).filter((i) => multiplied.has(i));
      if (read.length === 0) continue;
      const isBehind = read.some((i) => multiplied.get(i));
      if (isBehind && this.#isSingular(first, count)) return true;
      for (let i = 0; i < count; i++) multiplied.set(first + i, isBehind || made.row.selects !== true);
    }
    return false;
  }

  /** Whether results change much faster than what they are computed from. */
  #isSingular(first: number, count: number): boolean {
    const position = this.#program.entries.findIndex((entry) => entry.first === first);
    const { made } = this.#program.entries[position]!;
    if (made.kind === 'leaf') return false;
    const before = this.#base(null);
    return readBy(made.args).some((index) => {
      const value = this.#program.values[index]!;
      if (!isFloat(value)) return false;
      return [1e-6, 1e-9].some((h) =>
        [h, -h].some((step) => {
          const moved = { ...value, data: value.data.map((v) => v + step) };
          const changed = evaluate(this.#program, {
            rounding: null,
            fixed: new Map([[index, moved]]),
            base: before,
            changed: index,
          });
          const most = Math.max(
            ...Array.from({ length: count }, (_, i) =>
              changed[first + i]!.data.reduce((m, v, k) => {
                const d = Math.abs(v - before[first + i]!.data[k]!);
                return Math.max(m, Number.isNaN(d) ? Infinity : d);
              }, 0),
            ),
          );
          return most / h > 2e4;
        }),
      );
    });
  }

  /** Values of the program under a rounding that keeps its derivative; null: exactly. */
  #base(seed: number | null): Value[] {
    if (seed === null) return this.#program.values as Value[];
    const known = this.#bases.get(seed);
    if (known !== undefined) return known;
    const values = evaluate(this.#program, { rounding: { seed, kind: 'smooth' } });
    this.#bases.set(seed, values);
    return values;
  }

  #slope(leaf: number, direction: Float64Array, step: number, seed: number | null): Slope {
    const base = this.#base(seed);
    const rounding: Rounding | null = seed === null ? null : { seed, kind: 'smooth' };
    const held = this.#held(base);
    const moved = (h: number): Value[] => {
      const value = base[leaf]!;
      const at = { ...value, data: value.data.map((v, i) => v + h * direction[i]!) };
      return evaluate(this.#program, { rounding, fixed: new Map([...held, [leaf, at]]), base, changed: leaf });
    };
    const [above, below] = [moved(step), moved(-step)];
    let [up, down, size] = [0, 0, 0];
    for (const index of this.#results) {
      if (above[index] === base[index]) continue;
      const [a, b, c, w] = [above[index]!.data, below[index]!.data, base[index]!.data, this.#weights.get(index)!];
      for (let i = 0; i < a.length; i++) {
        if (a[i] !== c[i]) up += (a[i]! - c[i]!) * w[i]!;
        if (b[i] !== c[i]) down += (c[i]! - b[i]!) * w[i]!;
        size += Math.abs(w[i]! * c[i]!);
      }
    }
    const noise = ((size + Math.abs(up) + Math.abs(down)) * 2 ** -50) / step;
    return { value: (up + down) / (2 * step), bend: Math.abs(up - down) / step, noise };
  }

  /** Results through which no gradient flows: they stay as they are. */
  #held(base: readonly Value[]): (readonly [number, Value])[] {
    return this.#program.entries.flatMap(({ made, first, count }) => {
      if (made.kind === 'leaf') return [];
      const all = Array.from({ length: count }, (_, i) => i);
      return all
        .filter((i) => !isFloat(base[first + i]!) || made.row.detached?.includes(i) === true)
        .map((i) => [first + i, base[first + i]!] as const);
    });
  }
}

const readBy = (args: readonly Argument[]): number[] => args.flatMap((arg) => operandsOf(arg));
