// Chapter 2: steps of a tree.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Steps',
  check: (answer) =>
    near(answer, Math.log2(256), 'Each step halves the number of partial sums: 256, 128, 64, 32, 16, 8, 4, 2, 1.', [
      [255, 'That is how many additions there are in all. Many of them happen in the same step.'],
      [128, 'That is how many threads add in the first step.'],
      [9, 'That counts the numbers from 256 down to 1; the steps are between them.'],
    ]),
};
