// Chapter 2: sectors that a load down a column touches.
import { near, type Exercise } from '../exercise.ts';
import { sectors } from '../figures/memory-sectors.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Sectors',
  check: (answer) =>
    near(
      answer,
      sectors(100, 0).size,
      'Neighbours are 400 bytes apart, so each needs a sector of its own, and 28 of its 32 bytes are wasted.',
      [
        [sectors(1, 0).size, 'That would be a load along a row, where 8 neighbours share a sector.'],
        [100, 'That is the width of the matrix; how many threads load?'],
      ],
    ),
};
