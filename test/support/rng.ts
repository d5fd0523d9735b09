/** A 32-bit hash of a text (FNV-1a, then MurmurHash3's finaliser): seeds that differ in one letter share no bits. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Seeded random numbers for test data (SplitMix32). */
export class Rng {
  #state: number;

  constructor(seed: string | number) {
    this.#state = typeof seed === 'number' ? seed | 0 : hash(seed);
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 0x1_0000_0000);
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.uniform(low, high + 1));
  }

  /** A number from the normal distribution (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** -1 or 1. */
  sign(): number {
    return this.bits() & 1 ? 1 : -1;
  }

  /** The whole numbers below n in random order. */
  order(n: number): Int32Array {
    const list = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    return list;
  }
}

/**
 * What a tensor is filled with.
 * - `normal`: the normal distribution; `offset`: the same around 100, where careless variances lose their digits
 * - `positive`: 0.5 to 2.5, for logarithms, roots and divisors; `probability`: 0 to 1
 * - `apart`: magnitudes of at least 0.1, all different by at least 0.2, and by 0.1 from those of the neighbouring input:
 *   no kink of abs, relu, max or minimum is near enough for a central difference to step over it
 * - `integers`: -4 to 4, so that sums and products are exact; `ties`: 0 to 2, so that most elements have an equal
 * - `tiny`: 1e-20 to 1e-6, `huge`: 1e6 to 1e15, both with either sign
 * - `special`: signed zeros, infinities, NaN, and the largest and smallest normal numbers
 * - `boxes`: x1, y1, x2, y2 in pixels, in fours
 * - `{ low, high }`: whole numbers from `low` to `high`; a list: those numbers, over and over
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
  | 'boxes'
  | 'zeros'
  | 'ones'
  | { readonly low: number; readonly high: number }
  | readonly number[];

const specials = [0, -0, 1, -1, Infinity, -Infinity, NaN, 3.4e38, -3.4e38, 1.2e-38, -1.2e-38];

function boxes(size: number, rng: Rng): number[] {
  const values: number[] = [];
  while (values.length < size) {
    const [x, y] = [rng.uniform(0, 50), rng.uniform(0, 50)];
    values.push(x, y, x + rng.uniform(4, 40), y + rng.uniform(4, 40));
  }
  return values.slice(0, size);
}

function values(fill: Fill, size: number, rng: Rng, input: number): ArrayLike<number> {
  const each = (f: (i: number) => number): Float64Array => Float64Array.from({ length: size }, (_, i) => f(i));
  if (typeof fill === 'object') {
    return 'low' in fill ? each(() => rng.integer(fill.low, fill.high)) : each((i) => fill[i % fill.length]!);
  }
  switch (fill) {
    case 'normal':
      return each(() => rng.normal());
    case 'offset':
      return each(() => 100 + rng.normal());
    case 'positive':
      return each(() => rng.uniform(0.5, 2.5));
    case 'probability':
      return each(() => rng.uniform());
    case 'apart': {
      const order = rng.order(size);
      return each((i) => rng.sign() * (0.1 + 0.2 * order[i]! + 0.1 * (input % 2)));
    }
    case 'integers':
      return each(() => rng.integer(-4, 4));
    case 'ties':
      return each(() => rng.integer(0, 2));
    case 'tiny':
      return each(() => rng.sign() * 10 ** rng.uniform(-20, -6));
    case 'huge':
      return each(() => rng.sign() * 10 ** rng.uniform(6, 15));
    case 'special':
      return each((i) => specials[i % specials.length]!);
    case 'boxes':
      return boxes(size, rng);
    case 'zeros':
      return each(() => 0);
    case 'ones':
      return each(() => 1);
  }
}

/**
 * `size` numbers for the input at place `input` of an operation. All are float32 numbers, so that the kernel and the float64
 * reference start from the same values.
 */
export function filled(fill: Fill, size: number, rng: Rng, input = 0): Float64Array {
  return Float64Array.from(Float32Array.from(values(fill, size, rng, input)));
}
