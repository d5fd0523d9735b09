import { open, type FileHandle } from 'node:fs/promises';
import { isJpeg, readJpegHeader } from './jpeg.ts';
import { isPng } from './png.ts';
import { isTiff } from './tiff.ts';
import { isWebp, readWebpHeader } from './webp.ts';
import { reasonOf } from '../../common/check.ts';

/** Pixels of an image. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Endings of the files that `readImage` reads. */
export const imageEnding = /\.(png|jpe?g|webp|tiff?)$/i;

/**
 * Size of a PNG, JPEG, WebP or TIFF file, upright as `readImage` gives it, from the first bytes and without decoding.
 * Rejects with the file's name when they are damaged or of another kind; pixels may be damaged all the same.
 */
export async function imageSizeOf(path: string): Promise<ImageSize> {
  const file = await open(path).catch((error: unknown) => {
    throw new Error(`imageSizeOf: ${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  });
  try {
    const size = await readSize(file);
    if (size.width < 1 || size.height < 1) throw new Error(`damaged: size ${size.width} x ${size.height}`);
    return size;
  } catch (error) {
    throw new Error(`imageSizeOf: ${path}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await file.close();
  }
}

async function readSize(file: FileHandle): Promise<ImageSize> {
  const { size: length } = await file.stat();
  const head = await readAt(file, 0, Math.min(length, 32));
  if (length === 0) throw new Error('the file is empty');
  if (isPng(head)) {
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    if (head.length < 24) throw new Error('truncated: the file ends before its size');
    if (String.fromCharCode(...head.subarray(12, 16)) !== 'IHDR') throw new Error('damaged: no IHDR chunk');
    return { width: view.getUint32(16), height: view.getUint32(20) };
  }
  if (isJpeg(head)) return jpegSize(file, length);
  if (isWebp(head)) {
    // The orientation stands after the pixels.
    const { width, height, orientation } = readWebpHeader(await readAt(file, 0, length));
    return upright(width, height, orientation);
  }
  if (isTiff(head)) return tiffSize(file, length, head);
  throw new Error('neither a PNG nor a JPEG nor a WebP nor a TIFF file by its first bytes');
}

/** The frame header may stand behind thumbnails and profiles: more is read until it is there. */
async function jpegSize(file: FileHandle, length: number): Promise<ImageSize> {
  for (let take = 1 << 16; ; take *= 4) {
    try {
      const { width, height, orientation } = readJpegHeader(await readAt(file, 0, Math.min(take, length)));
      return upright(width, height, orientation);
    } catch (error) {
      if (take >= length || !reasonOf(error).startsWith('truncated')) throw error;
    }
  }
}

function upright(width: number, height: number, orientation: number): ImageSize {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** Tags 256 and 257 of the first directory (TIFF 6.0, section 2; BigTIFF has words of eight bytes). */
async function tiffSize(file: FileHandle, length: number, head: Uint8Array): Promise<ImageSize> {
  const little = head[0] === 0x49;
  const big = (little ? head[2] : head[3]) === 43;
  const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const need = async (at: number, count: number): Promise<DataView> => {
    if (!(at + count <= length))
      throw new Error(`truncated: a field ends at byte ${at + count}, the file has ${length}`);
    return words(await readAt(file, at, count));
  };
  const start = await need(0, big ? 16 : 8);
  const directory = big ? Number(start.getBigUint64(8, little)) : start.getUint32(4, little);
  const counter = await need(directory, big ? 8 : 2);
  const count = big ? Number(counter.getBigUint64(0, little)) : counter.getUint16(0, little);
  const entryBytes = big ? 20 : 12;
  const entries = await need(directory + (big ? 8 : 2), count * entryBytes);
  const sides = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const at = i * entryBytes;
    const [tag, type] = [entries.getUint16(at, little), entries.getUint16(at + 2, little)];
    if (tag !== 256 && tag !== 257) continue;
    const value = at + (big ? 12 : 8);
    if (type === 3) sides.set(tag, entries.getUint16(value, little));
    if (type === 4) sides.set(tag, entries.getUint32(value, little));
  }
  const [width, height] = [sides.get(256), sides.get(257)];
  if (width === undefined || height === undefined) throw new Error('damaged: no size in the first directory');
  return { width, height };
}

async function readAt(file: FileHandle, at: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
