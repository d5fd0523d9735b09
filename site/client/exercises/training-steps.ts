// Chapter 17: steps of a training.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Steps',
  check: (answer) =>
    near(answer, 12 * 60, '60 steps an epoch.', [
      [60, 'That is one epoch.'],
      [12 * 240, 'Four tiles are in a step.'],
    ]),
};
