import { Random } from '../../src/common/random.ts';

/** -1 or 1. */
export const randomSign = (random: Random): number => (random.bits() & 1 ? 1 : -1);

/** An integer from `low` to `high`. */
const integer = (random: Random, low: number, high: number): number => low + random.int(high - low + 1);

/** Values from -1 to 1 that differ from element to element, the same for the same name. */
export function uniformValues(name: string, size: number): Float32Array {
  const random = new Random(name);
  return Float32Array.from({ length: size }, () => random.uniform(-1, 1));
}

/**
 * What a tensor is filled with.
 * - `normal`: the normal distribution; `offset`: the same around 100, where a naive variance loses its digits
 * - `positive`: 0.5 to 2.5, for logarithms, roots and divisors; `probability`: 0 to 1
 * - `apart`: magnitudes of at least 0.1 that differ by at least 0.2, and by 0.1 from those of the next input, so that no
 *   central difference steps over a kink of abs, relu, max or minimum
 * - `integers`: -4 to 4, so that sums and products are exact; `ties`: 0 to 2, so that most elements have an equal
 * - `tiny`: 1e-20 to 1e-6, `huge`: 1e6 to 1e15, both with either sign
 * - `special`: signed zeros, infinities, NaN, and the largest and smallest normal numbers
 * - `subnormal`: numbers that WGSL allows a driver to take for 0, and 0
 * - `boxes`: x1, y1, x2, y2 in pixels, in fours
 * - `{ low, high }`: integers from `low` to `high`; a list: those numbers, repeated
 */
export type Fill =
  | 'normal'
  | 'offset'
  | 'positive'
  | 'probability'
  | 'apart'
  | 'integers'
  | 'ties'
  | 'tiny'
  | 'huge'
  | 'special'
  | 'subnormal'
  | 'boxes'
  | 'zeros'
  | 'ones'
  | { readonly low: number; readonly high: number }
  | readonly number[];

const largest = 2 ** 127 * (2 - 2 ** -23);
export const specials = [0, -0, 1, -1, Infinity, -Infinity, NaN, largest, -largest, 1.2e-38, -1.2e-38] as const;

function boxes(size: number, random: Random): number[] {
  const values: number[] = [];
  while (values.length < size) {
    const [x, y] = [random.uniform(0, 50), random.uniform(0, 50)];
    values.push(x, y, x + random.uniform(4, 40), y + random.uniform(4, 40));
  }
  return values.slice(0, size);
}

function values(fill: Fill, size: number, random: Random, input: number): ArrayLike<number> {
  const each = (f: (i: number) => number): Float64Array => Float64Array.from({ length: size }, (_, i) => f(i));
  if (typeof fill === 'object') {
    return 'low' in fill ? each(() => integer(random, fill.low, fill.high)) : each((i) => fill[i % fill.length]!);
  }
  switch (fill) {
    case 'normal':
      return each(() => random.normal());
    case 'offset':
      return each(() => 100 + random.normal());
    case 'positive':
      return each(() => random.uniform(0.5, 2.5));
    case 'probability':
      return each(() => random.uniform());
    case 'apart': {
      const order = random.shuffle(Array.from({ length: size }, (_, i) => i));
      return each((i) => randomSign(random) * (0.1 + 0.2 * order[i]! + 0.1 * (input % 2)));
    }
    case 'integers':
      return each(() => integer(random, -4, 4));
    case 'ties':
      return each(() => integer(random, 0, 2));
    case 'tiny':
      return each(() => randomSign(random) * 10 ** random.uniform(-20, -6));
    case 'huge':
      return each(() => randomSign(random) * 10 ** random.uniform(6, 15));
    case 'special':
      return each((i) => specials[i % specials.length]!);
    case 'subnormal':
      return each((i) => [1e-40, -1e-40, 0, 1.4e-45, -1e-38][i % 5]!);
    case 'boxes':
      return boxes(size, random);
    case 'zeros':
      return each(() => 0);
    case 'ones':
      return each(() => 1);
  }
}

/**
 * `size` numbers for the input at position `input` of an operation. Unless they are integers of a type that holds them, they are
 * rounded to float32, so that the kernel and the float64 reference start from the same values.
 */
export function filled(fill: Fill, size: number, random: Random, input = 0, isFloat = true): Float64Array {
  const numbers = values(fill, size, random, input);
  return Float64Array.from(isFloat ? Float32Array.from(numbers) : numbers);
}
