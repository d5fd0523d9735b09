// Chapter 7: a running mean.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Running mean',
  check: (answer) => {
    let running = 0;
    for (let batch = 0; batch < 3; batch++) running = 0.9 * running + 0.1 * 10;
    return near(
      answer,
      running,
      '1, then 0.9 + 1 = 1.9, then 1.71 + 1 = 2.71. After 44 batches it has covered 99 %.',
      [
        [10, 'It approaches 10, but has seen only three batches.'],
        [3, 'What was there shrinks by 0.9 each time.'],
        [
          10 * 0.9 ** 3,
          "Momentum is the weight of the newest batch here (PyTorch's convention), not of the old value.",
        ],
        [1.9, 'That is after two batches.'],
      ],
      0.005,
    );
  },
};
