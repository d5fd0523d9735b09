import { exceeds, fileLimits, type FileLimits } from '../common/limits.ts';

/** Limits on what is decoded, so that a small malicious file cannot exhaust the memory. Default those of `fileLimits`. */
export type ImageLimits = Partial<Pick<FileLimits, 'maxPixels' | 'maxExpansion' | 'maxFileBytes' | 'maxBlockBytes'>>;

/** Smaller images may expand from any number of bytes. */
const ALWAYS_PIXELS = 2 ** 24;

/** Bytes of decoded blocks of an image that may be in work at the same time, unless one alone is larger. */
export const MAX_DECODING_BYTES = 2 ** 28;

/** Throws an Error when an image has more pixels than the limits allow; `pixelBytes` are the bytes of its file that code them. */
export function checkPixels(width: number, height: number, limits: ImageLimits, pixelBytes = Infinity): void {
  const { maxPixels, maxExpansion } = { ...fileLimits(), ...limits };
  const pixels = width * height;
  if (pixels > maxPixels) throw new Error(exceeds(`${width} x ${height} pixels`, 'maxPixels', maxPixels));
  if (pixels > ALWAYS_PIXELS && pixels > maxExpansion * pixelBytes) {
    const found = `${width} x ${height} pixels in ${pixelBytes} bytes, as in a decompression bomb,`;
    throw new Error(exceeds(found, 'maxExpansion', maxExpansion));
  }
}

/** Throws an Error when a compressed block of `width` x `height` pixels has more bytes than the limits allow. */
export function checkBlockBytes(
  { blockWidth, blockHeight }: { readonly blockWidth: number; readonly blockHeight: number },
  bytes: number,
  limits: ImageLimits,
): void {
  const { maxBlockBytes } = { ...fileLimits(), ...limits };
  if (bytes <= maxBlockBytes) return;
  const found =
    `a compressed block of ${blockWidth} x ${blockHeight} pixels has to be decoded as a whole (gdal_translate -co TILED=YES ` +
    `divides it), and its ${bytes} bytes`;
  throw new Error(exceeds(found, 'maxBlockBytes', maxBlockBytes));
}
