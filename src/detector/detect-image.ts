import { imageSize } from '../imagery/image.ts';
import type { Detections, RgbImage } from '../imagery/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { detectRaster, type DetectableRaster, type TileOptions } from './detect-raster.ts';

/**
 * Detects objects in an image in memory, of any size: `detectRaster` on its pixels.
 *
 * @param model in evaluation mode
 * @param image [H, W, 3]
 * @returns detections in pixels of the image, highest score first
 * @throws RangeError for options out of range
 */
export const detectImage = (model: RetinaNet, image: RgbImage, options: TileOptions = {}): Promise<Detections> =>
  detectRaster(model, rasterOfImage(image), options);

/** An image in memory as a raster. What is read are views. */
export const rasterOfImage = (image: RgbImage): DetectableRaster => ({
  ...imageSize(image),
  read: async ({ x, y, width, height }) => ({ image: image.lo(y, x, 0).hi(height, width, 3), valid: null }),
});
