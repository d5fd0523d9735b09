import { InputError } from '../common/errors.ts';
import { imageShape, packedBytes } from '../imagery/image.ts';
import { isBlack } from '../imagery/stretch.ts';
import type { Dataset } from './types.ts';

/** Mean and standard deviation of each channel of images, of levels from 0 to 1: what normalisation subtracts and divides by. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Number of samples that are read, at most: means over some millions of pixels change no more. */
const SAMPLES = 64;

/**
 * The statistics of some samples, spread evenly over `indices`. Pixels that are black in all channels have no data and are
 * left out, as are samples that cannot be read; a channel without variation has the standard deviation 1. Rejects for images
 * of different numbers of channels.
 */
export async function measureChannels(dataset: Dataset, indices: readonly number[]): Promise<ChannelStatistics> {
  const count = Math.min(SAMPLES, indices.length);
  const sums = { first: '', pixels: 0, values: [] as number[], squares: [] as number[] };
  for (let i = 0; i < count; i++) {
    const index = indices[Math.floor((i * indices.length) / count)]!;
    const sample = await dataset.get(index).catch((error: unknown) => {
      // Training names what is wrong with it.
      if (error instanceof InputError) return null;
      throw error;
    });
    if (sample === null) continue;
    const { channels } = imageShape(sample.image);
    if (sums.first === '') {
      sums.first = sample.id;
      sums.values = new Array<number>(channels).fill(0);
      sums.squares = [...sums.values];
    }
    const expected = sums.values.length;
    if (channels !== expected) {
      throw new RangeError(`${sample.id} has ${channels} channels, expected ${expected} as in ${sums.first}`);
    }
    const levels = packedBytes(sample.image);
    for (let at = 0; at < levels.length; at += channels) {
      if (isBlack(levels, at, channels)) continue;
      sums.pixels++;
      for (let c = 0; c < channels; c++) {
        const level = levels[at + c]!;
        sums.values[c]! += level;
        sums.squares[c]! += level * level;
      }
    }
  }
  const means = sums.values.map((sum) => sum / Math.max(1, sums.pixels));
  const deviations = sums.squares.map((sum, c) => Math.sqrt(sum / Math.max(1, sums.pixels) - means[c]! ** 2));
  return {
    mean: means.map((mean) => mean / 255),
    // Less than half a level is rounding.
    std: deviations.map((deviation) => (deviation > 0.5 ? deviation / 255 : 1)),
  };
}
