// Chapter 6: a value that is used twice.
import { near, type Exercise } from '../exercise.ts';
import { backward, Value } from '../figures/value.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'dy/da',
  check: (answer) => {
    const [a, b] = [new Value(2), new Value(3)];
    backward(a.mul(b).add(a.mul(a)));
    return near(answer, a.gradient, 'b from the first product, and a twice from the second: 3 + 2 + 2.', [
      [3, 'That is the contribution of a * b only.'],
      [5, 'a is an input of a * a twice, and each of the two contributes.'],
      [4, 'That is the contribution of a * a only.'],
      [2, 'That is dy/db.'],
    ]);
  },
};
