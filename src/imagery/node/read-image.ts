import { readFile } from 'node:fs/promises';
import { InputError } from '../../common/errors.ts';
import { rgbImage } from '../image.ts';
import { applyStretch, identityStretch, type Stretch } from '../stretch.ts';
import type { Bands, RgbImage } from '../types.ts';
import { decodeJpeg, isJpeg, type JpegLimits } from './jpeg.ts';
import { decodePng, isPng } from './png.ts';
import { decodeTiff, isTiff, type Tiff } from './tiff.ts';
import { decodeWebp, isWebp } from './webp.ts';

export type { Bands } from '../types.ts';

/** The reason for refusing a file whose first bytes are not those of a supported format. */
export const UNKNOWN_FORMAT = 'neither a PNG, JPEG, WebP nor TIFF file (unknown first bytes)';

/** How an image file is converted to RGB bytes. */
export interface ReadImageOptions extends JpegLimits {
  /** TIFF only. Default: 1, 2, 3 of three or four bands; 5, 3, 2 of eight (WorldView); 1, 1, 1 of a single band. */
  readonly bands?: Bands;
  /** TIFF only, required for 16 bits: the levels mapped to 0 and 255, for example `dataset.stretch` of the training data. */
  readonly stretch?: Stretch;
}

/**
 * Reads a PNG, JPEG, WebP or TIFF file as RGB; its first bytes tell the format. Rejects with an `InputError` if the file is
 * damaged, too large or in another format, and for 16-bit TIFF files without a `stretch`.
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<RgbImage> {
  const bytes = await readFile(path);
  if (isPng(bytes)) return decodePng(bytes, path, options);
  if (isJpeg(bytes)) return decodeJpeg(bytes, path, options);
  if (isWebp(bytes)) return decodeWebp(bytes, path, options);
  if (!isTiff(bytes)) throw new InputError('readImage', UNKNOWN_FORMAT, { file: path });
  return readTiffImage(await decodeTiff(bytes, path, options), options);
}

/** The RGB image of an opened TIFF file, as `readImage` makes it. */
export async function readTiffImage(
  tiff: Tiff,
  options: Pick<ReadImageOptions, 'bands' | 'stretch'>,
): Promise<RgbImage> {
  if (tiff.bits === 16 && options.stretch === undefined) {
    const reason =
      '16-bit levels need a stretch {low, high} to become bytes (weights trained on 8-bit images have none)';
    throw new InputError('readImage', reason, {
      file: tiff.path,
      remedy: 'give that of the data set as',
      option: 'stretch',
    });
  }
  const levels = await tiff.readLevels(options.bands ?? defaultBands(tiff));
  return rgbImage(tiff.height, tiff.width, applyStretch(levels, options.stretch ?? identityStretch));
}

/** The default of `bands` for a TIFF file. Throws an `InputError` unless it has 1, 3, 4 or 8 bands. */
export function defaultBands(tiff: Tiff): Bands {
  if (tiff.bands === 1) return [1, 1, 1];
  if (tiff.bands === 3 || tiff.bands === 4) return [1, 2, 3];
  // WorldView-2 and -3: coastal, blue, green, yellow, red, red edge, two of near infrared.
  if (tiff.bands === 8) return [5, 3, 2];
  throw new InputError('readImage', `${tiff.bands} bands, expected 1, 3, 4 or 8`, {
    file: tiff.path,
    remedy: 'select red, green and blue with',
    option: 'bands',
  });
}
