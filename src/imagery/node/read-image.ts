import type { ImageLimits } from '../limits.ts';
import { rasterOf, readPixels, type DecodeOptions } from '../raster-of.ts';
import type { Raster } from '../raster.ts';
import type { ByteImage } from '../types.ts';
import { openImage } from './open-image.ts';

/** How an image file is read. */
export interface ReadImageOptions extends DecodeOptions, ImageLimits {}

/**
 * Reads a PNG, JPEG, WebP, AVIF or TIFF file, as RGB unless `bands` are given; its first bytes tell the format. Rejects with an
 * `InputError` if the file is damaged, too large, in another format or without these bands, and for TIFF files with other
 * levels than bytes without a `stretch`.
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<ByteImage> {
  return readPixels(await openImage(path, options), options);
}

/** Opens an image file of any size as a raster of bytes, which is read window by window. Rejects as `readImage` does. */
export async function openRaster(path: string, options: ReadImageOptions = {}): Promise<Raster> {
  return rasterOf(await openImage(path, options), options);
}
