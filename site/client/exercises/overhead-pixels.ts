// Chapter 18: from metres to pixels.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Pixels',
  check: (answer) => near(answer, 40, '12 / 0.3.', [[3.6, 'Divide the length by the side of a pixel.']], 0.001),
};
