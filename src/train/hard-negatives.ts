import { Random } from '../common/random.ts';
import { describeSample, type Dataset } from '../data/types.ts';
import type { ImageResult } from '../detector/evaluate.ts';

/** Default number of empty samples on which each evaluation runs the detector. */
export const HARD_NEGATIVE_SAMPLES = 64;

/** The indices whose samples have no objects. Decodes images only if the data set cannot `describe` its samples. */
export async function samplesWithoutObjects(dataset: Dataset, indices: readonly number[]): Promise<number[]> {
  const empty: number[] = [];
  for (const index of indices) {
    if ((await describeSample(dataset, index)).labels.length === 0) empty.push(index);
  }
  return empty;
}

/** A random subset of the indices, a different one at each step. */
export function chooseSamples(indices: readonly number[], count: number, seed: number, step: number): number[] {
  return new Random('hard negatives', seed, step)
    .shuffle([...indices])
    .slice(0, count)
    .sort((a, b) => a - b);
}

/**
 * The difficulty of samples without objects: the highest score of a detection in each, 0 without detections.
 * Hard-negative mining (Shrivastava et al. 2016, "Training Region-based Object Detectors with Online Hard Example
 * Mining"), applied to whole tiles.
 */
export function difficultyOf(images: readonly ImageResult[]): Map<number, number> {
  return new Map(images.map(({ index, detections }) => [index, detections.scores.reduce((a, b) => Math.max(a, b), 0)]));
}
