// Chapter 10: cells of all levels.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Cells',
  check: (answer) =>
    near(
      answer,
      32 ** 2 + 16 ** 2 + 8 ** 2 + 4 ** 2 + 2 ** 2,
      '1,024 + 256 + 64 + 16 + 4: four times as many as 341.',
      [
        [341, 'That is a tile of 128 × 128 pixels.'],
        [1024, 'That is P3 alone.'],
      ],
    ),
};
