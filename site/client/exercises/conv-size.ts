// Chapter 4: size of a convolution's result, by the library's own rule.
import { near, type Exercise } from '../exercise.ts';

const size = (h: number, r: number, stride: number, padding: number): number =>
  Math.floor((h + 2 * padding - (r - 1) - 1) / stride) + 1;

export const exercise: Exercise = {
  kind: 'number',
  label: 'Rows of the result',
  check: (answer) =>
    near(answer, size(225, 7, 2, 3), 'floor((225 + 6 - 6 - 1) / 2) + 1 = 112 + 1.', [
      [112, 'You may have left out the + 1, or rounded: the last window still fits.'],
      [112.5, 'A result has no half rows; look at the formula for the floor.'],
      [size(225, 7, 2, 0), 'That is without padding.'],
      [size(225, 7, 1, 3), 'That is with a stride of 1.'],
    ]),
};
