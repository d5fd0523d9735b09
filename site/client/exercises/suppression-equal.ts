// Chapter 15: an IoU at the limit.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Boxes',
  check: (answer) => near(answer, 2, '0.5 is not above 0.5: both stay.', [[1, 'Removed is what exceeds the limit.']]),
};
