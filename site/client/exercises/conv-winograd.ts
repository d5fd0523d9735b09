// Chapter 4: multiplications of F(6 x 6, 3 x 3).
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Multiplications for each output',
  check: (answer) =>
    near(
      answer,
      8 ** 2 / 6 ** 2,
      '64 / 36 = 1.78, against 9 directly: a factor of 5. It is rarely used in float32, because its rounding errors are larger still.',
      [
        [64, 'That is for a tile of 36 outputs.'],
        [9, 'That is the direct sum.'],
        [2.25, 'That is F(4×4, 3×3).'],
        [36 / 36, 'A tile of 6 × 6 outputs reads more than 6 × 6 inputs.'],
      ],
      0.01,
    ),
};
