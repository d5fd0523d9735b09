// Chapter 14: an offset.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'dx',
  check: (answer) =>
    near(answer, 8 / 32, 'The centre moves by 8 pixels, a quarter of the width of the anchor.', [
      [8, 'In units of the width of the anchor.'],
      [-0.25, 'To the right is positive.'],
    ]),
};
