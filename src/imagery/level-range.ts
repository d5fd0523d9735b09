import { imageShape, packedBytes } from './image.ts';
import { isBlack } from './stretch.ts';
import type { ByteImage } from './types.ts';

/** Highest level, of 255, of an image that is nearly black. Of a 16-bit PNG whose sensor has 12 bits, it is 15. */
export const DARK_LEVEL = 16;

/** The lowest and the highest level of an image. */
export function levelRange(image: ByteImage): readonly [lowest: number, highest: number] {
  let [lowest, highest] = [255, 0];
  for (const level of packedBytes(image)) {
    if (level < lowest) lowest = level;
    if (level > highest) highest = level;
  }
  return [lowest, highest];
}

/** Whether an image has no level above `DARK_LEVEL`. */
export const isNearlyBlack = (image: ByteImage): boolean => levelRange(image)[1] <= DARK_LEVEL;

/** Fraction of black pixels above which an image shows little. */
export const MOSTLY = 0.5;

/** The fraction of the pixels of an image whose levels are all 0, as they are where a raster has no data. */
export function blackFraction(image: ByteImage): number {
  const levels = packedBytes(image);
  const { channels } = imageShape(image);
  let black = 0;
  for (let i = 0; i < levels.length; i += channels) if (isBlack(levels, i, channels)) black++;
  return black / Math.max(1, levels.length / channels);
}

/** What to do about images that are black for the most part. */
export const blackRemedy =
  'as beyond the edge of a scene; leave them out, or remove the boxes that lie there: they teach that black is an object';

/** The usual cause, and its remedy. */
export const darkRemedy =
  'the 16 bits of a PNG are scaled to 8 for a detector that was trained on 8-bit images; if it uses fewer, scale its levels, or train on such files, whose levels are stretched';
