// Chapter 1: workgroups for a number of elements.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Workgroups',
  check: (answer) =>
    near(
      answer,
      Math.ceil(1000 / 64),
      '15 workgroups cover 960 elements; the 16th computes the last 40 and idles with 24 threads.',
      [
        [1000 / 64, 'A workgroup is launched whole: there is no fraction of one.'],
        [15, 'That covers 960 elements; who computes the last 40?'],
        [1000, 'That is the number of elements; each workgroup computes 64 of them.'],
      ],
    ),
};
