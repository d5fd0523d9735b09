// Chapter 8: the first step of Adam, by the library.
import { Adam, backward, init, mul, Parameter, sum, tensor, tidy } from 'retinagrad';
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'The parameter after one step',
  check: async (answer) => {
    await init();
    const p = new Parameter(tensor([5]));
    const optimizer = new Adam([p], { lr: 0.1 });
    tidy(() => backward(sum(mul(p, 1000))));
    optimizer.step();
    const truth = (await p.data())[0]!;
    p.dispose();
    return near(
      answer,
      truth,
      'The corrected moments are g and g², so that the step is lr · g / |g|: it does not depend on the size of the gradient.',
      [
        [-95, 'That is SGD: lr times the gradient.'],
        [5.1, 'The gradient is positive: go down.'],
        [5 - (0.1 * 0.1) / Math.sqrt(0.001), 'That is without the corrections of the two moments.'],
      ],
      1e-4,
    );
  },
};
