// Chapter 11: how small an object may be.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Pixels',
  check: (answer) =>
    near(
      answer,
      32 * Math.sqrt(0.5),
      'a² / 32² = 0.5 at a = 22.63 pixels: and only if the centres agree.',
      [[16, 'A side of half the length is a quarter of the area: IoU 0.25.']],
      0.02,
    ),
};
