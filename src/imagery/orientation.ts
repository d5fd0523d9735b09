import { rotateImage } from './image.ts';
import type { ByteImage } from './types.ts';

/** The header of an image file. */
export interface ImageHeader {
  /** Pixels as they are stored. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation from 1 (upright) to 8. */
  readonly orientation: number;
}

/** Width and height of the upright image: orientations from 5 on exchange rows and columns. */
export function uprightSize({ width, height, orientation }: ImageHeader): { width: number; height: number } {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** The view that shows stored pixels upright (EXIF 2.32, tag 274). */
export function orientImage(image: ByteImage, orientation: number): ByteImage {
  // 2, 4, 5 and 7 are mirror images: they are flipped from left to right before they are rotated.
  const flipped = [2, 4, 5, 7].includes(orientation) ? image.step(1, -1, 1) : image;
  const quarterTurns = [0, 0, 2, 2, 3, 1, 1, 3][orientation - 1]!;
  return rotateImage(flipped, quarterTurns);
}

/**
 * The orientation in an EXIF segment (tag 0x0112 of its first directory). Undefined for a segment that is not EXIF, and
 * for a damaged one: viewers ignore those.
 */
export function exifOrientation(segment: Uint8Array): number | undefined {
  if (String.fromCharCode(...segment.subarray(0, 6)) !== 'Exif\0\0' || segment.length < 14) return undefined;
  const view = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > view.byteLength) return undefined;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
