import type { Detections, RetinaNet } from '../index.ts';
import { batches } from '../data/loader.ts';
import type { Annotations, Dataset } from '../data/types.ts';
import { evaluateDetections, type Evaluation } from '../evaluation/detection-metrics.ts';

/** How `evaluateDetector` runs. */
export interface EvaluateOptions {
  /** Images that are processed together. Default 8. */
  readonly batchSize?: number;
  /** IoU from which a detection is right. Default 0.5. */
  readonly iouThreshold?: number;
  /** Stops early, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of images done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a detector found in one image, beside what is there. */
export interface ImageResult {
  /** Position in the data set. */
  readonly index: number;
  readonly detections: Detections;
  readonly truth: Annotations;
}

/** Runs a model, in evaluation mode, on the images at `indices` of a data set and scores what it finds. */
export async function evaluateDetector(
  model: RetinaNet,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions = {},
): Promise<{ readonly evaluation: Evaluation; readonly images: readonly ImageResult[] }> {
  const { batchSize = 8, iouThreshold = 0.5, signal, onProgress } = options;
  const images: ImageResult[] = [];
  for await (const batch of batches(dataset, indices, { batchSize, shuffle: false })) {
    signal?.throwIfAborted();
    const found = await model.detect(batch.samples.map(({ image }) => image));
    found.forEach((detections, i) => {
      const { boxes, labels } = batch.samples[i]!;
      images.push({ index: batch.indices[i]!, detections, truth: { boxes, labels } });
    });
    onProgress?.(images.length, indices.length);
  }
  return { evaluation: evaluateDetections(images, { classes: dataset.classes, iouThreshold }), images };
}
