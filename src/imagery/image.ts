import { ndarray } from '../common/ndarray.ts';
import type { ByteImage, RgbImage } from './types.ts';

/** Height, width and number of channels of an image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * An image over bytes in row-major order, a pixel's channels side by side; without bytes a black one. Throws a RangeError
 * unless there are `height * width * channels` bytes.
 */
export function byteImage({ height, width, channels }: ImageShape, bytes?: Uint8Array): ByteImage {
  const length = height * width * channels;
  const data = bytes ?? new Uint8Array(length);
  if (data.length !== length) {
    throw new RangeError(`image: ${data.length} bytes for [${height}, ${width}, ${channels}], expected ${length}`);
  }
  return ndarray(data, [height, width, channels]);
}

/**
 * An image over RGB bytes in row-major order; without bytes a black one. Throws a RangeError unless there are
 * `height * width * 3` bytes.
 */
export const rgbImage = (height: number, width: number, bytes?: Uint8Array): RgbImage =>
  byteImage({ height, width, channels: 3 }, bytes);

/** The shape of an image. Throws a RangeError unless it is [H, W, C]. */
export function imageShape(image: ByteImage): ImageShape {
  const [height, width, channels] = image.shape;
  if (image.shape.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new RangeError(`image: shape is [${image.shape.join(', ')}], expected [H, W, C]`);
  }
  return { height, width, channels };
}

/** Height and width of an RGB image. Throws a RangeError unless its shape is [H, W, 3]. */
export function rgbSize(image: RgbImage): { height: number; width: number } {
  const { height, width, channels } = imageShape(image);
  if (channels !== 3) throw new RangeError(`image: shape is [${image.shape.join(', ')}], expected [H, W, 3]`);
  return { height, width };
}

/** The bytes of an image in row-major order: its own memory if it is stored like this, otherwise a copy. */
export function packedBytes(image: ByteImage): Uint8Array {
  const { height, width, channels } = imageShape(image);
  const { data, offset } = image;
  const [rowStride = 0, columnStride = 0, channelStride = 0] = image.stride;
  const size = height * width * channels;
  if (rowStride === width * channels && columnStride === channels && channelStride === 1) {
    return data.subarray(offset, offset + size);
  }
  const out = new Uint8Array(size);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = offset + y * rowStride;
    for (let x = 0; x < width; x++, from += columnStride) {
      for (let c = 0; c < channels; c++) out[to++] = data[from + c * channelStride]!;
    }
  }
  return out;
}

/**
 * The RGB image that shows an image of any number of channels: those of `ImageDecoding.shown`, by default the first three, or
 * the first as grey if there are fewer. An RGB image is returned as it is.
 */
export function rgbOf(image: ByteImage, shown?: readonly [number, number, number]): RgbImage {
  const { height, width, channels } = imageShape(image);
  if (channels === 3) return image;
  const from = shown ?? (channels < 3 ? [0, 0, 0] : [0, 1, 2]);
  const bytes = packedBytes(image);
  const out = new Uint8Array(height * width * 3);
  for (let at = 0, to = 0; at < bytes.length; at += channels) for (const c of from) out[to++] = bytes[at + c]!;
  return rgbImage(height, width, out);
}

/** The RGBA bytes of an image in row-major order: opaque or, with `valid`, transparent where that is 0. */
export function addAlpha(image: RgbImage, valid: Uint8Array | null): Uint8Array {
  rgbSize(image);
  const rgb = packedBytes(image);
  const rgba = new Uint8Array((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
    rgba[to + 3] = valid === null || valid[to / 4] !== 0 ? 255 : 0;
  }
  return rgba;
}

/** Red, green and blue of RGBA bytes. */
export function dropAlpha(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}

/** A view of an image rotated clockwise by `quarterTurns` times 90 degrees; negative numbers rotate counterclockwise. */
export function rotateImage(image: ByteImage, quarterTurns: number): ByteImage {
  const turns = ((quarterTurns % 4) + 4) % 4;
  if (turns === 1) return image.transpose(1, 0, 2).step(1, -1, 1);
  if (turns === 2) return image.step(-1, -1, 1);
  if (turns === 3) return image.transpose(1, 0, 2).step(-1, 1, 1);
  return image;
}
