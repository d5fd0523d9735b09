// How many sectors of memory a load of 32 threads touches, by arithmetic.
import type { Mount } from '../figure.ts';
import { controls, heatmap, note, slider } from '../ui.ts';

const LANES = 32;
/** Floats in a sector of 32 bytes. */
const SECTOR = 8;

/** Sectors that lanes touch which load every `stride`th float, from float `start` on. */
export const sectors = (stride: number, start: number): Set<number> =>
  new Set(Array.from({ length: LANES }, (_, lane) => Math.floor((start + lane * stride) / SECTOR)));

export const mount: Mount = async (stage) => {
  const stride = slider('Distance between neighbours', 0, 16, 1);
  const start = slider('First index', 0, 8, 0);
  await controls(stage, [stride, start], () => {
    const loaded = new Set(Array.from({ length: LANES }, (_, lane) => start.value + lane * stride.value));
    const touched = sectors(stride.value, start.value);
    const cells = Array.from({ length: 512 + SECTOR * 8 }, (_, i) =>
      loaded.has(i) ? 1 : touched.has(Math.floor(i / SECTOR)) ? 0.3 : 0,
    );
    const useful = (loaded.size * 4) / (touched.size * 32);
    return [
      heatmap('Memory, 64 floats in a row; dark: loaded, pale: fetched with it', 64, cells, { scale: 1 }),
      note(
        `32 threads load ${loaded.size} different floats from ${touched.size} sectors of 32 bytes, ` +
          `at 4 sectors in a cycle ${Math.ceil(touched.size / 4)} ${touched.size <= 4 ? 'cycle' : 'cycles'}. ` +
          `${Math.round(useful * 100)} % of what is fetched is used.`,
      ),
    ];
  });
};
