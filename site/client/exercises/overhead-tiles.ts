// Chapter 18: tiles of a raster.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Tiles',
  check: (answer) =>
    near(answer, 100, '(4096 - 102) / (512 - 102) = 9.74: ten along each side.', [
      [64, 'That is without overlap.'],
      [10, 'Along each side; squared.'],
      [81, 'Rounded up, not down.'],
    ]),
};
