import { readFile } from 'node:fs/promises';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { rgbImage } from '../image.ts';
import { exifOrientation, orientImage, type ImageHeader } from '../orientation.ts';
import { TruncatedError } from '../truncated.ts';
import type { RgbImage } from '../types.ts';
import { checkPixels, defaultMaxPixels, type ImageLimits } from './limits.ts';
import { optionalPackage } from './optional-package.ts';

/** Limits of the JPEG decoder. */
export interface JpegLimits extends ImageLimits {
  /** Maximum working memory of the decoder in MiB. Default 1024; a pixel takes from 8 (grey) to 18 bytes. */
  readonly maxMemoryMB?: number;
}

/** Whether bytes start with the signature of a JPEG file. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Reads a JPEG file as RGB. The EXIF orientation that cameras write is applied: the image is upright, as viewers show it,
 * and boxes are expected to refer to the upright image.
 */
export async function readJpeg(path: string, limits: JpegLimits = {}): Promise<RgbImage> {
  return decodeJpeg(await readFile(path), path, limits);
}

/** Decodes the bytes of a JPEG file; `name` is the file in error messages. */
export async function decodeJpeg(bytes: Uint8Array, name: string, limits: JpegLimits = {}): Promise<RgbImage> {
  const { maxPixels = defaultMaxPixels, maxMemoryMB = 1024 } = limits;
  const { default: jpeg } = await optionalPackage('jpeg-js', () => import('jpeg-js'));
  try {
    const header = readJpegHeader(bytes);
    checkPixels(header.width, header.height, limits);
    const { width, height, data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: maxMemoryMB,
    });
    return orientImage(rgbImage(height, width, data), header.orientation);
  } catch (error) {
    throw new InputError('readJpeg', reasonOf(error), { file: name, cause: error });
  }
}

/** What is wrong with a JPEG file without an end-of-image marker. */
export const NO_END_OF_IMAGE = 'truncated: the file ends before its end-of-image marker';

/** Whether bytes contain an end-of-image marker; the search starts at the end. */
export function hasEndOfImage(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 2; i >= 0; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  return false;
}

const NO_FRAME = 'truncated: the file ends before its frame header';

/** Reads size and orientation without decoding. Throws for damaged files and for kinds that are not supported. */
export function readJpegHeader(bytes: Uint8Array): ImageHeader {
  if (!isJpeg(bytes)) throw new Error('not a JPEG file (wrong signature)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  for (let at = 2; ;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    if (at + 4 > bytes.length) throw new TruncatedError(NO_FRAME);
    const marker = bytes[at + 1]!;
    const length = view.getUint16(at + 2);
    if (bytes[at] !== 0xff || length < 2) throw new Error(`damaged: no marker at byte ${at}`);
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (body.length !== length - 2) throw new TruncatedError(NO_FRAME);
    if (marker === 0xe1) orientation = exifOrientation(body) ?? orientation;
    // SOF0 to SOF15, except DHT (c4), JPG (c8) and DAC (cc), which share the range.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { ...frameSize(marker, body), orientation };
    }
    if (marker === 0xda || marker === 0xd9) throw new Error('damaged: the pixels precede the frame header');
    at += 2 + length;
  }
}

/** Size in a frame header (ITU-T T.81, section B.2.2). */
function frameSize(marker: number, body: Uint8Array): { width: number; height: number } {
  if (marker > 0xc2) throw new Error(`frame type ${marker - 0xc0} is not supported, only baseline and progressive`);
  if (body.length < 6) throw new Error('damaged: short frame header');
  const precision = body[0]!;
  if (precision !== 8) throw new Error(`${precision} bits per sample are not supported, only 8`);
  const [height, width] = [(body[1]! << 8) | body[2]!, (body[3]! << 8) | body[4]!];
  if (width === 0 || height === 0) throw new Error(`damaged: size ${width} x ${height}`);
  return { width, height };
}
