// Chapter 3: reads outside of the chip with tiles.
import { near, type Exercise } from '../exercise.ts';

const N = 1024;
const TILE = 16;

export const exercise: Exercise = {
  kind: 'number',
  label: 'Numbers read from memory',
  check: (answer) =>
    near(
      answer,
      (2 * N ** 3) / TILE,
      'N³ / 16 of a and as many of b, where the naive kernel asks for 2 N³ = 2,147,483,648.',
      [
        [N ** 3 / TILE, 'That is one of the two matrices.'],
        [2 * N ** 2, 'That would be each number once: the tile would have to be as large as the matrix.'],
        [2 * N ** 3, 'That is the naive kernel, without tiles.'],
        [
          (2 * N ** 3) / TILE ** 2,
          'A number of a tile serves 16 threads, those of its row or its column, not all 256.',
        ],
      ],
    ),
};
