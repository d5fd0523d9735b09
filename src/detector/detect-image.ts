import { imageShape } from '../imagery/image.ts';
import type { Detections, ByteImage } from '../imagery/types.ts';
import { detectRaster, type DetectableRaster, type TileOptions } from './detect-raster.ts';
import type { BatchDetector } from './survive-loss.ts';

/**
 * Detects objects in an image in memory, of any size: `detectRaster` on its pixels.
 *
 * @param model in evaluation mode
 * @param image [H, W, C]
 * @returns detections in pixels of the image, highest score first
 * @throws RangeError for options out of range
 */
export const detectImage = (model: BatchDetector, image: ByteImage, options: TileOptions = {}): Promise<Detections> =>
  detectRaster(model, rasterOfImage(image), options);

/** An image in memory as a raster. What is read are views. */
export function rasterOfImage(image: ByteImage): DetectableRaster {
  const { height, width, channels } = imageShape(image);
  return {
    height,
    width,
    read: async (window) => ({
      image: image.lo(window.y, window.x, 0).hi(window.height, window.width, channels),
      valid: null,
    }),
  };
}
