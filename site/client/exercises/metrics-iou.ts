// Chapter 16: IoU after a small shift.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'IoU',
  check: (answer) =>
    near(
      answer,
      8100 / 11900,
      '8,100 / 11,900: a tenth of the side in both directions costs a third of the IoU.',
      [[0.81, 'That is the fraction of one box; the union is 11,900.']],
      0.001,
    ),
};
