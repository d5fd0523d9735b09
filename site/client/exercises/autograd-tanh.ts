// Chapter 6: a derivative in terms of the result, compared with the library's.
import { grad, init, tanh, tensor, tidy } from 'retinagrad';
import { right, wrong, type Exercise } from '../exercise.ts';
import { evaluate } from '../figures/expression.ts';

const XS = [-2, -0.5, 0, 0.25, 1.5];
const DYS = [1, -2, 3, 0.5, 2];

export const exercise: Exercise = {
  kind: 'text',
  label: 'dx =',
  start: 'dy * …',
  check: async (answer) => {
    await init();
    const truth = await tidy(() => {
      const x = tensor(XS, { requiresGrad: true });
      return grad(tanh(x), [x], { gradient: tensor(DYS) })[0]!;
    }).data();
    for (const [i, x] of XS.entries()) {
      const given = evaluate<number>(answer, {
        number: (value) => value,
        name: (name) => ({ y: Math.tanh(x), dy: DYS[i]! })[name],
        add: (a, b) => a + b,
        sub: (a, b) => a - b,
        mul: (a, b) => a * b,
        div: (a, b) => a / b,
        functions: {},
      });
      if (!(Math.abs(given - truth[i]!) < 1e-5))
        return wrong(
          `At y = ${Math.tanh(x).toFixed(4)} and dy = ${DYS[i]} yours is ${given.toFixed(4)}, the library's ${truth[i]!.toFixed(4)}.`,
        );
    }
    return right('Since only y is needed, x can be freed after the forward pass.');
  },
};
