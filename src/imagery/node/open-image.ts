import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { rgbSize, packedBytes } from '../image.ts';
import type { RawImage } from '../raw-image.ts';
import { decodeAvifLevels, isAvif } from './avif.ts';
import { isUrl } from './byte-source.ts';
import { readHead } from './files.ts';
import { decodeJpeg } from './jpeg.ts';
import { isJpeg } from '../jpeg-header.ts';
import type { ImageLimits } from '../limits.ts';
import { readLimited } from './read-limited.ts';
import { memoryImage } from './memory-image.ts';
import { decodePngLevels, isPng } from './png.ts';
import { isTiff } from '../tiff/tiff.ts';
import { openTiff } from './tiff.ts';
import { isVrt, openVrt } from './vrt.ts';
import { decodeWebpLevels, isWebp } from './webp.ts';
import { readWorldFile } from './world-file.ts';

/** The reason for refusing a file whose first bytes are not those of a supported format. */
export const UNKNOWN_FORMAT = 'neither a PNG, JPEG, WebP, AVIF, TIFF nor VRT file (unknown first bytes)';

/**
 * Opens an image file; its first bytes tell the format. TIFF files and mosaics (VRT) are read by windows, others are decoded
 * here. Of files without a georeference of their own, the world file beside them is read. URLs are of GeoTIFF files. Rejects
 * with an `InputError` if the file is damaged, too large to be decoded as a whole, or in another format.
 */
export const openImage = (path: string, limits: ImageLimits = {}): Promise<RawImage> => openNested(path, limits, 0);

/** Mosaics may be made of mosaics; one that contains itself would never end. */
const MAX_NESTING = 4;

async function openNested(path: string, limits: ImageLimits, nesting: number): Promise<RawImage> {
  const head = isUrl(path) ? null : await readStart(path);
  if (head === null || isTiff(head)) return placed(await openTiff(path, limits));
  if (isVrt(head)) {
    if (nesting > MAX_NESTING)
      throw new InputError('readVrt', `more than ${MAX_NESTING} mosaics inside each other`, { file: path });
    return openVrt(path, (file) => openNested(file, limits, nesting + 1));
  }
  const bytes = await readLimited(path, limits).catch((error: unknown) => {
    throw new InputError('readImage', `cannot be read: ${reasonOf(error)}`, { file: path, cause: error });
  });
  if (isPng(bytes)) return memoryImage(path, await decodePngLevels(bytes, path, limits), await readWorldFile(path));
  if (isWebp(bytes)) return memoryImage(path, await decodeWebpLevels(bytes, path, limits), await readWorldFile(path));
  if (isAvif(bytes)) return memoryImage(path, await decodeAvifLevels(bytes, path, limits), await readWorldFile(path));
  if (!isJpeg(bytes)) throw new InputError('readImage', UNKNOWN_FORMAT, { file: path });
  const image = await decodeJpeg(bytes, path, limits);
  const decoded = { ...rgbSize(image), levels: packedBytes(image), valid: null };
  return memoryImage(path, decoded, await readWorldFile(path));
}

function readStart(path: string): Promise<Uint8Array> {
  return readHead(path, 64).catch((error: unknown) => {
    throw new InputError('readImage', `cannot be read: ${reasonOf(error)}`, { file: path, cause: error });
  });
}

async function placed(image: RawImage): Promise<RawImage> {
  return image.affine !== null || isUrl(image.path) ? image : { ...image, ...(await readWorldFile(image.path)) };
}
