// Chapter 9: the gradient through ten blocks.
import { near, type Exercise } from '../exercise.ts';
import { backward, Value } from '../figures/value.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'dy/dx, to two decimals',
  check: (answer) => {
    const x = new Value(1);
    let y = x;
    for (let block = 0; block < 10; block++) y = y.add(y.mul(new Value(0.1)));
    backward(y);
    return near(
      answer,
      x.gradient,
      '1.1 to the power of 10. Without the shortcuts it would be 0.1 to the power of 10, a ten-billionth.',
      [
        [2, 'The blocks follow each other: slopes are multiplied, not added.'],
        [1e-10, 'That is without the shortcuts.'],
        [1.1, 'That is one block.'],
      ],
      0.005,
    );
  },
};
