// Chapter 10: two sums down the pyramid.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Value',
  check: (answer) =>
    near(answer, -4 + 2, 'Row 3, column 0 lies in the lower left cell of M4, which is 0 + 2 = 2; and -4 + 2 = -2.', [
      [-4 + 5, 'That is the lower right cell of M4.'],
      [-4 + 3, 'That is the upper left cell of M4; row 3 is below.'],
      [-4, 'The way down is missing.'],
    ]),
};
