import { InputError } from '../common/errors.ts';
import { resampleRaster } from '../imagery/resample.ts';
import type { Detections, ImageDecoding } from '../imagery/types.ts';
import type { DetectableRaster } from './detect-raster.ts';

/** A smaller difference of ground resolutions is not worth the sharpness that resampling costs. */
const ALIKE = 1.05;
/** Maximum enlargement: beyond, an image shows nothing of the objects that a detector knows. */
const ENLARGED = 16;

/** Thrown in the name of `op` where resampling cannot be asked for. */
const refuse = (op: string, reason: string): never => {
  throw new InputError(op, `images cannot be resampled to the ground resolution of the training images: ${reason}`);
};

/**
 * The ground resolution in metres that a detector was trained at. Throws an `InputError` of `op` if it is not known, and if
 * images are detected on as a whole, as they are then resized anyway.
 *
 * @param tile side of the tiles; null for whole images
 */
export function trainedResolution(op: string, { groundResolution }: ImageDecoding, tile: number | null): number {
  if (tile === null) refuse(op, 'the network resizes whole images, whatever the size of their pixels');
  return groundResolution ?? refuse(op, 'the weights do not record it, as those had no georeference');
}

/**
 * Pixels of an image along each side of a pixel at the ground resolution of training; 1 if the two resolutions differ by at
 * most 5 %. Throws an `InputError` of `op` that names `file` if the image would be enlarged more than 16 times.
 *
 * @param found side of a pixel of the image on the ground, in metres
 */
export function resamplingFactor(op: string, found: number, trained: number, file?: string): number {
  const factor = trained / found;
  if (factor <= ALIKE && factor >= 1 / ALIKE) return 1;
  if (factor >= 1 / ENLARGED && factor < Infinity) return factor;
  const metres = (value: number): string => `${Number(value.toPrecision(2))} m`;
  const reason = `a pixel is ${metres(found)} on the ground, more than ${ENLARGED} times that of the training images, ${metres(trained)}`;
  throw new InputError(op, `${reason}: objects are too small to be found`, file === undefined ? {} : { file });
}

/** Detects objects in a raster that is read at another resolution (`resampleRaster`); boxes are in pixels of the raster. */
export async function detectResampled(
  raster: DetectableRaster,
  factor: number,
  detect: (raster: DetectableRaster) => Promise<Detections>,
): Promise<Detections> {
  if (factor === 1) return detect(raster);
  const resampled = resampleRaster(raster, factor);
  const region = raster.region?.resampled(resampled.scale) ?? null;
  return inOriginal(await detect({ ...resampled, region }), resampled.scale);
}

/** Detections in a resampled raster, in pixels of the original. */
export const inOriginal = (found: Detections, scale: readonly [x: number, y: number]): Detections => ({
  ...found,
  boxes: found.boxes.map((value, i) => value * scale[i % 2]!),
});
