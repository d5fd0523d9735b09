import type { FileHandle } from 'node:fs/promises';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { openToRead } from '../../common/node/read-file.ts';
import { uprightSize, type ImageHeader } from '../orientation.ts';
import { isTruncated, TruncatedError } from '../truncated.ts';
import { isAvif, readAvifHeader } from './avif.ts';
import { hasEndOfImage, NO_END_OF_IMAGE } from './jpeg.ts';
import { isJpeg, readJpegHeader } from '../jpeg-header.ts';
import { isPng } from './png.ts';
import { UNKNOWN_FORMAT } from './open-image.ts';
import { isTiff } from '../tiff/tiff.ts';
import { isVrt } from './vrt.ts';
import { isWebp, readWebpHeader } from './webp.ts';

/** Width and height of an image in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Matches the file names that `readImage` supports. */
export const imageEnding = /\.(png|jpe?g|webp|avif|tiff?)$/i;

/**
 * Size of a PNG, JPEG, WebP, AVIF or TIFF file, upright like the image that `readImage` returns, without decoding the pixels.
 * Rejects with an `InputError` if the header is damaged or of another format. Damaged pixels are not noticed.
 */
export async function imageSizeOf(path: string): Promise<ImageSize> {
  return uprightSize(await inFile('imageSizeOf', path, readHeader));
}

/** The header of an image file, with its format. */
export interface FileHeader extends ImageHeader {
  readonly kind: 'png' | 'jpeg' | 'webp' | 'avif' | 'tiff' | 'vrt';
}

/**
 * Reads the header of a PNG, JPEG, WebP, AVIF or TIFF file and looks for the end of its pixels, without decoding them. Rejects with
 * an `InputError` if the header is damaged or of another format, or if the file is truncated; of TIFF files the latter is not
 * noticed (`openTiff` does).
 */
export function readFileHeader(path: string): Promise<FileHeader> {
  return inFile('readFileHeader', path, async (file, length) => {
    const header = await readHeader(file, length);
    if (header.kind === 'png') await checkPngEnd(file, length);
    if (header.kind === 'jpeg') await checkJpegEnd(file, length);
    return header;
  });
}

/** Opens a file and reads from it; errors become an `InputError` of `op` that names it. */
async function inFile(
  op: string,
  path: string,
  read: (file: FileHandle, length: number) => Promise<FileHeader>,
): Promise<FileHeader> {
  const file = await openToRead(path).catch((error: unknown) => {
    throw new InputError(op, `cannot be read: ${reasonOf(error)}`, { file: path, cause: error });
  });
  try {
    const { size: length } = await file.stat();
    const header = await read(file, length);
    if (header.width < 1 || header.height < 1) throw new Error(`damaged: size ${header.width} x ${header.height}`);
    return header;
  } catch (error) {
    throw new InputError(op, reasonOf(error), { file: path, cause: error });
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, length: number): Promise<FileHeader> {
  const head = await readAt(file, 0, Math.min(length, 64));
  if (length === 0) throw new Error('the file is empty');
  if (isPng(head)) {
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    if (head.length < 24) throw new TruncatedError('truncated: the file ends before its size');
    if (String.fromCharCode(...head.subarray(12, 16)) !== 'IHDR') throw new Error('damaged: no IHDR chunk');
    return { kind: 'png', width: view.getUint32(16), height: view.getUint32(20), orientation: 1 };
  }
  if (isJpeg(head)) return { kind: 'jpeg', ...(await jpegHeader(file, length)) };
  if (isWebp(head)) {
    // The orientation follows the pixels.
    return { kind: 'webp', ...readWebpHeader(await readAt(file, 0, length)) };
  }
  // Its boxes are in any order.
  if (isAvif(head)) return { kind: 'avif', ...readAvifHeader(await readAt(file, 0, length)) };
  if (isTiff(head)) return { kind: 'tiff', ...(await tiffSize(file, length, head)), orientation: 1 };
  if (isVrt(head)) {
    return { kind: 'vrt', ...vrtSize(await readAt(file, 0, Math.min(length, 4096))), orientation: 1 };
  }
  throw new Error(UNKNOWN_FORMAT);
}

/** Throws unless a PNG file has a last chunk, IEND (PNG specification, section 5). */
async function checkPngEnd(file: FileHandle, length: number): Promise<void> {
  const isEnd = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(4, 8)) === 'IEND';
  if (isEnd(await readAt(file, length - 12, 12))) return;
  // Something may follow the last chunk.
  for (let at = 8; at + 12 <= length;) {
    const start = await readAt(file, at, 8);
    if (isEnd(start)) return;
    at += 12 + new DataView(start.buffer, start.byteOffset, 8).getUint32(0);
  }
  throw new TruncatedError('truncated: the file ends before its last chunk');
}

/** Bytes at the end of a JPEG file that are searched for its end-of-image marker first. */
const TAIL = 4096;

/** Throws unless the second half of a JPEG file has an end-of-image marker; some cameras append previews and padding. */
async function checkJpegEnd(file: FileHandle, length: number): Promise<void> {
  const half = Math.floor(length / 2);
  for (const from of [Math.max(half, length - TAIL), half]) {
    if (hasEndOfImage(await readAt(file, from, length - from))) return;
  }
  throw new TruncatedError(NO_END_OF_IMAGE);
}

/** The frame header may follow thumbnails and profiles: more is read until it is found. */
async function jpegHeader(file: FileHandle, length: number): Promise<ImageHeader> {
  for (let take = 1 << 16; ; take *= 4) {
    try {
      return readJpegHeader(await readAt(file, 0, Math.min(take, length)));
    } catch (error) {
      if (take >= length || !isTruncated(error)) throw error;
    }
  }
}

/** Tags 256 and 257 of the first directory (TIFF 6.0, section 2; words of BigTIFF have eight bytes). */
async function tiffSize(file: FileHandle, length: number, head: Uint8Array): Promise<ImageSize> {
  const little = head[0] === 0x49;
  const big = (little ? head[2] : head[3]) === 43;
  const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const need = async (at: number, count: number): Promise<DataView> => {
    if (!(at + count <= length)) {
      throw new TruncatedError(`truncated: a field ends at byte ${at + count}, but the file has ${length}`);
    }
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

/** The attributes of the first element. */
function vrtSize(head: Uint8Array): ImageSize {
  const text = Buffer.from(head).toString('latin1');
  const side = (axis: string): number => Number(new RegExp(`\\braster${axis}Size="(\\d+)"`).exec(text)?.[1] ?? 0);
  return { width: side('X'), height: side('Y') };
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
