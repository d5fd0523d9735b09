import { noReference, type RasterPixels } from '../../raster.ts';
import { decodeJpeg } from '../jpeg.ts';
import { isJpeg } from '../../jpeg-header.ts';
import { memoryImage, type Decoded } from '../memory-image.ts';
import { decodePngLevels, isPng } from '../png.ts';
import { rasterOf } from '../../raster-of.ts';
import { decodeWebpLevels, isWebp } from '../webp.ts';
import type { Redact } from '../secrets.ts';

/** Sides of tiles, in pixels. */
export const TILE_SIZES: readonly [number, number] = [256, 512];

/** No tile is as large; a service that sends more is refused before memory is taken for it. */
const limits = { maxPixels: 4096 * 4096 };

/** Whether bytes start like those of an image that a tile can be. */
export const isTileImage = (bytes: Uint8Array): boolean => isPng(bytes) || isJpeg(bytes) || isWebp(bytes);

/**
 * Decodes the PNG, JPEG or WebP image of a tile; its first bytes tell the format. Transparent pixels have no data.
 *
 * @param name the tile in messages
 * @throws InputError if the image is damaged
 */
export async function decodeTile(bytes: Uint8Array, name: string): Promise<RasterPixels> {
  if (isPng(bytes)) return pixelsOf(await decodePngLevels(bytes, name, limits), name);
  if (isWebp(bytes)) return pixelsOf(await decodeWebpLevels(bytes, name, limits), name);
  return { image: await decodeJpeg(bytes, name, limits), valid: null };
}

/** RGB bytes, black where there is no data. */
function pixelsOf(decoded: Decoded, name: string): Promise<RasterPixels> {
  const raw = memoryImage(name, decoded, noReference);
  return rasterOf(raw, {}).read({ x: 0, y: 0, width: decoded.width, height: decoded.height });
}

/** The first bytes of something that is no image, for messages. Keys are hidden before the text is cut. */
export function describeStart(bytes: Uint8Array, redact: Redact): string {
  if (bytes.length === 0) return 'an empty file';
  const text = Buffer.from(bytes.subarray(0, 4096)).toString('latin1');
  if (!/^[\t\r\n -~]*$/.test(text.slice(0, 60)))
    return `the bytes ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`;
  const shown = redact(text).replaceAll(/\s+/g, ' ').trim();
  return shown.length > 60 ? `"${shown.slice(0, 60)}..."` : `"${shown}"`;
}
