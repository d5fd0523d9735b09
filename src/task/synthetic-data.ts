import { checkInteger } from '../common/check.ts';
import { Random } from '../common/random.ts';
import type { Dataset, Sample } from '../data/types.ts';
import { packAnnotations, polygonBox } from '../imagery/geometry.ts';
import { rgbImage } from '../imagery/image.ts';
import { applyStretch, LevelCounts, type Stretch } from '../imagery/stretch.ts';
import { generateChip, type ChipOptions, type SyntheticChip } from '../synthetic/chip.ts';

/** Options of `syntheticData`. */
export interface SyntheticDataOptions extends ChipOptions {
  /** Number of images. Default 300. */
  readonly chips?: number;
  /** Random seed of the images. Default 1. */
  readonly seed?: number;
}

/** The stretch is measured on at most this many images, as of files. */
const MEASURED = 32;
const PERCENTILES = [2, 98] as const;

/**
 * A data set of synthetic aerial images in memory, for a first training without files: `generateChip`, with a box around each
 * building. Images are generated when they are read for the first time, and kept. The same options give the same bytes
 * everywhere, in Node and in browsers.
 *
 * @throws RangeError unless `chips` is an integer >= 1, and as `generateChip` does
 */
export function syntheticData(options: SyntheticDataOptions = {}): Dataset {
  const { chips = 300, seed = 1, size = 128, metresPerPixel = 0.5 } = options;
  checkInteger('syntheticData', 'chips', chips, { min: 1 });
  const ids = Array.from({ length: chips }, (_, index) => `synthetic-${index + 1}`);
  const generate = (index: number): SyntheticChip => generateChip(seed, index, { size, metresPerPixel });
  // Generated for the stretch; each is needed once more.
  const chosen = new Random('stretch', seed).shuffle([...ids.keys()]).slice(0, MEASURED);
  const measured = new Map(chosen.map((index) => [index, generate(index)]));
  const stretch = measureStretch([...measured.values()]);
  const samples: Sample[] = [];
  const get = async (index: number): Promise<Sample> => {
    samples[index] ??= sampleOf(ids[index]!, measured.get(index) ?? generate(index), { size, stretch });
    measured.delete(index);
    return { ...samples[index], groundResolution: metresPerPixel };
  };
  return {
    classes: ['building'],
    ids,
    decoding: { groundResolution: metresPerPixel },
    get,
    async describe(index) {
      const { id, boxes, labels } = await get(index);
      return { id, width: size, height: size, boxes, labels };
    },
  };
}

/** One stretch for all images, so that brightness has the same meaning in each. */
function measureStretch(chips: readonly SyntheticChip[]): Stretch {
  const counts = new LevelCounts(3);
  for (const { levels } of chips) counts.add({ levels, valid: null });
  return counts.stretch(PERCENTILES);
}

function sampleOf(
  id: string,
  { levels, footprints }: SyntheticChip,
  { size, stretch }: { readonly size: number; readonly stretch: Stretch },
): Sample {
  const image = rgbImage(size, size, applyStretch(levels, stretch));
  const boxes = footprints.flatMap((ring) => {
    const box = polygonBox([ring], size, size);
    return box === null ? [] : [box];
  });
  const labels = boxes.map(() => 0);
  return { id, image, ...packAnnotations(boxes, labels) };
}
