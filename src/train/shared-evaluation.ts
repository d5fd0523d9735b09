import { reasonOf } from '../common/check.ts';
import type { Dataset } from '../data/types.ts';
import { evaluateDetector, type EvaluateOptions, type ImageResult } from '../detector/evaluate.ts';
import type { BatchDetector } from '../detector/survive-loss.ts';
import { evaluateDetections, type Evaluation } from '../evaluation/detection-metrics.ts';
import { ReplicaError, ranksThatFailed, type Replicas } from './replicas.ts';

/** Images that are processed together, as by default. */
const BATCH = 8;

/**
 * Like `evaluateDetector`, by all processes: each runs the detector on its batches of the images, and all get the results of all
 * images, those of one process bit for bit if the adapters are alike. Null if the signal of one of them was aborted.
 *
 * @throws ReplicaError if another process has failed
 */
export async function evaluateShared(
  replicas: Replicas,
  model: BatchDetector,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions,
): Promise<{ readonly evaluation: Evaluation; readonly images: readonly ImageResult[] } | null> {
  const { rank, size } = replicas;
  // Whole batches in turns, so that each image is processed with the same others as by one process.
  const own = indices.filter((_, i) => Math.floor(i / BATCH) % size === rank);
  const { failure, ...found } = await detectOwn(model, dataset, own, options);
  const all = await replicas.gather(found);
  if (failure !== undefined) throw failure;
  const failed = ranksThatFailed(all.map(({ reason }) => reason));
  if (failed !== null) throw new ReplicaError('evaluateDetector', failed);
  const results = new Map<number, ImageResult>();
  for (const { images } of all) {
    if (images === null) return null;
    for (const image of images) results.set(image.index, image);
  }
  const images = indices.map((index) => results.get(index)!);
  const { iouThreshold = 0.5 } = options;
  return { evaluation: evaluateDetections(images, { classes: dataset.classes, iouThreshold }), images };
}

/** What a process found in its images: nothing if its signal was aborted, or why it failed. */
interface Found {
  readonly images: readonly ImageResult[] | null;
  readonly reason: string | null;
  readonly failure?: unknown;
}

async function detectOwn(
  model: BatchDetector,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions,
): Promise<Found> {
  if (indices.length === 0) return { images: [], reason: null };
  try {
    const { images } = await evaluateDetector(model, dataset, indices, { ...options, batchSize: BATCH });
    return { images, reason: null };
  } catch (error) {
    if (options.signal?.aborted === true) return { images: null, reason: null };
    return { images: [], reason: reasonOf(error), failure: error };
  }
}
