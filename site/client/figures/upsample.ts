// A row of cells enlarged by the kernel of the pyramid.
import { reshape, tensor, tidy, upsampleNearest } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, heatmap, note, slider } from '../ui.ts';

export const mount: Mount = async (stage) => {
  await device();
  const from = slider('h, cells of the coarse map', 1, 13, 13);
  const to = slider('p, cells of the fine map', 1, 26, 25);
  await controls(stage, [from, to], async () => {
    const coarse = Array.from({ length: from.value }, (_, i) => i);
    const fine = await tidy(() =>
      upsampleNearest(reshape(tensor(coarse), [1, 1, from.value, 1]), [1, to.value]),
    ).data();
    const counts = coarse.map((i) => fine.filter((value) => value === i).length);
    return [
      heatmap('Coarse: the number of each cell', from.value, coarse, { digits: 0, scale: 26 }),
      heatmap('Fine: which cell each one repeats', to.value, fine, { digits: 0, scale: 26 }),
      note(`Each coarse cell is repeated ${Math.min(...counts)} to ${Math.max(...counts)} times.`),
    ];
  });
};
