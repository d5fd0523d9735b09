// Chapter 5: cost of a training step.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'GFLOP for a step',
  check: (answer) =>
    near(
      answer,
      10 + 10 + 10 - 1,
      'dx and dw take as much as the forward pass each, without the dx of the first layer.',
      [
        [30, 'Does every layer need both gradients?'],
        [20, 'That is the forward pass and one of the gradients.'],
        [28, 'The first layer needs its dw.'],
      ],
    ),
};
