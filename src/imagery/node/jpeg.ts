import { InputError } from '../../common/errors.ts';
import { reasonOf } from '../../common/check.ts';
import { addAlpha, dropAlpha, rgbSize, rgbImage } from '../image.ts';
import { checkJpegScans, readJpegHeader } from '../jpeg-header.ts';
import { orientImage } from '../orientation.ts';
import { TruncatedError } from '../truncated.ts';
import type { RgbImage } from '../types.ts';
import { checkPixels, type ImageLimits } from '../limits.ts';
import { readLimited } from './read-limited.ts';
import { MissingPackageError, optionalPackage } from '../../common/optional-package.ts';
import { compileWasm, once, serialDecoder } from './wasm-codec.ts';
import type { RgbaPixels } from '../rgba-pixels.ts';

/**
 * Reads a JPEG file, grey or in colour, as RGB. The EXIF orientation that cameras write is applied: the image is upright, as
 * viewers show it, and boxes are expected to refer to the upright image.
 */
export async function readJpeg(path: string, limits: ImageLimits = {}): Promise<RgbImage> {
  return decodeJpeg(await readLimited(path, limits), path, limits);
}

/** Decodes the bytes of a JPEG file; `name` is the file in error messages. */
export async function decodeJpeg(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<RgbImage> {
  try {
    const { width, height, orientation, components } = readJpegHeader(bytes);
    checkPixels(width, height, limits, checkJpegScans(bytes));
    if (components !== 1 && components !== 3) {
      throw new Error(
        `${components} colour components (CMYK) are not supported, only grey and RGB: ` +
          'rewrite the file with gdal_translate -of PNG',
      );
    }
    const { data } = await decodeJpegRgba(bytes);
    return orientImage(rgbImage(height, width, dropAlpha(data)), orientation);
  } catch (error) {
    if (error instanceof MissingPackageError) throw error;
    throw new InputError('readJpeg', reasonOf(error), { file: name, cause: error });
  }
}

/**
 * Decodes a JPEG image with one or three components, in the orientation that it is stored in. The caller has checked its
 * header. Rejects if any of the pixels is missing or damaged: libjpeg shows these grey, with a warning.
 */
export async function decodeJpegRgba(bytes: Uint8Array): Promise<RgbaPixels> {
  const decode = await optionalPackage('@jsquash/jpeg', loadDecoder);
  return decode(bytes);
}

/** Encodes an image as a JPEG file. `quality` is from 0 to 100. */
export async function encodeJpeg(image: RgbImage, quality: number): Promise<Uint8Array> {
  const encode = await optionalPackage('@jsquash/jpeg', loadEncoder, 'writing JPEG files');
  return encode({ ...rgbSize(image), data: addAlpha(image, null) }, quality);
}

type Decoder = (bytes: Uint8Array) => Promise<RgbaPixels>;
type Encoder = (pixels: RgbaPixels, quality: number) => Promise<Uint8Array>;

/** What libjpeg says of files with bytes between the last pixels and the end, as some cameras write them. */
const PADDING = /^Corrupt JPEG data: \d+ extraneous bytes before marker 0xd9/;

const loadDecoder = once(async (): Promise<Decoder> => {
  const module = (await import('@jsquash/jpeg/decode.js')) as unknown as {
    init(wasm: object, options: { printErr(line: string): void }): Promise<void>;
    default(bytes: Uint8Array): Promise<RgbaPixels>;
  };
  const wasm = await compileWasm('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
  // What libjpeg writes about the image that it decodes: one warning at most, and one error.
  let messages: string[] = [];
  // It would go on with grey pixels; an error thrown here ends it at once, before it has filled its memory.
  const printErr = (line: string): void => {
    messages.push(line);
    if (!PADDING.test(line)) throw new Error(line);
  };
  const start = (): Promise<void> => module.init(wasm, { printErr });
  return serialDecoder(start, async (bytes) => {
    messages = [];
    try {
      return await module.default(bytes);
    } catch (error) {
      const reason = messages.at(-1) ?? reasonOf(error);
      throw messages[0]?.startsWith('Premature end of JPEG file') === true
        ? new TruncatedError('truncated: the file ends before its pixels')
        : new Error(`damaged: the pixels cannot be decoded (${reason})`, { cause: error });
    }
  });
});

const loadEncoder = once(async (): Promise<Encoder> => {
  const module = (await import('@jsquash/jpeg/encode.js')) as unknown as {
    init(wasm: object): Promise<unknown>;
    default(pixels: RgbaPixels, options: object): Promise<ArrayBuffer>;
  };
  await module.init(await compileWasm('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
  return async (pixels, quality) => new Uint8Array(await module.default(pixels, { quality, progressive: false }));
});

/** What is wrong with a JPEG file without an end-of-image marker. */
export const NO_END_OF_IMAGE = 'truncated: the file ends before its end-of-image marker';

/** Whether bytes contain an end-of-image marker; the search starts at the end. */
export function hasEndOfImage(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 2; i >= 0; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  return false;
}
