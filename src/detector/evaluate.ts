import type { Detections } from '../retinanet/postprocess.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { batches } from '../data/loader.ts';
import type { Annotations } from '../imagery/types.ts';
import type { Dataset } from '../data/types.ts';
import { detectImage } from './detect-image.ts';
import { evaluateDetections, type Evaluation } from '../evaluation/detection-metrics.ts';

/** How `evaluateDetector` runs. */
export interface EvaluateOptions {
  /** Looks at each image in tiles of this many pixels (`detectImage`). Default null: as a whole. */
  readonly tile?: number | null;
  /** Images that are processed together. Default 8; 1 with tiles. */
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
  const { tile = null, batchSize = tile === null ? 8 : 1, iouThreshold = 0.5, signal, onProgress } = options;
  const images: ImageResult[] = [];
  for await (const batch of batches(dataset, indices, { batchSize, shuffle: false })) {
    signal?.throwIfAborted();
    const inputs = batch.samples.map(({ image }) => image);
    const found =
      tile === null
        ? await model.detect(inputs)
        : await Promise.all(inputs.map((image) => detectImage(model, image, { tile })));
    found.forEach((detections, i) => {
      const { boxes, labels } = batch.samples[i]!;
      images.push({ index: batch.indices[i]!, detections, truth: { boxes, labels } });
    });
    onProgress?.(images.length, indices.length);
  }
  return { evaluation: evaluateDetections(images, { classes: dataset.classes, iouThreshold }), images };
}
