// Chapter 6: memory with checkpoints.
import { near, type Exercise } from '../exercise.ts';

const held = (segment: number): number => Math.ceil(64 / segment) + segment;
const best = Math.min(...Array.from({ length: 64 }, (_, i) => held(i + 1)));

export const exercise: Exercise = {
  kind: 'number',
  label: 'Activations',
  check: (answer) =>
    near(answer, best, 'Segments of 8: eight inputs kept, and eight activations while a segment runs again.', [
      [64, 'That is without checkpoints.'],
      [
        8,
        'That is the length of the best segment; count both what is kept and what a segment needs while it runs again.',
      ],
      [65, 'That is one checkpoint only, or 64: try something between.'],
    ]),
};
