import { checkInteger, checkSeed } from '../common/check.ts';
import { Random } from '../common/random.ts';
import { LevelCounts, type Stretch } from './stretch.ts';
import { selectBands, type RawImage } from './raw-image.ts';
import type { Bands } from './types.ts';

/** How the stretch of images with other levels than bytes is measured. */
export interface MeasureOptions {
  /** Percentiles of each band over the data set that are mapped to 0 and 255. Default [2, 98]. */
  readonly percentiles?: readonly [number, number];
  /** Maximum number of images to compute the percentiles from, sampled with `seed`. Default 32. */
  readonly stretchImages?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** Of larger images windows of this side are counted, evenly spread. */
const WINDOW = 1024;
/** Windows along each side. */
const WINDOWS = 3;

/**
 * One stretch for all images, so that brightness has the same meaning in each. `op` starts error messages; `open` opens an
 * image.
 */
export async function measureStretch(
  op: string,
  paths: readonly string[],
  bands: Bands | undefined,
  options: MeasureOptions,
  open: (path: string) => Promise<RawImage>,
): Promise<Stretch> {
  const { percentiles = [2, 98], stretchImages = 32, seed = 0 } = options;
  checkInteger(op, 'stretchImages', stretchImages, { min: 1 });
  checkSeed(op, seed);
  const counts = new LevelCounts(bands?.length ?? 3);
  const chosen = new Random('stretch', seed).shuffle([...paths]).slice(0, stretchImages);
  for (const path of chosen) await countLevels(counts, await open(path), bands);
  return counts.stretch(percentiles);
}

/** Counts the levels of bands of an image, as many as `counts` was made for; of a large one, those of some windows. */
export async function countLevels(counts: LevelCounts, image: RawImage, bands?: Bands): Promise<void> {
  const selected = selectBands(image, bands);
  const { extent = { x: 0, y: 0, width: image.width, height: image.height } } = image;
  for (const [y, height] of windowsOf(extent.y, extent.height)) {
    for (const [x, width] of windowsOf(extent.x, extent.width))
      counts.add(await image.read(selected, { x, y, width, height }));
  }
}

/** Start and length of the windows along a side: the whole side, or some that are spread evenly over it. */
function windowsOf(start: number, length: number): (readonly [start: number, length: number])[] {
  if (length <= WINDOW * WINDOWS) return [[start, length]];
  return Array.from({ length: WINDOWS }, (_, i) => [
    start + Math.round((i * (length - WINDOW)) / (WINDOWS - 1)),
    WINDOW,
  ]);
}
