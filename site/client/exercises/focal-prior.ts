// Chapter 13: the bias of a prior.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Bias',
  check: (answer) =>
    near(
      answer,
      -Math.log(9),
      '(1 - 0.1) / 0.1 = 9, and -ln 9 = -2.197.',
      [
        [Math.log(9), 'The sign: most elements are background.'],
        [-4.595, 'That is the prior of 0.01.'],
        [-Math.log10(9), 'The natural logarithm.'],
      ],
      0.002,
    ),
};
