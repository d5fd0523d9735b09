// Which thread computes which element: what each thread of a launch wrote.
import type { Mount } from '../figure.ts';
import { runKernel } from '../gpu.ts';
import { choice, controls, heatmap, note, slider } from '../ui.ts';
import kernel from './thread-map.wgsl';

const COLUMNS = 16;

export const mount: Mount = async (stage) => {
  const elements = slider('Elements', 1, 128, 50);
  const size = choice(
    'Threads in a workgroup',
    [8, 16, 32].map((n) => [String(n), n] as const),
    1,
  );
  await controls(stage, [elements, size], async () => {
    const groups = Math.ceil(elements.value / size.value);
    const threads = groups * size.value;
    const code = kernel.replace('@workgroup_size(16)', `@workgroup_size(${size.value})`);
    const wrote = await runKernel({ code, inputs: [], params: [elements.value], size: threads, groups: [groups] });
    const picture = heatmap(
      'Number of the workgroup that wrote each element; empty: the thread returned at the guard',
      COLUMNS,
      wrote,
      {
        digits: 0,
        skip: (r, c) => wrote[r * COLUMNS + c] === 0,
      },
    );
    const idle = threads - elements.value;
    return [
      picture,
      note(
        `${groups} ${groups === 1 ? 'workgroup' : 'workgroups'} of ${size.value} = ${threads} threads, of which ${idle} do nothing.`,
      ),
    ];
  });
};
