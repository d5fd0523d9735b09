import { counted } from '../common/check.ts';
import { darkRemedy } from '../detector-node.ts';
import type { AdapterDescription } from '../node.ts';

/** What a user is told if a maximum number of detections left some out. */
export const limitNote = (images: number, maximum: number, setting: string): string =>
  `${counted(images, 'image has', 'images have')} more detections than the ${maximum} that are kept: raise ${setting}`;

/** What a user is told of images that could not be read, given the reasons, which name the files. */
export const unreadableNote = (reasons: readonly string[]): string =>
  [
    `${counted(reasons.length, 'image was', 'images were')} not read and left out:`,
    ...reasons.map((reason) => `  ${reason}`),
  ].join('\n');

/** What a user is told of nearly black images. */
export const darkNote = (images: number): string =>
  `${counted(images, 'image is', 'images are')} nearly black: ${darkRemedy}`;

/** What a user is told of images that `--resample` could not resample; null if there are none. */
export const resampleNote = (images: number): string | null =>
  images === 0
    ? null
    : `${counted(images, 'image was', 'images were')} read without resampling: the size of a pixel on the ground is not known`;

/** An adapter in a word or two beside its name. */
export const adapterText = ({ name, kind, tuned }: AdapterDescription): string =>
  `${name} (${kind}${tuned ? ', kernels chosen by retinagrad tune' : ''})`;
