// The anchors of one cell over a tile, and how many buildings the anchors of all cells reach.
import { anchorsPerCell, makeAnchors, max, retinaNetSpec, tensor, tidy, type Size } from 'retinagrad';
import { pairwiseOverlap } from '../detection/overlap.ts';
import { cornersAt, outline, scene } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, row, slider, table } from '../ui.ts';

const SIDE = 128;
const LEVELS: readonly Size[] = [16, 8, 4, 2, 1].map((side) => [side, side] as const);
const THIRDS = [1, 2 ** (1 / 3), 2 ** (2 / 3)];

export const mount: Mount = async (stage) => {
  await device();
  const tiles = Array.from({ length: 12 }, (_, i) => makeTile(i));
  const boxes = Float32Array.from(tiles.flatMap((tile) => [...tile.boxes]));
  const base = slider('Smallest anchor b', 4, 64, 11, 1, (value) => `${value} px`);
  const ratios = choice('Ratios', [
    ['½, 1, 2', [0.5, 1, 2]],
    ['1', [1]],
    ['⅓, ½, 1, 2, 3', [1 / 3, 0.5, 1, 2, 3]],
  ]);
  const offset = choice('Centre of a cell', [
    ['corner (0)', 0],
    ['middle (0.5)', 0.5],
  ]);
  const level = slider('Level', 3, 7, 3, 1, (value) => `P${value}`);
  const across = slider('Column', 0, 1, 0.5, 1 / 16, (value) => `${Math.round(value * 100)} %`);
  const down = slider('Row', 0, 1, 0.5, 1 / 16, (value) => `${Math.round(value * 100)} %`);
  await controls(stage, [base, ratios, offset, level, across, down], async () => {
    const spec = {
      ...retinaNetSpec('paper').anchors,
      offset: offset.value,
      ratios: ratios.value,
      sizes: LEVELS.map((_, l) => THIRDS.map((third) => base.value * 2 ** l * third)),
    };
    const anchors = makeAnchors(spec, [SIDE, SIDE], LEVELS);
    const count = anchors.length / 4;
    const best = await tidy(() =>
      max(pairwiseOverlap(tensor(boxes, { shape: [boxes.length / 4, 4] }), tensor(anchors, { shape: [count, 4] })), 1),
    ).data();

    const perCell = anchorsPerCell(spec);
    const [side] = LEVELS[level.value - 3]!;
    const before = LEVELS.slice(0, level.value - 3).reduce((sum, [h, w]) => sum + h * w, 0);
    const at = (fraction: number): number => Math.min(side - 1, Math.floor(fraction * side));
    const first = (before + at(down.value) * side + at(across.value)) * perCell;
    const [tile] = tiles;
    const shown = [
      ...Array.from(tile!.labels, (_, i) => outline(cornersAt(tile!.boxes, i), best[i]! >= 0.5 ? 'found' : 'missed')),
      ...Array.from({ length: perCell }, (_, i) => outline(cornersAt(anchors, first + i), 'anchor')),
    ];
    const fraction = (low: number, high: number): string => {
      const group = [...best.keys()].filter((i) => {
        const [x1, y1, x2, y2] = cornersAt(boxes, i);
        const size = Math.sqrt((x2 - x1) * (y2 - y1));
        return size >= low && size < high;
      });
      const good = group.filter((i) => best[i]! >= 0.5).length;
      return group.length === 0 ? '–' : `${good} of ${group.length} (${Math.round((100 * good) / group.length)} %)`;
    };
    const mean = Array.from(best).reduce((sum, value) => sum + value, 0) / best.length;
    return [
      row(
        scene('A tile with its buildings and the anchors of one cell', tile!, ...shown),
        table(
          ['buildings of 12 tiles', 'best IoU ≥ 0.5'],
          [
            ['all', fraction(0, Infinity)],
            ['below 16 px', fraction(0, 16)],
            ['16 to 32 px', fraction(16, 32)],
            ['from 32 px', fraction(32, Infinity)],
            ['mean best IoU', mean.toFixed(3)],
            ['anchors of a tile', count.toLocaleString('en')],
          ],
        ),
      ),
    ];
  });
};
