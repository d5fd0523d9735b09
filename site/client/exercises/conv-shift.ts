// Chapter 4: a filter that moves the image, run by the library.
import { conv2d, init, tensor, tidy } from 'retinagrad';
import { right, wrong, type Exercise } from '../exercise.ts';
import { filter, plane } from '../figures/conv-taps.ts';

const N = 5;
const image = Array.from({ length: N * N }, (_, i) => i + 1);

export const exercise: Exercise = {
  kind: 'text',
  label: 'Nine taps, row by row',
  start: '0 0 0  0 1 0  0 0 0',
  check: async (answer) => {
    const taps = answer
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    if (taps.length !== 9 || taps.some(Number.isNaN)) return wrong(`Expected nine numbers, got ${taps.length}.`);
    await init();
    const y = await tidy(() => conv2d(tensor(plane(image, N)), tensor(filter(taps, 3)), null, { padding: 1 })).data();
    for (const [at, value] of y.entries()) {
      const truth = at % N === N - 1 ? 0 : image[at + 1]!;
      if (value !== truth) return wrong(`y[${Math.floor(at / N)}, ${at % N}] is ${value}, expected ${truth}.`);
    }
    return right('Tap (1, 2) reads the pixel on the right, and the zero of the padding at the edge.');
  },
};
