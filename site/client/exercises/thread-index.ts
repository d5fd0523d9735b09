// Chapter 1: the pixel of a thread.
import { right, wrong, type Exercise } from '../exercise.ts';

const WIDTH = 7;
const THREAD = 100;

export const exercise: Exercise = {
  kind: 'text',
  label: 'Row, column',
  check: (answer) => {
    const found = /^\D*(\d+)\D+(\d+)\D*$/.exec(answer);
    if (found === null) return wrong('Type two numbers, for example 3, 5.');
    const [row, column] = [Number(found[1]), Number(found[2])];
    const [trueRow, trueColumn] = [Math.floor(THREAD / WIDTH), THREAD % WIDTH];
    if (row === trueRow && column === trueColumn) return right(`${trueRow} · 7 + ${trueColumn} = 100.`);
    if (row === trueColumn && column === trueRow) return wrong('These are the numbers; which is the row?');
    if (column >= WIDTH) return wrong(`A row has only the columns 0 to 6.`);
    return wrong(
      `Row ${row}, column ${column} is computed by thread ${row} · 7 + ${column} = ${row * WIDTH + column}.`,
    );
  },
};
