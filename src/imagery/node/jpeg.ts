import { readFile } from 'node:fs/promises';
import { rgbImage, turnImage } from '../image.ts';
import type { RgbImage } from '../types.ts';
import { optionalPackage } from './optional-package.ts';
import { defaultMaxPixels, type ImageLimits } from './png.ts';
import { reasonOf } from '../../common/check.ts';

/** Limits of the JPEG decoder. */
export interface JpegLimits extends ImageLimits {
  /** Most working memory of the decoder in MiB. Default 1024; a pixel takes 8 (grey) to 18 bytes. */
  readonly maxMemoryMB?: number;
}

/** Whether bytes start as a JPEG file does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Reads a JPEG file as RGB. The orientation that cameras write (EXIF) is honoured: the image is as viewers show it, and
 * boxes are expected in that frame.
 */
export async function readJpeg(path: string, limits: JpegLimits = {}): Promise<RgbImage> {
  return decodeJpeg(await readFile(path), path, limits);
}

/** Decodes the bytes of a JPEG file; `name` stands in the errors. */
export async function decodeJpeg(bytes: Uint8Array, name: string, limits: JpegLimits = {}): Promise<RgbImage> {
  const { maxPixels = defaultMaxPixels, maxMemoryMB = 1024 } = limits;
  const { default: jpeg } = await optionalPackage('jpeg-js', () => import('jpeg-js'));
  try {
    const header = readJpegHeader(bytes);
    if (header.width * header.height > maxPixels) {
      throw new Error(`${header.width} x ${header.height} pixels are more than maxPixels = ${maxPixels}`);
    }
    const { width, height, data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: maxMemoryMB,
    });
    return orientImage(rgbImage(height, width, data), header.orientation);
  } catch (error) {
    throw new Error(`readJpeg: ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What the markers before the pixels say. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** EXIF orientation from 1 (upright) to 8. */
  readonly orientation: number;
}

/** Reads size and orientation without decoding. Throws for damaged files and for kinds that cannot be decoded. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  if (!isJpeg(bytes)) throw new Error('not a JPEG file (wrong signature)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  for (let at = 2; ;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    if (at + 4 > bytes.length) throw new Error('truncated: the file ends before its frame header');
    const marker = bytes[at + 1]!;
    const length = view.getUint16(at + 2);
    if (bytes[at] !== 0xff || length < 2) throw new Error(`damaged: no marker at byte ${at}`);
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (body.length !== length - 2) throw new Error('truncated: the file ends before its frame header');
    if (marker === 0xe1) orientation = exifOrientation(body) ?? orientation;
    // SOF0..SOF15, without DHT (c4), JPG (c8) and DAC (cc) which share the range.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (marker > 0xc2) throw new Error(`frame type ${marker - 0xc0} is not supported, only baseline and progressive`);
      if (body.length < 6) throw new Error('damaged: short frame header');
      const [precision, height, width] = [body[0], view.getUint16(at + 5), view.getUint16(at + 7)];
      if (precision !== 8) throw new Error(`${precision} bits per sample are not supported, only 8`);
      if (width === 0 || height === 0) throw new Error(`damaged: size ${width} x ${height}`);
      return { width, height, orientation };
    }
    if (marker === 0xda || marker === 0xd9) throw new Error('damaged: pixels before the frame header');
    at += 2 + length;
  }
}

/**
 * Tag 0x0112 of the first directory, or undefined where the segment is no EXIF or is damaged (then viewers ignore it).
 */
export function exifOrientation(body: Uint8Array): number | undefined {
  if (String.fromCharCode(...body.subarray(0, 6)) !== 'Exif\0\0' || body.length < 14) return undefined;
  const view = new DataView(body.buffer, body.byteOffset + 6, body.byteLength - 6);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > view.byteLength) return undefined;
    if (view.getUint16(entry, little) === 0x0112) {
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? value : undefined;
    }
  }
  return undefined;
}

/** The view of stored pixels that an orientation asks for (EXIF 2.32, tag 274). */
export function orientImage(image: RgbImage, orientation: number): RgbImage {
  // 2, 4, 5 and 7 are mirrored: left to right first, then turned.
  const mirrored = [2, 4, 5, 7].includes(orientation) ? image.step(1, -1, 1) : image;
  const quarters = [0, 0, 2, 2, 3, 1, 1, 3][orientation - 1]!;
  return turnImage(mirrored, quarters);
}
