// The rounding error of a long sum, in a chain and as the library adds.
import { full, sum, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device, runKernel } from '../gpu.ts';
import { choice, controls, note, plot } from '../ui.ts';
import kernel from './memory-rounding.wgsl';

const POWERS = Array.from({ length: 9 }, (_, i) => i + 10);

export const mount: Mount = async (stage) => {
  await device();
  const value = choice('Each element is', [
    ['0.1', 0.1],
    ['1', 1],
    ['0.3', 0.3],
  ]);
  await controls(stage, [value], async () => {
    const x = Math.fround(value.value);
    const chain: [number, number][] = [];
    const tree: [number, number][] = [];
    for (const power of POWERS) {
      const count = 2 ** power;
      const truth = x * count;
      const [one] = await runKernel({
        code: kernel,
        inputs: [Float32Array.of(x)],
        params: [count],
        size: 1,
        groups: [1],
      });
      const ours = await tidy(() => sum(full([count], x))).item();
      chain.push([power, Math.abs(one! - truth) / truth]);
      tree.push([power, Math.abs(ours - truth) / truth]);
    }
    const series = [
      { name: 'one thread, in sequence', points: chain },
      { name: "the library's sum", points: tree },
    ];
    return [
      plot(series, {
        x: 'number of elements, as a power of two',
        y: 'relative error',
        rangeY: [0, Math.max(1e-6, ...chain.map(([, e]) => e))],
      }),
      note(
        `Of ${2 ** POWERS.at(-1)!} elements the chain is off by ${(chain.at(-1)![1] * 100).toPrecision(2)} %, ` +
          `the library by ${(tree.at(-1)![1] * 100).toPrecision(2)} %.`,
      ),
    ];
  });
};
