import { packedBytes } from './image.ts';
import type { RgbImage } from './types.ts';

/** Highest level, of 255, of an image that is nearly black. Of a 16-bit PNG whose sensor has 12 bits, it is 15. */
export const DARK_LEVEL = 16;

/** The lowest and the highest level of an image. */
export function levelRange(image: RgbImage): readonly [lowest: number, highest: number] {
  let [lowest, highest] = [255, 0];
  for (const level of packedBytes(image)) {
    if (level < lowest) lowest = level;
    if (level > highest) highest = level;
  }
  return [lowest, highest];
}

/** Whether an image has no level above `DARK_LEVEL`. */
export const isNearlyBlack = (image: RgbImage): boolean => levelRange(image)[1] <= DARK_LEVEL;

/** The usual cause, and its remedy. */
export const darkRemedy =
  'of a 16-bit PNG the upper 8 bits are read; if it uses fewer than 16, scale its levels, or convert it to GeoTIFF, whose levels are stretched';
