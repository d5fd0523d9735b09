import { Random } from '../common/random.ts';
import { describeSample, type Dataset } from '../data/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { evaluateDetector, type EvaluateOptions } from '../detector/evaluate.ts';

/** Samples without objects that are looked at in each evaluation, unless told otherwise. */
export const HARD_NEGATIVE_SAMPLES = 64;

/** Those of the samples at `indices` that have no objects. Decodes images only where the data set cannot `describe`. */
export async function samplesWithoutObjects(dataset: Dataset, indices: readonly number[]): Promise<number[]> {
  const empty: number[] = [];
  for (const index of indices) {
    if ((await describeSample(dataset, index)).labels.length === 0) empty.push(index);
  }
  return empty;
}

/** Some of the samples, others at each step. */
export function chooseSamples(indices: readonly number[], count: number, seed: number, step: number): number[] {
  return new Random('hard negatives', seed, step)
    .shuffle([...indices])
    .slice(0, count)
    .sort((a, b) => a - b);
}

/**
 * How hard samples without objects are for a detector (Shrivastava et al. 2016, "Training Region-based Object Detectors
 * with Online Hard Example Mining", for whole tiles): the highest score in each, 0 where nothing is found.
 */
export async function difficultyOf(
  model: RetinaNet,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions,
): Promise<Map<number, number>> {
  const { images } = await evaluateDetector(model, dataset, indices, options);
  return new Map(images.map(({ index, detections }) => [index, detections.scores.reduce((a, b) => Math.max(a, b), 0)]));
}
