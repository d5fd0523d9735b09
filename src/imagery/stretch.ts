/** The levels of red, green and blue that are mapped to 0 and to 255. */
export interface Stretch {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}

/** Raw levels, three per pixel, 8 or 16 bits each. */
export type Levels = Uint8Array | Uint16Array;

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

/** Histograms of red, green and blue over any number of images, from which a stretch is computed. */
export class LevelCounts {
  readonly #counts = [new Float64Array(65_536), new Float64Array(65_536), new Float64Array(65_536)] as const;
  #pixels = 0;

  /** Counts the levels of an image, except pixels that are 0 in all bands: those are the margin outside the picture. */
  add(levels: Levels): void {
    const [red, green, blue] = this.#counts;
    for (let i = 0; i < levels.length; i += 3) {
      const [r, g, b] = [levels[i]!, levels[i + 1]!, levels[i + 2]!];
      if (r === 0 && g === 0 && b === 0) continue;
      red[r] = red[r]! + 1;
      green[g] = green[g]! + 1;
      blue[b] = blue[b]! + 1;
      this.#pixels++;
    }
  }

  /**
   * The stretch between two percentiles of each band, such as 2 and 98. Throws a RangeError unless
   * `0 <= from < to <= 100`, and if no pixel was counted.
   */
  stretch([from, to]: readonly [number, number]): Stretch {
    if (!(from >= 0 && from < to && to <= 100)) {
      throw new RangeError(`stretch: percentiles are ${from} and ${to}, expected 0 <= from < to <= 100`);
    }
    if (this.#pixels === 0) throw new RangeError('stretch: all pixels of the images are black');
    const low = perBand((band) => this.#percentile(this.#counts[band], from));
    const high = perBand((band) => Math.max(this.#percentile(this.#counts[band], to), low[band] + 1));
    return { low, high };
  }

  #percentile(counts: Float64Array, percent: number): number {
    const rank = (percent / 100) * (this.#pixels - 1);
    let seen = 0;
    for (let level = 0; level < counts.length; level++) {
      seen += counts[level]!;
      if (seen > rank) return level;
    }
    return counts.length - 1;
  }
}

/** Maps levels to bytes: linear between `low` and `high`, clamped outside. Throws a RangeError as `checkStretch` does. */
export function applyStretch(levels: Levels, stretch: Stretch): Uint8Array {
  checkStretch(stretch);
  const top = levels.BYTES_PER_ELEMENT === 1 ? 256 : 65_536;
  const [red, green, blue] = perBand((band) => {
    const [low, high] = [stretch.low[band], stretch.high[band]];
    return Uint8ClampedArray.from({ length: top }, (_, level) => (255 * (level - low)) / (high - low));
  });
  const out = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; i += 3) {
    out[i] = red[levels[i]!]!;
    out[i + 1] = green[levels[i + 1]!]!;
    out[i + 2] = blue[levels[i + 2]!]!;
  }
  return out;
}
