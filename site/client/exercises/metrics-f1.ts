// Chapter 16: an F1.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'F1',
  check: (answer) =>
    near(
      answer,
      160 / 200,
      'TP 80, FP 20, FN 20: 160 / (160 + 20 + 20).',
      [[80 / 120, 'That is TP / (TP + FP + FN), the Jaccard index.']],
      0.001,
    ),
};
