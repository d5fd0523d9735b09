// Chapter 17: the normaliser of images without objects.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Loss',
  check: (answer) =>
    near(
      answer,
      (20 / 10 + 0.4 / 1) / 2,
      '(20 / 10 + 0.4 / 1) / 2 = 1.2.',
      [
        [2.4, 'The mean over both images.'],
        [20.4 / 11, 'That is the normaliser batch.'],
        [20.4 / 10, 'The second image has its own divisor, 1.'],
      ],
      0.001,
    ),
};
