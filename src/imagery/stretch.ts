import type { Levels, RawPixels } from './levels.ts';

/** The levels of red, green and blue that are mapped to 0 and to 255. */
export interface Stretch {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}

/** The stretch that leaves 8-bit images unchanged. */
export const identityStretch: Stretch = { low: [0, 0, 0], high: [255, 255, 255] };

/** One value for each of red, green and blue. */
const perBand = <T>(of: (band: 0 | 1 | 2) => T): [T, T, T] => [of(0), of(1), of(2)];

/** Throws a RangeError unless every `low` is a finite number below its `high`. */
export function checkStretch(stretch: Stretch): void {
  for (let band = 0; band < 3; band++) {
    const [low, high] = [stretch.low[band], stretch.high[band]];
    if (low === undefined || high === undefined || !Number.isFinite(low) || !Number.isFinite(high) || low >= high) {
      throw new RangeError(
        `stretch: low ${low} and high ${high} of band ${band}, expected three pairs with low < high`,
      );
    }
  }
}

/** Of an image whose levels have more than 16 bits at most this many pixels are kept, evenly spread. */
const SAMPLES = 1 << 18;
/** Levels of at most 16 bits are from -32,768 to 65,535. */
const LOWEST = -32_768;

/** Levels of red, green and blue over any number of images, from which a stretch is computed. */
export class LevelCounts {
  /** How often each level of at most 16 bits occurred. */
  readonly #counts = perBand(() => new Float64Array(65_536 - LOWEST));
  /** Levels with more bits. */
  readonly #samples = perBand((): number[] => []);
  #pixels = 0;

  /**
   * Counts the levels of pixels that have data, except those that are 0 in all bands: such are the margin outside the
   * picture where a file does not say so.
   */
  add({ levels, valid }: RawPixels): void {
    const pixels = levels.length / 3;
    const isWide = levels.BYTES_PER_ELEMENT > 2;
    const step = isWide ? Math.max(1, Math.floor(pixels / SAMPLES)) : 1;
    for (let pixel = 0; pixel < pixels; pixel += step) {
      const at = 3 * pixel;
      const isBlack = levels[at] === 0 && levels[at + 1] === 0 && levels[at + 2] === 0;
      if (isBlack || valid?.[pixel] === 0) continue;
      for (let band = 0; band < 3; band++) {
        const level = levels[at + band]!;
        if (!isWide) this.#counts[band]![level - LOWEST]!++;
        else if (!Number.isNaN(level)) this.#samples[band]!.push(level);
      }
      this.#pixels++;
    }
  }

  /** Whether no pixel was counted. */
  get isEmpty(): boolean {
    return this.#pixels === 0;
  }

  /**
   * The stretch between two percentiles of each band, such as 2 and 98. Throws a RangeError unless
   * `0 <= from < to <= 100`, and if no pixel was counted.
   */
  stretch([from, to]: readonly [number, number]): Stretch {
    if (!(from >= 0 && from < to && to <= 100)) {
      throw new RangeError(`stretch: percentiles are ${from} and ${to}, expected 0 <= from < to <= 100`);
    }
    if (this.isEmpty) throw new RangeError('stretch: all pixels of the images are black or have no data');
    const low = perBand((band) => this.#percentile(band, from));
    const high = perBand((band) => {
      const level = this.#percentile(band, to);
      return level > low[band] ? level : low[band] + 1;
    });
    return { low, high };
  }

  #percentile(band: 0 | 1 | 2, percent: number): number {
    const samples = this.#samples[band].sort((a, b) => a - b);
    if (samples.length > 0) return samples[Math.floor((percent / 100) * (samples.length - 1))]!;
    const counts = this.#counts[band];
    const rank = (percent / 100) * (this.#pixels - 1);
    let seen = 0;
    for (let i = 0; i < counts.length; i++) {
      seen += counts[i]!;
      if (seen > rank) return i + LOWEST;
    }
    return counts.length - 1 + LOWEST;
  }
}

/** Maps levels to bytes: linear between `low` and `high`, clamped outside. Throws a RangeError as `checkStretch` does. */
export function applyStretch(levels: Levels, stretch: Stretch): Uint8Array {
  checkStretch(stretch);
  const out = new Uint8ClampedArray(levels.length);
  // Of unsigned levels a table is shorter than an image.
  const top = levels instanceof Uint8Array ? 256 : levels instanceof Uint16Array ? 65_536 : 0;
  for (let band = 0; band < 3; band++) {
    const [low, high] = [stretch.low[band]!, stretch.high[band]!];
    const scaled = (level: number): number => (255 * (level - low)) / (high - low);
    if (top === 0) {
      for (let i = band; i < out.length; i += 3) out[i] = scaled(levels[i]!);
      continue;
    }
    const table = Uint8ClampedArray.from({ length: top }, (_, level) => scaled(level));
    for (let i = band; i < out.length; i += 3) out[i] = table[levels[i]!]!;
  }
  return new Uint8Array(out.buffer);
}
