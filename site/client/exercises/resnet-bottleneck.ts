// Chapter 9: weights of a bottleneck.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Weights',
  check: (answer) =>
    near(
      answer,
      256 * 64 + 9 * 64 * 64 + 64 * 256,
      '16,384 + 36,864 + 16,384. One 3 × 3 convolution from 256 to 256 has 589,824.',
      [
        [9 * 64 * 64, 'That is the convolution in the middle only.'],
        [9 * 256 * 256, 'That is one 3 × 3 convolution of 256 channels.'],
        [256 * 64 + 9 * 64 * 64, 'The channels must be restored for the sum.'],
        [2 * 9 * 256 * 256, 'That is a basic block with 256 channels.'],
      ],
    ),
};
