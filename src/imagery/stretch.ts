import type { Levels, RawPixels } from './levels.ts';

/** The levels of each band that are mapped to 0 and to 255. */
export interface Stretch {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** The stretch from 0 to a level: to 255 it leaves 8-bit images unchanged. */
export const stretchTo = (high: number, bands: number): Stretch => ({
  low: new Array<number>(bands).fill(0),
  high: new Array<number>(bands).fill(high),
});

/** Throws a RangeError unless there are pairs, and every `low` is a finite number below its `high`. */
export function checkStretch(stretch: Stretch): void {
  for (let band = 0; band < Math.max(1, stretch.low.length, stretch.high.length); band++) {
    const [low, high] = [stretch.low[band], stretch.high[band]];
    if (low === undefined || high === undefined || !Number.isFinite(low) || !Number.isFinite(high) || low >= high) {
      throw new RangeError(
        `stretch: low ${low} and high ${high} of band ${band}, expected a pair with low < high for each band`,
      );
    }
  }
}

/** Of an image whose levels have more than 16 bits at most this many pixels are kept, evenly spread. */
const SAMPLES = 1 << 18;
/** Levels of at most 16 bits are from -32,768 to 65,535. */
const LOWEST = -32_768;

/** Levels of each band over any number of images, from which a stretch is computed. */
export class LevelCounts {
  /** How often each level of at most 16 bits occurred. */
  readonly #counts: readonly Float64Array[];
  /** Levels with more bits. */
  readonly #samples: readonly number[][];
  #pixels = 0;

  /** @param bands their number */
  constructor(bands: number) {
    this.#counts = Array.from({ length: bands }, () => new Float64Array(65_536 - LOWEST));
    this.#samples = Array.from({ length: bands }, () => []);
  }

  /**
   * Counts the levels of pixels that have data, except those that are 0 in all bands: such are the margin outside the
   * picture where a file does not say so.
   */
  add({ levels, valid }: RawPixels): void {
    const bands = this.#counts.length;
    const pixels = levels.length / bands;
    const isWide = levels.BYTES_PER_ELEMENT > 2;
    const step = isWide ? Math.max(1, Math.floor(pixels / SAMPLES)) : 1;
    for (let pixel = 0; pixel < pixels; pixel += step) {
      const at = bands * pixel;
      if (valid?.[pixel] === 0 || isBlack(levels, at, bands)) continue;
      for (let band = 0; band < bands; band++) {
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
    const low = this.#counts.map((_, band) => this.#percentile(band, from));
    const high = low.map((lowest, band) => {
      const level = this.#percentile(band, to);
      return level > lowest ? level : lowest + 1;
    });
    return { low, high };
  }

  #percentile(band: number, percent: number): number {
    const samples = this.#samples[band]!.sort((a, b) => a - b);
    if (samples.length > 0) return samples[Math.floor((percent / 100) * (samples.length - 1))]!;
    const counts = this.#counts[band]!;
    const rank = (percent / 100) * (this.#pixels - 1);
    let seen = 0;
    for (let i = 0; i < counts.length; i++) {
      seen += counts[i]!;
      if (seen > rank) return i + LOWEST;
    }
    return counts.length - 1 + LOWEST;
  }
}

/** Whether the levels of all bands of a pixel are 0. */
export function isBlack(levels: Levels, at: number, bands: number): boolean {
  for (let band = 0; band < bands; band++) if (levels[at + band] !== 0) return false;
  return true;
}

/** Maps levels to bytes: linear between `low` and `high`, clamped outside. Throws a RangeError as `checkStretch` does. */
export function applyStretch(levels: Levels, stretch: Stretch): Uint8Array {
  checkStretch(stretch);
  const out = new Uint8ClampedArray(levels.length);
  // Of unsigned levels a table is shorter than an image.
  const top = levels instanceof Uint8Array ? 256 : levels instanceof Uint16Array ? 65_536 : 0;
  const bands = stretch.low.length;
  for (let band = 0; band < bands; band++) {
    const [low, high] = [stretch.low[band]!, stretch.high[band]!];
    const scaled = (level: number): number => (255 * (level - low)) / (high - low);
    if (top === 0) {
      for (let i = band; i < out.length; i += bands) out[i] = scaled(levels[i]!);
      continue;
    }
    const table = Uint8ClampedArray.from({ length: top }, (_, level) => scaled(level));
    for (let i = band; i < out.length; i += bands) out[i] = table[levels[i]!]!;
  }
  return new Uint8Array(out.buffer);
}
