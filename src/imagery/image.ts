import { ndarray } from '../common/ndarray.ts';
import type { RgbImage } from './types.ts';

/**
 * An image over RGB bytes in row-major order; without bytes a black one. Throws a RangeError unless there are
 * `height * width * 3` bytes.
 */
export function rgbImage(height: number, width: number, bytes?: Uint8Array): RgbImage {
  const data = bytes ?? new Uint8Array(height * width * 3);
  if (data.length !== height * width * 3) {
    throw new RangeError(`rgbImage: ${data.length} bytes for [${height}, ${width}, 3], expected ${height * width * 3}`);
  }
  return ndarray(data, [height, width, 3]);
}

/** Height and width of an image. Throws a RangeError unless its shape is [H, W, 3]. */
export function imageSize(image: RgbImage): { height: number; width: number } {
  const [height, width, channels] = image.shape;
  if (image.shape.length !== 3 || height === undefined || width === undefined || channels !== 3) {
    throw new RangeError(`image: shape is [${image.shape.join(', ')}], expected [H, W, 3]`);
  }
  return { height, width };
}

/** The bytes of an image in row-major order: its own memory if it is stored like this, otherwise a copy. */
export function packedBytes(image: RgbImage): Uint8Array {
  const { height, width } = imageSize(image);
  const { data, offset } = image;
  const [rowStride = 0, columnStride = 0, channelStride = 0] = image.stride;
  const size = height * width * 3;
  if (rowStride === width * 3 && columnStride === 3 && channelStride === 1) return data.subarray(offset, offset + size);
  const out = new Uint8Array(size);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = offset + y * rowStride;
    for (let x = 0; x < width; x++, from += columnStride) {
      out[to++] = data[from]!;
      out[to++] = data[from + channelStride]!;
      out[to++] = data[from + 2 * channelStride]!;
    }
  }
  return out;
}

/** The RGBA bytes of an image in row-major order: opaque or, with `valid`, transparent where that is 0. */
export function addAlpha(image: RgbImage, valid: Uint8Array | null): Uint8Array {
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
export function rotateImage(image: RgbImage, quarterTurns: number): RgbImage {
  const turns = ((quarterTurns % 4) + 4) % 4;
  if (turns === 1) return image.transpose(1, 0, 2).step(1, -1, 1);
  if (turns === 2) return image.step(-1, -1, 1);
  if (turns === 3) return image.transpose(1, 0, 2).step(-1, 1, 1);
  return image;
}
