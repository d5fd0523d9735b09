// Chapter 14: a decoded box.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'x1',
  check: (answer) =>
    near(answer, 0, 'The centre is 20 and the width 40.', [
      [10, 'The box grows to both sides.'],
      [20, 'That is the centre.'],
    ]),
};
