// Chapter 12: IoU of two boxes.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'IoU',
  check: (answer) =>
    near(
      answer,
      800 / 2400,
      'They share 20 · 40 = 800 and cover 1600 + 1600 - 800 = 2400.',
      [
        [0.5, 'Divide by what both cover together, not by one of them.'],
        [0.25, 'The union counts what is shared once only.'],
      ],
      0.001,
    ),
};
