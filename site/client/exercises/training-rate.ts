// Chapter 17: the rate of a larger batch.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Learning rate',
  check: (answer) =>
    near(
      answer,
      0.006,
      'Four times the images, twice the rate.',
      [[0.012, 'In proportion is the rule for SGD.']],
      0.0001,
    ),
};
