// Chapter 8: the speed that momentum reaches under a constant gradient.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Length of a step',
  check: (answer) => {
    let m = 0;
    for (let step = 0; step < 1000; step++) m = 0.9 * m + 2;
    return near(
      answer,
      0.01 * m,
      'm settles where m = 0.9 m + 2, at 20: ten times the gradient. So a rate for SGD is a tenth with momentum 0.9.',
      [
        [0.02, 'That is the first step. Momentum adds up.'],
        [20, 'That is m; a step is lr · m.'],
        [0.018, 'The newest gradient counts in full, on top of 0.9 of what was there.'],
      ],
      1e-6,
    );
  },
};
