// Chapter 9: rows of C4.
import { near, type Exercise } from '../exercise.ts';

/** Rows after a convolution or pooling with stride 2 that pads its window to the middle. */
const halved = (rows: number): number => Math.floor((rows - 1) / 2) + 1;

export const exercise: Exercise = {
  kind: 'number',
  label: 'Rows of C4',
  check: (answer) => {
    let rows = 600;
    for (let step = 0; step < 4; step++) rows = halved(rows);
    return near(answer, rows, '300, 150, 75, 38: each step rounds up.', [
      [37, 'The windows start at row 0, so a single row at the end still has one: halves are rounded up.'],
      [37.5, 'A map has no half rows.'],
      [75, 'That is C3.'],
      [19, 'That is C5.'],
    ]);
  },
};
