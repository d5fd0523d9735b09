// Chapter 13: how much gamma reduces an easy loss.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Factor',
  check: (answer) =>
    near(
      answer,
      400,
      '1 / (1 - 0.95)² = 400.',
      [
        [0.0025, 'That is what remains; the question is by which factor it is smaller.'],
        [100, 'That is p = 0.9.'],
        [20, '1 / (1 - p) is 20; γ = 2 squares it.'],
      ],
      0.5,
    ),
};
