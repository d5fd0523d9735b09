// Chapter 18: the ground resolution of a web map.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Metres',
  check: (answer) =>
    near(
      answer,
      (156543.034 * 0.5) / 2 ** 19,
      '0.2986 · 0.5 = 0.149 m: at 60° a pixel covers half of what it covers at the equator.',
      [[0.299, 'That is at the equator.']],
      0.001,
    ),
};
