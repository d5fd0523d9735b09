import { imageShape } from '../imagery/image.ts';
import type { ByteImage } from '../imagery/types.ts';

const [COLUMNS, ROWS] = [9, 8];
/** Minimum range of the cells' grey levels: below, the bits are noise, and flat images would all be alike. */
const CONTRAST = 4;

/**
 * A 64-bit difference hash ("dHash", Krawetz 2013): the image is averaged to 9 x 8 grey levels, and each bit says whether
 * a cell is brighter than its left neighbour. Resizing, recompression and changes of brightness keep nearly all bits;
 * different scenes differ in about half of them. Null for images without contrast, such as open water.
 */
export function differenceHash(image: ByteImage): readonly [high: number, low: number] | null {
  const { width, height, channels } = imageShape(image);
  const greys = Array.from({ length: COLUMNS * ROWS }, (_, i) => {
    const [top, bottom] = cell(Math.floor(i / COLUMNS), ROWS, height);
    const [left, right] = cell(i % COLUMNS, COLUMNS, width);
    return meanGrey(image.lo(top, left, 0).hi(bottom - top, right - left, channels));
  });
  if (Math.max(...greys) - Math.min(...greys) < CONTRAST) return null;
  const words = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = Math.floor(bit / 8) * COLUMNS + (bit % 8);
    if (greys[at + 1]! > greys[at]!) words[bit >> 5] = words[bit >> 5]! | (1 << (bit & 31));
  }
  return [words[0]! >>> 0, words[1]! >>> 0];
}

/** Mean luma (ITU-R BT.601), or the mean of other than three channels. */
function meanGrey(image: ByteImage): number {
  const { width, height, channels } = imageShape(image);
  const weights = channels === 3 ? [0.299, 0.587, 0.114] : new Array<number>(channels).fill(1 / channels);
  let sum = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let grey = 0;
      for (let c = 0; c < channels; c++) grey += weights[c]! * image.get(y, x, c);
      sum += grey;
    }
  }
  return sum / (height * width);
}

/** The pixels of cell `i` of `count` along a side; at least one. */
function cell(i: number, count: number, side: number): [from: number, to: number] {
  const from = Math.min(side - 1, Math.floor((i * side) / count));
  return [from, Math.max(from + 1, Math.floor(((i + 1) * side) / count))];
}

/** Number of bits in which two hashes differ, from 0 to 64. */
export function hammingDistance(a: readonly [number, number], b: readonly [number, number]): number {
  return ones(a[0] ^ b[0]) + ones(a[1] ^ b[1]);
}

function ones(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
