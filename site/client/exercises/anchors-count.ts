// Chapter 11: anchors of a tile.
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Anchors',
  check: (answer) =>
    near(answer, 9 * 1364, '1,364 cells with 9 anchors each.', [
      [1364, 'Those are the cells; each has nine anchors.'],
      [3069, 'That is a tile of 128 × 128 pixels.'],
    ]),
};
