import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { packedBytes, rgbImage, rgbSize } from '../image.ts';
import { orientImage, type ImageHeader } from '../orientation.ts';
import { TruncatedError } from '../truncated.ts';
import { checkPixels, type ImageLimits } from '../limits.ts';
import { withoutAlpha, type Decoded } from './memory-image.ts';
import { MissingPackageError, optionalPackage } from '../../common/optional-package.ts';
import { compileWasm, once, serialDecoder } from './wasm-codec.ts';
import type { RgbaPixels } from '../rgba-pixels.ts';

/** Whether bytes start as an AVIF file does, or as one of its relatives that `readAvifHeader` refuses with a reason. */
export const isAvif = (bytes: Uint8Array): boolean =>
  brandsOf(bytes).some((brand) => /^(avi|hei|hev|mif|msf)/.test(brand));

/**
 * Decodes the bytes of an AVIF file to an upright image with its transparency; `name` is the file in error messages. 10 and
 * 12 bits become 8, as on a screen.
 */
export async function decodeAvifLevels(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<Decoded> {
  try {
    const { width, height, orientation } = readAvifHeader(bytes);
    checkPixels(width, height, limits, bytes.length);
    const decode = await optionalPackage('@jsquash/avif', loadDecoder);
    const { data, ...found } = await decode(bytes);
    if (found.width !== width || found.height !== height) {
      throw new Error(
        `damaged: ${width} x ${height} pixels in the header, but ${found.width} x ${found.height} in the data`,
      );
    }
    const decoded = withoutAlpha(width, height, new Uint8Array(data.buffer, data.byteOffset, data.length));
    if (orientation === 1) return decoded;
    const turn = (channels: Uint8Array): Uint8Array =>
      packedBytes(orientImage(rgbImage(height, width, channels), orientation));
    const size = rgbSize(orientImage(rgbImage(height, width, decoded.levels as Uint8Array), orientation));
    const { valid } = decoded;
    const levels = turn(decoded.levels as Uint8Array);
    if (valid === null) return { ...size, levels, valid };
    const turned = turn(Uint8Array.from({ length: 3 * valid.length }, (_, i) => valid[Math.floor(i / 3)]!));
    return { ...size, levels, valid: valid.map((_, i) => turned[3 * i]!) };
  } catch (error) {
    if (error instanceof MissingPackageError) throw error;
    throw new InputError('readAvif', reasonOf(error), { file: name, cause: error });
  }
}

/**
 * Reads size and orientation of the primary image without decoding (ISO/IEC 23008-12 and 14496-12). Throws for files that
 * are damaged or truncated, animated, cropped by their header, or coded with another codec, such as HEIC.
 */
export function readAvifHeader(bytes: Uint8Array): ImageHeader {
  const brands = brandsOf(bytes);
  if (brands[0] === 'avis') throw new Error('animations are not supported, only single images');
  if (!brands.includes('avif')) {
    throw new Error(
      `an HEIF file of type ${brands.join(', ')} (HEIC): only AVIF is supported, convert it to PNG or JPEG`,
    );
  }
  const file = [...boxesIn(bytes, 0, bytes.length)];
  const meta = find(file, 'meta');
  const inMeta = [...boxesIn(bytes, meta.start + 4, meta.end)];
  const primary = find(inMeta, 'pitm');
  const item = wordAt(bytes, primary.start + 4, bytes[primary.start] === 0 ? 2 : 4);
  const inProperties = [...boxesIn(bytes, find(inMeta, 'iprp').start, find(inMeta, 'iprp').end)];
  const container = find(inProperties, 'ipco');
  const properties = [...boxesIn(bytes, container.start, container.end)];
  const own = associationsOf(bytes, find(inProperties, 'ipma'), item).map((number) => properties[number - 1]);
  const size = own.find((box) => box?.type === 'ispe');
  if (size === undefined) throw new Error('damaged: no size of the image in the header');
  if (own.some((box) => box?.type === 'clap'))
    throw new Error('a crop in the header (clap) is not supported: save it again');
  const [width, height] = [wordAt(bytes, size.start + 4, 4), wordAt(bytes, size.start + 8, 4)];
  if (width < 1 || height < 1) throw new Error(`damaged: size ${width} x ${height}`);
  const rotation = own.find((box) => box?.type === 'irot');
  const mirror = own.find((box) => box?.type === 'imir');
  const quarterTurns = rotation === undefined ? 0 : bytes[rotation.start]! & 3;
  const axis = mirror === undefined ? 0 : 1 + (bytes[mirror.start]! & 1);
  return { width, height, orientation: ORIENTATIONS[axis]![quarterTurns]! };
}

/** EXIF orientations by mirror (none, top with bottom, left with right), and by the counterclockwise rotation before it. */
const ORIENTATIONS = [
  [1, 8, 3, 6],
  [4, 5, 2, 7],
  [2, 7, 4, 5],
] as const;

/** The types that a file declares, the main one first; none if it is no file of boxes. */
function brandsOf(bytes: Uint8Array): string[] {
  if (bytes.length < 16 || tagAt(bytes, 4) !== 'ftyp') return [];
  const end = Math.min(bytes.length - 3, wordAt(bytes, 0, 4));
  const brands = [tagAt(bytes, 8)];
  for (let at = 16; at < end; at += 4) brands.push(tagAt(bytes, at));
  return brands;
}

interface Box {
  readonly type: string;
  /** First byte of the content, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

function* boxesIn(bytes: Uint8Array, from: number, to: number): Generator<Box, void, void> {
  for (let at = from; at + 8 <= to;) {
    const length = wordAt(bytes, at, 4);
    const type = tagAt(bytes, at + 4);
    // A length of 0 is up to the end, and 1 is followed by one of 64 bits.
    const start = at + (length === 1 ? 16 : 8);
    const end =
      length === 0 ? to : at + (length === 1 ? wordAt(bytes, at + 8, 4) * 2 ** 32 + wordAt(bytes, at + 12, 4) : length);
    if (end > to) {
      throw new TruncatedError(`truncated: box ${JSON.stringify(type)} ends at byte ${end}, but only ${to} are there`);
    }
    if (end < start) throw new Error(`damaged: box ${JSON.stringify(type)} of ${end - at} bytes`);
    yield { type, start, end };
    at = end;
  }
}

function find(boxes: readonly Box[], type: string): Box {
  const found = boxes.find((box) => box.type === type);
  if (found === undefined) throw new TruncatedError(`truncated or damaged: no box ${type} in the header`);
  return found;
}

/** Numbers, from 1, of the properties of an item (ISO/IEC 23008-12, section 9.3). */
function associationsOf(bytes: Uint8Array, { start, end }: Box, item: number): number[] {
  const version = bytes[start]!;
  const isWide = (bytes[start + 3]! & 1) === 1;
  let at = start + 8;
  for (let left = wordAt(bytes, start + 4, 4); left > 0 && at < end; left--) {
    const id = wordAt(bytes, at, version < 1 ? 2 : 4);
    at += version < 1 ? 2 : 4;
    const count = bytes[at++] ?? 0;
    const size = isWide ? 2 : 1;
    if (id === item) {
      // The highest bit says that the property is essential.
      return Array.from({ length: count }, (_, i) => wordAt(bytes, at + i * size, size) & (isWide ? 0x7fff : 0x7f));
    }
    at += count * size;
  }
  return [];
}

/** A big-endian integer. */
function wordAt(bytes: Uint8Array, at: number, size: number): number {
  if (at + size > bytes.length) throw new TruncatedError('truncated: the file ends in its header');
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

const tagAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

type Decoder = (bytes: Uint8Array) => Promise<RgbaPixels>;

const loadDecoder = once(async (): Promise<Decoder> => {
  const module = (await import('@jsquash/avif/decode.js')) as unknown as {
    init(wasm: object): Promise<void>;
    default(bytes: ArrayBuffer): Promise<RgbaPixels>;
  };
  const compiled = await compileWasm('@jsquash/avif/codec/dec/avif_dec.wasm');
  return serialDecoder(
    () => module.init(compiled),
    (bytes) =>
      module.default(new Uint8Array(bytes).buffer).catch((error: unknown) => {
        throw new Error(`damaged: the pixels cannot be decoded (${reasonOf(error)})`, { cause: error });
      }),
  );
});
