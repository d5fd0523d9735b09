// The names of SpaceNet's files.
import { stem } from '../common/file-names.ts';

/** Folders of images in order of preference, those in visible colours first. */
export const IMAGE_KINDS = [
  'RGB-PanSharpen', // SpaceNet 2 and 3
  'PS-RGB', // SpaceNet 5 and 6
  '3band', // SpaceNet 1
  'Pan-Sharpen', // SpaceNet 4
  'PS-RGBNIR', // SpaceNet 6
  'MUL-PanSharpen',
  'PS-MS',
  '8band',
  'RGBNIR',
  'MUL',
  'PAN',
];
/** Words in file names for the kind of file rather than the place. */
const LABEL_WORDS = ['buildings', 'Buildings', 'Geo', 'spacenet-buildings'];
const KIND_WORDS = new Set([...IMAGE_KINDS, ...LABEL_WORDS, 'SAR-Intensity']);

/** The name that images and labels of a place have in common: the file name without the words for the kind of file. */
export function placeKey(file: string): string {
  return stem(file)
    .split('_')
    .filter((word) => !KIND_WORDS.has(word))
    .join('_');
}
