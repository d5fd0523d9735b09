import { checkInteger, checkSeed } from '../../common/check.ts';
import { Random } from '../../common/random.ts';
import { LevelCounts, type Stretch } from '../stretch.ts';
import type { Bands } from './read-image.ts';
import type { ImageLimits } from './limits.ts';
import { openTiff, type Tiff } from './tiff.ts';

/** How the stretch of 16-bit images is measured. */
export interface MeasureOptions {
  /** Percentiles of each band over the data set that are mapped to 0 and 255. Default [2, 98]. */
  readonly percentiles?: readonly [number, number];
  /** Maximum number of images to compute the percentiles from, sampled with `seed`. Default 32. */
  readonly stretchImages?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * One stretch for all TIFF files, so that brightness has the same meaning in each. `op` starts error messages; `open`
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
  checkInteger(op, 'stretchImages', stretchImages, { min: 1 });
  checkSeed(op, seed);
  const counts = new LevelCounts();
  const chosen = new Random('stretch', seed).shuffle([...paths]).slice(0, stretchImages);
  for (const path of chosen) counts.add(await (await open(path)).readLevels(rgb));
  return counts.stretch(percentiles);
}
