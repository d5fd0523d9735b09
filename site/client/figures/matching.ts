// What each of 3,069 anchors has to predict for two objects that the reader moves.
import {
  assignTargets,
  IGNORED,
  makeAnchors,
  retinaNetSpec,
  tensor,
  tidy,
  type RetinaNetSpec,
  type Size,
} from 'retinagrad';
import { boxIou } from 'retinagrad/evaluation';
import { boxEditor } from '../detection/scene.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, slider, svg, table, toggle } from '../ui.ts';

const SIDE = 128;
const LEVELS: readonly Size[] = [16, 8, 4, 2, 1].map((side) => [side, side] as const);
const PER_CELL = 9;
const spec = retinaNetSpec('torchvision');

/** A dot for each cell: its radius grows with the number of anchors of a kind. */
function dots(anchors: Float32Array, labels: ArrayLike<number>): SVGElement[] {
  return Array.from({ length: labels.length / PER_CELL }, (_, cell) => {
    const own = Array.from({ length: PER_CELL }, (__, i) => labels[cell * PER_CELL + i]!);
    const foreground = own.filter((label) => label >= 0).length;
    const ignored = own.filter((label) => label === IGNORED).length;
    const [x1, y1, x2, y2] = anchors.subarray(cell * PER_CELL * 4, cell * PER_CELL * 4 + 4) as unknown as number[];
    const kind = foreground > 0 ? 'foreground' : ignored > 0 ? 'ignored' : 'background';
    const r = 0.5 + 0.5 * Math.sqrt(foreground > 0 ? foreground : ignored);
    return svg('circle', { class: `dot ${kind}`, cx: (x1! + x2!) / 2, cy: (y1! + y2!) / 2, r });
  });
}

export const mount: Mount = async (stage) => {
  await device();
  const anchors = makeAnchors(spec.anchors, [SIDE, SIDE], LEVELS);
  const editor = boxEditor('Two objects on a tile of 128 × 128 pixels', { width: SIDE, height: SIDE }, [
    { name: 'Object 0', kind: 'first', box: [40, 40, 72, 72] },
    { name: 'Object 1', kind: 'second', box: [10, 80, 100, 112] },
  ]);
  const high = slider('Foreground from IoU', 0.3, 0.9, 0.5, 0.05, (value) => value.toFixed(2));
  const low = slider('Background below IoU', 0, 0.9, 0.4, 0.05, (value) => value.toFixed(2));
  const quality = choice<RetinaNetSpec['matcher']['lowQuality']>('Low-quality matches', [
    ['own (torchvision)', 'own'],
    ['reassign (MMDetection)', 'reassign'],
    ['none (paper)', 'none'],
  ]);
  const guard = toggle('Guard against objects that overlap nothing', true);
  await controls(stage, [high, low, quality, guard, editor], async () => {
    const boxes = Float32Array.from(editor.value.flat());
    const rule = {
      high: high.value,
      low: Math.min(low.value, high.value),
      lowQuality: quality.value,
      zeroOverlapGuard: guard.value,
    };
    const [labels, matches] = await Promise.all(
      tidy(() => {
        const all = tensor(anchors, { shape: [anchors.length / 4, 4] });
        const { labels: kinds, matches: chosen } = assignTargets(
          all,
          [{ boxes, labels: Int32Array.of(0, 1) }],
          2,
          rule,
          spec.boxCoder,
        );
        return [kinds.data(), chosen.data()];
      }),
    );
    editor.layer.replaceChildren(...dots(anchors, labels!));
    const count = (list: ArrayLike<number>, wanted: (value: number) => boolean): number =>
      Array.from(list).filter(wanted).length;
    const best = (object: number): number =>
      Math.max(...Array.from({ length: anchors.length / 4 }, (_, i) => boxIou(anchors, i, boxes, object)));
    const line = (object: number): string[] => [
      `object ${object}`,
      best(object).toFixed(3),
      String(count(matches!, (value) => value === object)),
    ];
    return [
      table(['', 'best IoU', 'foreground anchors'], [line(0), line(1)]),
      table(
        ['foreground', 'ignored', 'background'],
        [
          [(v: number) => v >= 0, (v: number) => v === IGNORED, (v: number) => v === -1].map((is) =>
            count(labels!, is).toLocaleString('en'),
          ),
        ],
      ),
    ];
  });
};
