/**
 * 32-bit hash of a list of strings and numbers: FNV-1a followed by the finaliser of MurmurHash3, so that similar inputs
 * have unrelated hashes. For seeds and splits; not cryptographic.
 */
export function hash32(...parts: readonly (number | string)[]): number {
  const text = parts.join('\u0000');
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h = Math.imul(h ^ (unit & 255), 0x01000193);
    h = Math.imul(h ^ (unit >>> 8), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Seeded random number generator on the CPU (SplitMix32: a counter followed by a mixing function). The same seed gives
 * the same bits in every JavaScript engine. A seed may have several parts: `new Random('augment', seed, epoch, index)`.
 */
export class Random {
  #state: number;

  constructor(...seed: readonly (number | string)[]) {
    this.#state = hash32(...seed);
  }

  /** The next 32 random bits as an integer from 0 to 2^32 - 1. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A number in [low, high), by default in [0, 1). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 0x1_0000_0000);
  }

  /** An integer from 0 to `n` - 1. Throws a RangeError unless `n` is an integer from 1 to 2^32. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x1_0000_0000) {
      throw new RangeError(`Random.int: n is ${n}, expected an integer from 1 to 2^32`);
    }
    return Math.floor(this.uniform(0, n));
  }

  /** A normally distributed number (Box and Muller, 1958). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles an array in place (Fisher–Yates) and returns it. */
  shuffle<T>(array: T[]): T[] {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [array[i], array[j]] = [array[j]!, array[i]!];
    }
    return array;
  }
}
