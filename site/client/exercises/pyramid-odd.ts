// Chapter 10: nearest neighbours of odd sizes.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Column',
  check: (answer) =>
    near(answer, Math.floor((20 * 13) / 25), '20 · 13 / 25 = 10.4, rounded down.', [
      [10.4, 'A column is a whole number: round down.'],
      [11, 'The kernel rounds down.'],
    ]),
};
