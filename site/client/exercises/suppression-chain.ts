// Chapter 15: a chain of boxes.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Boxes',
  check: (answer) =>
    near(answer, 2, 'A removes B. C is compared with boxes that were kept, only A: 0.2. A and C stay.', [
      [1, 'A removed box does not remove others.'],
      [3, 'A and B have an IoU of 0.6, above 0.5.'],
    ]),
};
