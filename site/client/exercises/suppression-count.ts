// Chapter 15: another limit.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Boxes',
  check: (answer) =>
    near(answer, 4, '0.818 is not above 0.85, so nothing is removed.', [
      [3, '0.818 is below 0.85: the second is no longer removed.'],
    ]),
};
