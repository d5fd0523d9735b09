// Chapter 12: how far an object may move.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Pixels',
  check: (answer) =>
    near(
      answer,
      32 / 3,
      '(32 - d) / (32 + d) = 0.5 at d = 10.67.',
      [[16, 'Half shared is an IoU of 16 / 48 = 0.33.']],
      0.01,
    ),
};
