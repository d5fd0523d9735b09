import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflate } from 'node:zlib';
import { crc32 } from '../../common/crc32.ts';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { replaceFile } from '../../common/node/replace-file.ts';
import { rgbSize, packedBytes, rgbImage } from '../image.ts';
import { TruncatedError } from '../truncated.ts';
import type { RgbImage } from '../types.ts';
import { readHead } from './files.ts';
import { checkPixels, type ImageLimits } from '../limits.ts';
import { readLimited } from './read-limited.ts';
import { withoutAlpha, type Decoded } from './memory-image.ts';
import { optionalPackage } from '../../common/optional-package.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
// Channels and valid bit depths of each colour type (PNG specification, table 11.1).
const COLOUR_TYPES: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
// First column, first row, and steps in both directions of the seven passes of an interlaced file (Adam7).
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Whether bytes start with the signature of a PNG file. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Whether a file is a PNG file with 16 bits. Only its first bytes are read; false if it cannot be. */
export async function is16BitPng(path: string): Promise<boolean> {
  if (!/\.png$/i.test(path)) return false;
  const bytes = await readHead(path, 25).catch(() => new Uint8Array());
  return isPng(bytes) && bytes[24] === 16;
}

/**
 * Reads a PNG file as RGB: grey and palettes are expanded, 16 bits are scaled to 8, transparency is ignored.
 * `openImage` gives 16-bit levels and transparency.
 */
export async function readPng(path: string, limits: ImageLimits = {}): Promise<RgbImage> {
  return decodePng(await readLimited(path, limits), path, limits);
}

/** Decodes the bytes of a PNG file; `name` is the file in error messages. */
export async function decodePng(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<RgbImage> {
  const { width, height, levels } = await decodePngLevels(bytes, name, limits);
  return rgbImage(
    height,
    width,
    levels instanceof Uint16Array ? Uint8Array.from(levels, (level) => Math.round(level / 257)) : levels,
  );
}

/** Decodes the bytes of a PNG file to the levels that it has, 8 or 16 bits, with its transparency. */
export async function decodePngLevels(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<Decoded> {
  const { PNG } = await optionalPackage('pngjs', () => import('pngjs'));
  try {
    const end = await checkPng(bytes, limits);
    // The second byte of the header's fields is the depth. pngjs scales 16 bits to 8 unless told otherwise.
    const options = { skipRescale: bytes[24] === 16 } as object;
    const { width, height, data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, end), options);
    return withoutAlpha(width, height, data as unknown as Uint8Array | Uint16Array);
  } catch (error) {
    throw new InputError('readPng', reasonOf(error), { file: name, cause: error });
  }
}

/** Writes an image as an 8-bit RGB PNG file, which replaces an existing one as a whole. */
export async function writePng(path: string, image: RgbImage): Promise<void> {
  replaceFile('writePng', path, await encodePng(image));
}

/** Encodes an image as an 8-bit RGB PNG file. */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  const { PNG } = await optionalPackage('pngjs', () => import('pngjs'));
  const { height, width } = rgbSize(image);
  if (height === 0 || width === 0)
    throw new RangeError(`writePng: the image has ${width} x ${height} pixels, expected at least one`);
  const png = new PNG({ width, height });
  const bytes = packedBytes(image);
  png.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false });
}

/**
 * Checks what pngjs 7.0.0 trusts: it allocates as much as the header claims (a 68-byte file can take gigabytes or abort
 * the process) and returns a blank image for damaged data. Returns the position of the file's end.
 */
async function checkPng(bytes: Uint8Array, limits: ImageLimits): Promise<number> {
  if (!isPng(bytes)) throw new Error('not a PNG file (wrong signature)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let expected = 0;
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw new TruncatedError('truncated: the file ends before its IEND chunk');
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (length > bytes.length - at - 12) {
      throw new TruncatedError(
        `truncated: chunk ${printable(type)} has ${length} bytes, but only ${bytes.length - at - 12} are left`,
      );
    }
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw new Error(`damaged: chunk ${printable(type)} has a wrong checksum`);
    }
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (at === 8) expected = dataLength(type, body, limits, bytes.length);
    // pngjs obeys the last header.
    else if (type === 'IHDR') throw new Error('damaged: a second IHDR chunk');
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
    if (type === 'IEND') {
      const view = new DataView(bytes.buffer, bytes.byteOffset + 16, 8);
      const pixelBytes = data.reduce((sum, { length }) => sum + length, 0);
      checkPixels(view.getUint32(0), view.getUint32(4), limits, pixelBytes);
      await checkData(data, expected);
      return at;
    }
  }
}

/** Checks the header and returns the length of the inflated pixel data in bytes. */
function dataLength(type: string, header: Uint8Array, limits: ImageLimits, fileBytes: number): number {
  if (type !== 'IHDR' || header.length !== 13) throw new Error('damaged: the first chunk is not an IHDR of 13 bytes');
  const view = new DataView(header.buffer, header.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression] = [header[8]!, header[9]!, header[10]!];
  const [filter, interlace] = [header[11]!, header[12]!];
  if (width < 1 || height < 1 || width > 0x7fffffff || height > 0x7fffffff) {
    throw new Error(`damaged: size ${width} x ${height}, expected sides from 1 to 2^31 - 1`);
  }
  checkPixels(width, height, limits, fileBytes);
  const kind = COLOUR_TYPES[colour];
  if (kind === undefined || !kind.depths.includes(depth)) {
    throw new Error(`damaged: colour type ${colour} with ${depth} bits does not exist`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new Error(`damaged: compression ${compression}, filter ${filter}, interlace ${interlace} do not exist`);
  }
  const bits = kind.channels * depth;
  const passes = interlace === 0 ? ([[0, 0, 1, 1]] as const) : ADAM7;
  let length = 0;
  for (const [x, y, dx, dy] of passes) {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    if (columns > 0 && rows > 0) length += rows * (1 + Math.ceil((columns * bits) / 8));
  }
  return length;
}

/** Bytes that are inflated at once. */
const CHUNK = 1 << 18;

/** Inflates the data only to count them: bytes that cannot be an image as large as its header says never take its memory. */
async function checkData(compressed: readonly Uint8Array[], expected: number): Promise<void> {
  let length = 0;
  try {
    await pipeline(Readable.from(compressed), createInflate({ chunkSize: CHUNK }), async (inflated) => {
      for await (const chunk of inflated as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        if (length > expected) throw new Error('too long');
      }
    });
  } catch (error) {
    const reason = length > expected ? `is longer than ${expected} bytes` : `(${reasonOf(error)})`;
    throw new Error(`damaged: pixel data ${reason}`, { cause: error });
  }
  if (length !== expected) throw new Error(`damaged: ${length} bytes of pixel data, expected ${expected}`);
}

function printable(type: string): string {
  return /^[A-Za-z]{4}$/.test(type) ? type : JSON.stringify(type);
}
