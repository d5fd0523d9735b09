import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { memorySource } from '../byte-source.ts';
import type { ImageLimits } from '../limits.ts';
import type { RawImage } from '../raw-image.ts';
import type { TiffCodecs } from '../tiff/codecs.ts';
import { readTiff } from '../tiff/tiff.ts';
import { openBytes, shownPath } from './byte-source.ts';
import { decodeJpegRgba } from './jpeg.ts';
import { decodeWebpRgba } from './webp.ts';

const inflateAsync = promisify(inflate);

const codecs: TiffCodecs = {
  // By zlib, on another thread.
  inflate: async (packed, maxBytes) => new Uint8Array(await inflateAsync(packed, { maxOutputLength: maxBytes })),
  decodeJpeg: decodeJpegRgba,
  decodeWebp: decodeWebpRgba,
};

/** Opens a TIFF or GeoTIFF file by its path or URL, see `readTiff`. */
export async function openTiff(path: string, limits: ImageLimits = {}): Promise<RawImage> {
  const name = shownPath(path);
  const source = await openBytes(path).catch((error: unknown) => {
    throw new InputError('readTiff', `cannot be read: ${reasonOf(error)}`, { file: name, cause: error });
  });
  return readTiff(source, name, { codecs, ...limits });
}

/** Opens the bytes of a TIFF file; `name` is the file in error messages. */
export const decodeTiff = (bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<RawImage> =>
  readTiff(memorySource(bytes), name, { codecs, ...limits });
