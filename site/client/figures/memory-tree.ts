// Workgroup memory after each step of a sum by a tree.
import type { Mount } from '../figure.ts';
import { runKernel } from '../gpu.ts';
import { button, controls, heatmap, note, slider } from '../ui.ts';
import kernel from './memory-tree.wgsl';

const draw = (): Float32Array => Float32Array.from({ length: 32 }, () => Math.floor(Math.random() * 10));

export const mount: Mount = async (stage) => {
  const steps = slider('Steps done', 0, 5, 2);
  let x: Float32Array = Float32Array.from({ length: 32 }, (_, i) => (i * 7 + 3) % 10);
  const again = button('Other numbers', () => (x = draw()));
  await controls(stage, [steps, again], async () => {
    const half = 32 >> steps.value;
    const parts = await runKernel({ code: kernel, inputs: [x], params: [steps.value], size: 32, groups: [1] });
    const total = x.reduce((sum, value) => sum + value, 0);
    return [
      heatmap('Workgroup memory; outlined: partial sums that still count', 16, parts, {
        digits: 0,
        scale: total,
        mark: (r, c) => r * 16 + c < half,
      }),
      note(
        steps.value === 0
          ? `Each of 32 threads has loaded one number. Their sum is ${total}.`
          : `Step ${steps.value}: threads 0 to ${half - 1} added what lies ${half} places further. ` +
              (half === 1 ? `Element 0 holds the sum, ${parts[0]}.` : `The outlined ${half} add up to ${total}.`),
      ),
    ];
  });
};
