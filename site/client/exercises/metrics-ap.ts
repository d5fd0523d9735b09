// Chapter 16: an average precision.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'AP',
  check: (answer) =>
    near(
      answer,
      0.5 + 0.5 * (2 / 3),
      '0.5 · 1 + 0.5 · 2/3 = 0.833.',
      [
        [2 / 3, 'That is the precision at the end alone.'],
        [1, 'The wrong detection stands before the second right one.'],
      ],
      0.001,
    ),
};
