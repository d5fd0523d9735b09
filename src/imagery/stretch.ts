/** The levels of red, green and blue that become 0 and 255. */
export interface Stretch {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}

/** Raw levels of pixels: three per pixel, 8 or 16 bits. */
export type Levels = Uint8Array | Uint16Array;

/** The stretch that leaves 8-bit images as they are. */
export const identityStretch: Stretch = { low: [0, 0, 0], high: [255, 255, 255] };

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

/** Counts of the levels of red, green and blue over any number of images, from which a stretch follows. */
export class LevelCounts {
  readonly #counts = [new Float64Array(65_536), new Float64Array(65_536), new Float64Array(65_536)] as const;
  #pixels = 0;

  /** Counts an image. Pixels that are 0 in all bands are left out: they are the margin outside the picture. */
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
   * The stretch between two percentiles of each band, such as 2 and 98. Throws a RangeError when they are out of order
   * or when no pixel was counted.
   */
  stretch([from, to]: readonly [number, number]): Stretch {
    if (!(from >= 0 && from < to && to <= 100)) {
      throw new RangeError(`stretch: percentiles ${from} and ${to}, expected 0 <= from < to <= 100`);
    }
    if (this.#pixels === 0) throw new RangeError('stretch: the images hold no pixel that is not black');
    const low = this.#counts.map((counts) => this.#percentile(counts, from));
    const high = this.#counts.map((counts, band) => Math.max(this.#percentile(counts, to), low[band]! + 1));
    return { low: low as [number, number, number], high: high as [number, number, number] };
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

/** Bytes of pixels: linear between `low` and `high`, clamped outside. */
export function applyStretch(levels: Levels, stretch: Stretch): Uint8Array {
  checkStretch(stretch);
  const top = levels.BYTES_PER_ELEMENT === 1 ? 256 : 65_536;
  const tables = ([0, 1, 2] as const).map((band) => {
    const [low, high] = [stretch.low[band], stretch.high[band]];
    return Uint8ClampedArray.from({ length: top }, (_, level) => (255 * (level - low)) / (high - low));
  });
  const [red, green, blue] = tables as [Uint8ClampedArray, Uint8ClampedArray, Uint8ClampedArray];
  const out = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; i += 3) {
    out[i] = red[levels[i]!]!;
    out[i + 1] = green[levels[i + 1]!]!;
    out[i + 2] = blue[levels[i + 2]!]!;
  }
  return out;
}
