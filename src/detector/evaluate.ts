import type { Detections } from '../retinanet/postprocess.ts';
import { defined } from '../common/check.ts';
import type { InputError } from '../common/errors.ts';
import { batches } from '../data/loader.ts';
import { resampleRaster } from '../imagery/resample.ts';
import type { Annotations, RgbImage } from '../imagery/types.ts';
import type { Dataset, Sample } from '../data/types.ts';
import { rasterOfImage } from './detect-image.ts';
import { detectRaster, inRegion } from './detect-raster.ts';
import { inOriginal, resamplingFactor } from './resampling.ts';
import type { BatchDetector } from './survive-loss.ts';
import { evaluateDetections, type Evaluation } from '../evaluation/detection-metrics.ts';

/** Options of `evaluateDetector`. */
export interface EvaluateOptions {
  /** Side in pixels of the tiles that larger images are divided into (`detectImage`). Default null: whole images. */
  readonly tile?: number | null;
  /** Images that are processed together. Default 8. */
  readonly batchSize?: number;
  /**
   * Ground resolution in metres to which images are resampled (`resampleRaster`) if their own is known and differs by more
   * than 5 %. Detections are in pixels of the images nevertheless. Default: images are used as they are.
   */
  readonly resampleTo?: number;
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
  /** Side of a pixel of the image on the ground in metres; missing where it is not known. */
  readonly groundResolution?: number;
}

/** Runs a model in evaluation mode on the images at `indices` of a data set, and evaluates its detections. */
export async function evaluateDetector(
  model: BatchDetector,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions = {},
): Promise<{ readonly evaluation: Evaluation; readonly images: readonly ImageResult[] }> {
  const { tile = null, batchSize = 8, iouThreshold = 0.5, resampleTo, signal, onProgress } = options;
  const reading = defined({ onUnreadable: options.onUnreadable });
  const limit = defined({ maxDetections: options.maxDetections });
  const images: ImageResult[] = [];
  for await (const batch of batches(dataset, indices, { batchSize, shuffle: false, ...reading })) {
    signal?.throwIfAborted();
    const scaled = await Promise.all(batch.samples.map((sample) => scaledImage(sample, resampleTo)));
    const inputs = scaled.map(({ image }) => image);
    const fits = inputs.filter(({ shape }) => tile === null || Math.max(shape[0]!, shape[1]!) <= tile);
    const whole = fits.length === 0 ? [] : await model.detect(fits, limit);
    for (const [i, { image, scale }] of scaled.entries()) {
      const { boxes, labels, groundResolution } = batch.samples[i]!;
      const at = fits.indexOf(image);
      const region = dataset.region?.(batch.indices[i]!)?.resampled(scale) ?? null;
      const cut = { tile: tile!, ...limit, ...defined({ signal }) };
      const found =
        at >= 0 ? inRegion(whole[at]!, region) : await detectRaster(model, { ...rasterOfImage(image), region }, cut);
      images.push({
        index: batch.indices[i]!,
        detections: inOriginal(found, scale),
        truth: { boxes, labels },
        ...defined({ groundResolution }),
      });
    }
    onProgress?.(Math.min(indices.length, (batch.number + 1) * batchSize), indices.length);
  }
  return { evaluation: evaluateDetections(images, { classes: dataset.classes, iouThreshold }), images };
}

/** The image of a sample as it is detected on, with the sides of its pixels in pixels of the sample. */
async function scaledImage(
  { id, image, groundResolution }: Sample,
  resampleTo: number | undefined,
): Promise<{ readonly image: RgbImage; readonly scale: readonly [x: number, y: number] }> {
  const isKnown = groundResolution !== undefined && resampleTo !== undefined;
  const factor = isKnown ? resamplingFactor('evaluateDetector', groundResolution, resampleTo, id) : 1;
  if (factor === 1) return { image, scale: [1, 1] };
  const { width, height, scale, read } = resampleRaster(rasterOfImage(image), factor);
  return { image: (await read({ x: 0, y: 0, width, height })).image, scale };
}
