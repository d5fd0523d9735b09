import { open } from 'node:fs/promises';

/** Limits on what is decoded, so that a small malicious file cannot exhaust the memory. */
export interface ImageLimits {
  /** Maximum number of pixels of an image that is decoded as a whole. Default 100 million. */
  readonly maxPixels?: number;
  /**
   * Maximum number of pixels for each byte of a PNG, JPEG or WebP file with more than 2^24 pixels. Default 256: only images
   * that are blank almost everywhere have more.
   */
  readonly maxExpansion?: number;
  /** Maximum length in bytes of a file that is decoded as a whole: PNG, JPEG, WebP. Default 2^30. */
  readonly maxFileBytes?: number;
  /** Maximum number of bytes of a decoded block, tile or strip, of a compressed TIFF file. Default 2^28. */
  readonly maxBlockBytes?: number;
}

/** The default of `maxPixels`. */
export const defaultMaxPixels = 100_000_000;

const DEFAULTS: Required<ImageLimits> = {
  maxPixels: defaultMaxPixels,
  maxExpansion: 256,
  maxFileBytes: 2 ** 30,
  maxBlockBytes: 2 ** 28,
};

/** Smaller images may expand from any number of bytes. */
const ALWAYS_PIXELS = 2 ** 24;

/** Bytes of decoded blocks of an image that may be in work at the same time, unless one alone is larger. */
export const MAX_DECODING_BYTES = 2 ** 28;

/** Throws an Error when an image has more pixels than the limits allow; `fileBytes` is the length of its file. */
export function checkPixels(
  width: number,
  height: number,
  { maxPixels = DEFAULTS.maxPixels, maxExpansion = DEFAULTS.maxExpansion }: ImageLimits,
  fileBytes = Infinity,
): void {
  const pixels = width * height;
  if (pixels > maxPixels) throw new Error(`${width} x ${height} pixels exceed maxPixels = ${maxPixels}`);
  if (pixels > ALWAYS_PIXELS && pixels > maxExpansion * fileBytes) {
    throw new Error(
      `${width} x ${height} pixels in ${fileBytes} bytes, as in a decompression bomb, exceed maxExpansion = ${maxExpansion} pixels for each byte`,
    );
  }
}

/** Throws an Error when a compressed block of `width` x `height` pixels has more bytes than the limits allow. */
export function checkBlockBytes(
  { blockWidth, blockHeight }: { readonly blockWidth: number; readonly blockHeight: number },
  bytes: number,
  { maxBlockBytes = DEFAULTS.maxBlockBytes }: ImageLimits,
): void {
  if (bytes <= maxBlockBytes) return;
  throw new Error(
    `a compressed block of ${blockWidth} x ${blockHeight} pixels has to be decoded as a whole, and its ${bytes} bytes exceed ` +
      `maxBlockBytes = ${maxBlockBytes}: rewrite the file in tiles with gdal_translate -co TILED=YES`,
  );
}

/** The bytes of a file that is decoded as a whole. Rejects with an Error for what is no file, and for a file that is too long. */
export async function readLimited(
  path: string,
  { maxFileBytes = DEFAULTS.maxFileBytes }: ImageLimits,
): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('not a file');
    if (found.size > maxFileBytes) throw new Error(`${found.size} bytes exceed maxFileBytes = ${maxFileBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
