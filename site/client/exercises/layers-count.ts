// Chapter 7: parameters of a convolution, counted by the library.
import { Conv2d, init } from 'retinagrad';
import { near, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'Parameters',
  check: async (answer) => {
    await init();
    const conv = new Conv2d(64, 128, { kernel: 3 });
    const count = [...conv.parameters()].reduce((sum, { size }) => sum + size, 0);
    for (const parameter of conv.parameters()) parameter.dispose();
    return near(answer, count, '3 · 3 · 64 · 128 weights and 128 biases.', [
      [count - 128, 'The bias is missing.'],
      [64 * 128 + 128, 'A filter has nine taps.'],
      [9 * 128 + 128, 'Each output channel looks at all input channels.'],
    ]);
  },
};
