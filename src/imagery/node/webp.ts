import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { rgbImage } from '../image.ts';
import type { RgbImage } from '../types.ts';
import { exifOrientation, orientImage } from './jpeg.ts';
import { optionalPackage } from './optional-package.ts';
import { defaultMaxPixels, type ImageLimits } from './png.ts';
import { reasonOf } from '../../common/check.ts';

/** Whether bytes start as a WebP file does. */
export function isWebp(bytes: Uint8Array): boolean {
  return tagAt(bytes, 0) === 'RIFF' && tagAt(bytes, 8) === 'WEBP';
}

/**
 * Reads a WebP file, lossy or lossless, as RGB; transparency is left out, the orientation of its EXIF is honoured as
 * that of JPEG files.
 */
export async function readWebp(path: string, limits: ImageLimits = {}): Promise<RgbImage> {
  return decodeWebp(await readFile(path), path, limits);
}

/** Decodes the bytes of a WebP file; `name` stands in the errors. */
export async function decodeWebp(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<RgbImage> {
  const { maxPixels = defaultMaxPixels } = limits;
  const decode = await optionalPackage('@jsquash/webp', loadDecoder);
  try {
    const { width, height, orientation } = readWebpHeader(bytes);
    if (width * height > maxPixels)
      throw new Error(`${width} x ${height} pixels are more than maxPixels = ${maxPixels}`);
    const decoded = await decode(bytes);
    if (decoded.width !== width || decoded.height !== height) {
      throw new Error(
        `damaged: the header says ${width} x ${height}, the pixels are ${decoded.width} x ${decoded.height}`,
      );
    }
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = decoded.data[from]!;
      rgb[to + 1] = decoded.data[from + 1]!;
      rgb[to + 2] = decoded.data[from + 2]!;
    }
    return orientImage(rgbImage(height, width, rgb), orientation);
  } catch (error) {
    throw new Error(`readWebp: ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What the chunks of a WebP file say. */
export interface WebpHeader {
  /** Pixels as they are stored. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation from 1 (upright) to 8. */
  readonly orientation: number;
}

/**
 * Reads size and orientation without decoding (RFC 9649). Throws for files that are damaged, cut short or animated.
 */
export function readWebpHeader(bytes: Uint8Array): WebpHeader {
  if (!isWebp(bytes)) throw new Error('not a WebP file (wrong signature)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = view.getUint32(4, true) + 8;
  if (end > bytes.length) throw new Error(`truncated: the file says it has ${end} bytes, there are ${bytes.length}`);
  let size: { width: number; height: number } | null = null;
  let picture = false;
  let orientation = 1;
  for (let at = 12; at + 8 <= end;) {
    const tag = tagAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (at + 8 + length > end) {
      throw new Error(`truncated: chunk ${JSON.stringify(tag)} is ${length} bytes long, ${end - at - 8} are left`);
    }
    if (tag === 'VP8X') {
      if (length < 10) throw new Error('damaged: short VP8X chunk');
      if ((body[0]! & 2) !== 0) throw new Error('animations are not supported, only single images');
      size = { width: uint24(body, 4) + 1, height: uint24(body, 7) + 1 };
    }
    if (tag === 'VP8 ' || tag === 'VP8L') {
      picture = true;
      size ??= tag === 'VP8 ' ? lossySize(body) : losslessSize(body);
    }
    if (tag === 'EXIF') {
      // Some writers leave out the six bytes that JPEG has before it.
      const prefixed = tagAt(body, 0) === 'Exif' ? body : Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), body]);
      orientation = exifOrientation(prefixed) ?? orientation;
    }
    at += 8 + length + (length % 2);
  }
  if (size === null || !picture) throw new Error('damaged: no image in it');
  if (size.width < 1 || size.height < 1) throw new Error(`damaged: size ${size.width} x ${size.height}`);
  return { ...size, orientation };
}

/** Key frame header of VP8 (RFC 6386, section 9.1). */
function lossySize(body: Uint8Array): { width: number; height: number } {
  if (body.length < 10 || body[3] !== 0x9d || body[4] !== 0x01 || body[5] !== 0x2a) {
    throw new Error('damaged: no key frame in the VP8 chunk');
  }
  const side = (at: number): number => (body[at]! | (body[at + 1]! << 8)) & 0x3fff;
  return { width: side(6), height: side(8) };
}

/** 14 bits of width - 1, 14 of height - 1. */
function losslessSize(body: Uint8Array): { width: number; height: number } {
  if (body.length < 5 || body[0] !== 0x2f) throw new Error('damaged: no signature in the VP8L chunk');
  const bits = new DataView(body.buffer, body.byteOffset).getUint32(1, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
}

function tagAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}
type Decoder = (bytes: Uint8Array) => Promise<Decoded>;

let decoder: Promise<Decoder> | undefined;

/** The package's decoder, made once: one that failed to load is tried again. */
function loadDecoder(): Promise<Decoder> {
  decoder ??= makeDecoder().catch((error: unknown) => {
    decoder = undefined;
    throw error;
  });
  return decoder;
}

async function makeDecoder(): Promise<Decoder> {
  const module = (await import('@jsquash/webp/decode.js')) as unknown as {
    init(wasm: object): Promise<void>;
    default(bytes: ArrayBuffer): Promise<Decoded>;
  };
  // The package would fetch its code from a URL; Node reads it from the disk.
  const wasm = createRequire(import.meta.url).resolve('@jsquash/webp/codec/dec/webp_dec.wasm');
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };
  const compiled = await WebAssembly.compile(await readFile(wasm));
  await withImageData(() => module.init(compiled));
  return (bytes) =>
    withImageData(() => module.default(new Uint8Array(bytes).buffer)).catch((error: unknown) => {
      throw new Error(`damaged: the pixels cannot be decoded (${reasonOf(error)})`, { cause: error });
    });
}

let running = 0;

/** Runs `work` while there is a global `ImageData`, which browsers have and the decoder makes its result with. */
async function withImageData<T>(work: () => Promise<T>): Promise<T> {
  const scope = globalThis as { ImageData?: unknown };
  if (running === 0 && scope.ImageData !== undefined) return work();
  running++;
  scope.ImageData = ImageDataShim;
  try {
    return await work();
  } finally {
    if (--running === 0) delete scope.ImageData;
  }
}

class ImageDataShim implements Decoded {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}
