// Chapter 11: from the number of an anchor to its cell.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Column',
  check: (answer) =>
    near(answer, Math.floor(1074 / 9) % 16, 'Cell 119 of 16 in a row: row 7, column 7.', [
      [119, 'That is the number of the cell in P3; a row has 16.'],
      [3, 'That is the anchor within its cell.'],
    ]),
};
