// Chapter 8: largest stable rate of gradient descent.
import { right, wrong, type Exercise } from '../exercise.ts';

const CURVATURE = 50;
/** Distance from the minimum after 100 steps from 1. */
const after = (lr: number): number => Math.abs((1 - lr * CURVATURE) ** 100);

export const exercise: Exercise = {
  kind: 'number',
  label: 'Learning rate',
  check: (lr) => {
    if (lr <= 0) return wrong('A rate is positive.');
    if (after(lr) > 1 + 1e-9)
      return wrong(
        `With ${lr} the distance from the minimum is ${after(lr).toExponential(1)} after 100 steps: it grows.`,
      );
    if (Math.abs(lr - 2 / CURVATURE) > 1e-9)
      return wrong(
        `With ${lr} it still shrinks, to ${after(lr).toExponential(1)} after 100 steps: there is a larger rate.`,
      );
    return right(
      'At 2 / 50 each step jumps to the other side, at the same distance. The best rate is half of it, 1 / 50.',
    );
  },
};
