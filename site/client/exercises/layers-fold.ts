// Chapter 7: a fixed normalisation as a scale and a shift.
import type { Exercise } from '../exercise.ts';
import { sameNumbers } from '../numbers.ts';

const [gamma, beta, mean, variance] = [3, 1, 2, 4] as const;
const scale = gamma / Math.sqrt(variance);

export const exercise: Exercise = {
  kind: 'text',
  label: 'scale, shift',
  check: (answer) =>
    sameNumbers(
      answer,
      [scale, beta - mean * scale],
      'answer',
      'So it costs one multiplication and one addition, and a convolution can do both as it writes its result.',
    ),
};
