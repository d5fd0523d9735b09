import type { Detections } from '../retinanet/postprocess.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { defined } from '../common/check.ts';
import type { InputError } from '../common/errors.ts';
import { batches } from '../data/loader.ts';
import type { Annotations } from '../imagery/types.ts';
import type { Dataset } from '../data/types.ts';
import { rasterOfImage } from './detect-image.ts';
import { detectRaster, inRegion } from './detect-raster.ts';
import { evaluateDetections, type Evaluation } from '../evaluation/detection-metrics.ts';

/** Options of `evaluateDetector`. */
export interface EvaluateOptions {
  /** Side in pixels of the tiles that larger images are divided into (`detectImage`). Default null: whole images. */
  readonly tile?: number | null;
  /** Images that are processed together. Default 8. */
  readonly batchSize?: number;
  /** Minimum IoU of a true positive. Default 0.5. */
  readonly iouThreshold?: number;
  /** Maximum number of detections of an image, or of a tile. Default: that of the spec. */
  readonly maxDetections?: number;
  /**
   * Called with the position in the data set of a sample whose image file cannot be read, which is then left out. Default: the
   * error is thrown.
   */
  readonly onUnreadable?: (index: number, error: InputError) => void;
  /** When aborted, the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of images done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Detections and ground truth of one image. */
export interface ImageResult {
  /** Index in the data set. */
  readonly index: number;
  readonly detections: Detections;
  readonly truth: Annotations;
}

/** Runs a model in evaluation mode on the images at `indices` of a data set, and evaluates its detections. */
export async function evaluateDetector(
  model: RetinaNet,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions = {},
): Promise<{ readonly evaluation: Evaluation; readonly images: readonly ImageResult[] }> {
  const { tile = null, batchSize = 8, iouThreshold = 0.5, signal, onProgress } = options;
  const reading = defined({ onUnreadable: options.onUnreadable });
  const limit = defined({ maxDetections: options.maxDetections });
  const images: ImageResult[] = [];
  for await (const batch of batches(dataset, indices, { batchSize, shuffle: false, ...reading })) {
    signal?.throwIfAborted();
    const inputs = batch.samples.map(({ image }) => image);
    const fits = inputs.filter(({ shape }) => tile === null || Math.max(shape[0]!, shape[1]!) <= tile);
    const whole = fits.length === 0 ? [] : await model.detect(fits, limit);
    for (const [i, image] of inputs.entries()) {
      const { boxes, labels } = batch.samples[i]!;
      const at = fits.indexOf(image);
      const region = dataset.region?.(batch.indices[i]!) ?? null;
      const cut = { tile: tile!, ...limit, ...defined({ signal }) };
      const detections =
        at >= 0 ? inRegion(whole[at]!, region) : await detectRaster(model, { ...rasterOfImage(image), region }, cut);
      images.push({ index: batch.indices[i]!, detections, truth: { boxes, labels } });
    }
    onProgress?.(Math.min(indices.length, (batch.number + 1) * batchSize), indices.length);
  }
  return { evaluation: evaluateDetections(images, { classes: dataset.classes, iouThreshold }), images };
}
