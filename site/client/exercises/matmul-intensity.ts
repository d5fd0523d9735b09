// Chapter 3: loads of a block in registers.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Loads per multiply-add',
  check: (answer) =>
    near(
      answer,
      (8 + 8) / (8 * 8),
      '16 loads serve 64 multiply-adds: eight times fewer than the naive kernel, which loads 2 for each.',
      [
        [16, 'That is the number of loads for one step of the sum; divide by the multiply-adds of that step.'],
        [2, 'That is the naive kernel, a block of 1 × 1.'],
        [4, 'That is how many multiply-adds there are per load.'],
      ],
    ),
};
