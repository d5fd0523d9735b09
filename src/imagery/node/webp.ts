import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { addAlpha, rgbSize, packedBytes, rgbImage } from '../image.ts';
import { exifOrientation, orientImage, type ImageHeader } from '../orientation.ts';
import { TruncatedError } from '../truncated.ts';
import type { RgbImage } from '../types.ts';
import { checkPixels, type ImageLimits } from '../limits.ts';
import { readLimited } from './read-limited.ts';
import { withoutAlpha, type Decoded } from './memory-image.ts';
import { MissingPackageError, optionalPackage } from '../../common/optional-package.ts';
import { compileWasm, once, serialDecoder } from './wasm-codec.ts';
import type { RgbaPixels } from '../rgba-pixels.ts';

/** Whether bytes start with the signature of a WebP file. */
export function isWebp(bytes: Uint8Array): boolean {
  return tagAt(bytes, 0) === 'RIFF' && tagAt(bytes, 8) === 'WEBP';
}

/**
 * Reads a WebP file, lossy or lossless, as RGB. Transparency is ignored; the EXIF orientation is applied as in `readJpeg`.
 */
export async function readWebp(path: string, limits: ImageLimits = {}): Promise<RgbImage> {
  return decodeWebp(await readLimited(path, limits), path, limits);
}

/** Decodes the bytes of a WebP file; `name` is the file in error messages. */
export async function decodeWebp(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<RgbImage> {
  const { width, height, levels } = await decodeWebpLevels(bytes, name, limits);
  return rgbImage(height, width, levels as Uint8Array);
}

/** Decodes the bytes of a WebP file to an upright image with its transparency. */
export async function decodeWebpLevels(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<Decoded> {
  try {
    const { width, height, data } = await decodeWebpRgba(bytes, limits);
    const decoded = withoutAlpha(width, height, new Uint8Array(data.buffer, data.byteOffset, data.length));
    const { orientation } = readWebpHeader(bytes);
    if (orientation === 1) return decoded;
    // Pictures of cameras, which alone are turned, have no transparency.
    const upright = orientImage(rgbImage(height, width, decoded.levels as Uint8Array), orientation);
    return { ...rgbSize(upright), levels: packedBytes(upright), valid: null };
  } catch (error) {
    if (error instanceof MissingPackageError) throw error;
    throw new InputError('readWebp', reasonOf(error), { file: name, cause: error });
  }
}

/** Decodes a WebP file to red, green, blue and alpha, in the orientation that it is stored in. */
export async function decodeWebpRgba(bytes: Uint8Array, limits: ImageLimits = {}): Promise<RgbaPixels> {
  const decode = await optionalPackage('@jsquash/webp', loadDecoder);
  const { width, height, pixelBytes } = readWebpHeader(bytes);
  checkPixels(width, height, limits, pixelBytes);
  const decoded = await decode(bytes);
  if (decoded.width !== width || decoded.height !== height) {
    throw new Error(
      `damaged: ${width} x ${height} pixels in the header, but ${decoded.width} x ${decoded.height} in the data`,
    );
  }
  return decoded;
}

/**
 * Reads size, orientation and the number of bytes of the pixels without decoding (RFC 9649). Throws for files that are damaged,
 * truncated or animated.
 */
export function readWebpHeader(bytes: Uint8Array): ImageHeader & { readonly pixelBytes: number } {
  if (!isWebp(bytes)) throw new Error('not a WebP file (wrong signature)');
  let size: { width: number; height: number } | null = null;
  let pixelBytes = 0;
  let orientation = 1;
  for (const { tag, body } of chunksOf(bytes)) {
    if (tag === 'VP8X') {
      if (body.length < 10) throw new Error('damaged: short VP8X chunk');
      if ((body[0]! & 2) !== 0) throw new Error('animations are not supported, only single images');
      size = { width: uint24(body, 4) + 1, height: uint24(body, 7) + 1 };
    }
    if (tag === 'VP8 ' || tag === 'VP8L') {
      pixelBytes = body.length;
      size ??= tag === 'VP8 ' ? lossySize(body) : losslessSize(body);
    }
    if (tag === 'EXIF') {
      // Some writers omit the six bytes with which JPEG's segments start.
      const prefixed = tagAt(body, 0) === 'Exif' ? body : Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), body]);
      orientation = exifOrientation(prefixed) ?? orientation;
    }
  }
  if (size === null || pixelBytes === 0) throw new Error('damaged: the file contains no image');
  if (size.width < 1 || size.height < 1) throw new Error(`damaged: size ${size.width} x ${size.height}`);
  return { ...size, orientation, pixelBytes };
}

function* chunksOf(bytes: Uint8Array): Generator<{ tag: string; body: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = view.getUint32(4, true) + 8;
  if (end > bytes.length) {
    throw new TruncatedError(`truncated: ${end} bytes by the header, but the file has ${bytes.length}`);
  }
  for (let at = 12; at + 8 <= end;) {
    const tag = tagAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > end) {
      throw new TruncatedError(
        `truncated: chunk ${JSON.stringify(tag)} has ${length} bytes, but only ${end - at - 8} are left`,
      );
    }
    yield { tag, body: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length % 2);
  }
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

/**
 * Encodes an image as a lossy WebP file. `quality` is from 0 to 100. `valid` has a byte for each pixel, row by row; pixels
 * where it is 0 become transparent. Default: all are opaque.
 */
export async function encodeWebp(
  image: RgbImage,
  quality: number,
  valid: Uint8Array | null = null,
): Promise<Uint8Array> {
  const encode = await optionalPackage('@jsquash/webp', loadEncoder, 'writing WebP files');
  return encode({ ...rgbSize(image), data: addAlpha(image, valid) }, quality);
}

type Decoder = (bytes: Uint8Array) => Promise<RgbaPixels>;
type Encoder = (pixels: RgbaPixels, quality: number) => Promise<Uint8Array>;

const loadDecoder = once(async (): Promise<Decoder> => {
  const module = (await import('@jsquash/webp/decode.js')) as unknown as {
    init(wasm: object): Promise<void>;
    default(bytes: ArrayBuffer): Promise<RgbaPixels>;
  };
  const compiled = await compileWasm('@jsquash/webp/codec/dec/webp_dec.wasm');
  return serialDecoder(
    () => module.init(compiled),
    (bytes) =>
      module.default(new Uint8Array(bytes).buffer).catch((error: unknown) => {
        throw new Error(`damaged: the pixels cannot be decoded (${reasonOf(error)})`, { cause: error });
      }),
  );
});

const loadEncoder = once(async (): Promise<Encoder> => {
  const module = (await import('@jsquash/webp/encode.js')) as unknown as {
    init(wasm: object): Promise<unknown>;
    default(pixels: RgbaPixels, options: object): Promise<ArrayBuffer>;
  };
  await module.init(await compileWasm('@jsquash/webp/codec/enc/webp_enc_simd.wasm'));
  return async (pixels, quality) => new Uint8Array(await module.default(pixels, { quality }));
});
