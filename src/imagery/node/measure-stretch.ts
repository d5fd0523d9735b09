import { Random } from '../../common/random.ts';
import { LevelCounts, type Stretch } from '../stretch.ts';
import type { Bands } from './read-image.ts';
import type { ImageLimits } from './png.ts';
import { openTiff, type Tiff } from './tiff.ts';

/** How the stretch of 16-bit images is measured. */
export interface MeasureOptions {
  /** Percentiles of each band over the data set between which 16 bits are stretched. Default [2, 98]. */
  readonly percentiles?: readonly [number, number];
  /** Most images that are read for the percentiles. Default 32, chosen by `seed`. */
  readonly stretchImages?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * The stretch over TIFF files: one for all, so that brightness means the same everywhere. `op` starts the errors; `open`
 * replaces `openTiff`, for a caller that looks at the files, too.
 */
export async function measureStretch(
  op: string,
  paths: readonly string[],
  rgb: Bands,
  options: MeasureOptions & ImageLimits,
  open: (path: string) => Promise<Tiff> = (path) => openTiff(path, options),
): Promise<Stretch> {
  const { percentiles = [2, 98], stretchImages = 32, seed = 0 } = options;
  if (!Number.isInteger(stretchImages) || stretchImages < 1) {
    throw new RangeError(`${op}: stretchImages is ${stretchImages}, expected a whole number >= 1`);
  }
  const counts = new LevelCounts();
  const chosen = new Random('stretch', seed).shuffle([...paths]).slice(0, stretchImages);
  for (const path of chosen) counts.add(await (await open(path)).readLevels(rgb));
  return counts.stretch(percentiles);
}
