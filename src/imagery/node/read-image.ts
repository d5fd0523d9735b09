import { readFile } from 'node:fs/promises';
import { rgbImage } from '../image.ts';
import { applyStretch, identityStretch, type Stretch } from '../stretch.ts';
import type { Bands, RgbImage } from '../types.ts';
import { decodeJpeg, isJpeg, type JpegLimits } from './jpeg.ts';
import { decodePng, isPng } from './png.ts';
import { decodeTiff, isTiff, type Tiff } from './tiff.ts';
import { decodeWebp, isWebp } from './webp.ts';

export type { Bands } from '../types.ts';

/** How an image file becomes RGB bytes. */
export interface ReadImageOptions extends JpegLimits {
  /** TIFF only. Default: 1, 2, 3 of three or four bands; 5, 3, 2 of eight (WorldView); the only one three times. */
  readonly bands?: Bands;
  /** TIFF only, needed for 16 bits: the levels that become 0 and 255, as `dataset.stretch` of the training data. */
  readonly stretch?: Stretch;
}

/**
 * Reads a PNG, JPEG, WebP or TIFF file as RGB, whichever it is by its first bytes. Rejects with the file's name when it is
 * damaged, too large or of another kind, and for 16-bit TIFF files without a `stretch`.
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<RgbImage> {
  const bytes = await readFile(path);
  if (isPng(bytes)) return decodePng(bytes, path, options);
  if (isJpeg(bytes)) return decodeJpeg(bytes, path, options);
  if (isWebp(bytes)) return decodeWebp(bytes, path, options);
  if (!isTiff(bytes))
    throw new Error(`readImage: ${path}: neither a PNG nor a JPEG nor a WebP nor a TIFF file by its first bytes`);
  return readTiffImage(await decodeTiff(bytes, path, options), options);
}

/** The RGB image of an opened TIFF file, as `readImage` makes it. */
export async function readTiffImage(
  tiff: Tiff,
  options: Pick<ReadImageOptions, 'bands' | 'stretch'>,
): Promise<RgbImage> {
  if (tiff.bits === 16 && options.stretch === undefined) {
    throw new Error(
      `readImage: ${tiff.path}: 16-bit levels need a stretch {low, high} to become bytes: give that of the data set (weights that were trained on 8-bit images have none)`,
    );
  }
  const levels = await tiff.readLevels(options.bands ?? defaultBands(tiff));
  return rgbImage(tiff.height, tiff.width, applyStretch(levels, options.stretch ?? identityStretch));
}

/**
 * The bands that are red, green and blue where nothing else is said. Throws for numbers of bands that leave it open.
 */
export function defaultBands(tiff: Tiff): Bands {
  if (tiff.bands === 1) return [1, 1, 1];
  if (tiff.bands === 3 || tiff.bands === 4) return [1, 2, 3];
  // WorldView-2 and -3: coastal, blue, green, yellow, red, red edge, two of near infrared.
  if (tiff.bands === 8) return [5, 3, 2];
  throw new Error(
    `readImage: ${tiff.path}: ${tiff.bands} bands, expected 1, 3, 4 or 8; say which are red, green and blue with \`bands\``,
  );
}
