// Chapter 12: which object an anchor predicts.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Object',
  check: (answer) =>
    near(
      answer,
      1,
      '0.6 is at least 0.5 with object 1, and even where object 0 claims the anchor, own keeps the object that it overlaps most. MMDetection’s reassign would give it to object 0.',
      [[0, 'That is what reassign does.']],
    ),
};
