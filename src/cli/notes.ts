import { counted } from '../common/check.ts';

/** What a user is told if a maximum number of detections left some out. */
export const limitNote = (images: number, maximum: number, setting: string): string =>
  `${counted(images, 'image has', 'images have')} more detections than the ${maximum} that are kept: raise ${setting}`;

/** What a user is told of nearly black images. */
export const darkNote = (images: number): string =>
  `${counted(images, 'image is', 'images are')} nearly black: of a 16-bit PNG the upper 8 bits are read, so that levels below 4096 become ` +
  'less than 16; scale its levels, or convert it to GeoTIFF, whose levels are stretched';
