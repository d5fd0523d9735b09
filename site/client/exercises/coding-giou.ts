// Chapter 14: GIoU of boxes that do not touch.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Loss',
  check: (answer) =>
    near(
      answer,
      1 + 100 / 300,
      'The IoU is 0; the hull has 300 pixels, of which 100 are empty: 1 - 0 + 1/3.',
      [
        [1, 'That is 1 - IoU; the hull adds a term.'],
        [1 / 3, '1 - IoU is 1 here.'],
      ],
      0.001,
    ),
};
