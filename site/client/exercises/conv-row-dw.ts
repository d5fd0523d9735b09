// Chapter 5: the filter's gradient of the row, by the library.
import type { Exercise } from '../exercise.ts';
import { sameNumbers } from '../numbers.ts';
import { rowGradients } from './conv-row-dx.ts';

export const exercise: Exercise = {
  kind: 'text',
  label: 'dw, three numbers',
  check: async (answer) =>
    sameNumbers(
      answer,
      (await rowGradients()).dw,
      'dw',
      'Each tap adds up what it has read, times the gradient of the output that read it.',
    ),
};
