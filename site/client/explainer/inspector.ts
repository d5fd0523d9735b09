// Where a box comes from: its anchor, what the heads said of it, and which pixels mattered.
import { decodeBox } from 'retinagrad';
import type { Detector } from 'retinagrad/detector';
import { boxIou } from 'retinagrad/evaluation';
import { cornersAt } from '../detection/scene.ts';
import type { Tile } from '../detection/tiles.ts';
import { table } from '../ui.ts';
import { influence, placeOf, type Analysis, type Found, type Judged } from './network.ts';
import { influenceMap } from './views.ts';

/** What the explainer has computed of an image. */
export interface Shown {
  readonly tile: Tile;
  readonly analysis: Analysis;
  readonly anchors: Float32Array;
  readonly perCell: number;
  readonly found: readonly Found[];
  readonly candidates: number;
  readonly truth: Judged;
}

const corners = (values: readonly number[]): string => `[${values.map((value) => value.toFixed(1)).join(', ')}]`;

/** The numbers behind a box. */
export function factsOf({ spec }: Detector, shown: Shown, { anchor, score, box }: Found): HTMLElement {
  const { tile, analysis, anchors, truth, perCell } = shown;
  const { level, row, column, shape } = placeOf(anchor, analysis.levels, perCell);
  const deltas = Array.from({ length: 4 }, (_, k) => analysis.host.deltas[4 * anchor + k]!);
  const decoded = decodeBox(Float32Array.from(deltas), 0, anchors, anchor, spec.boxCoder);
  const overlaps = Array.from(tile.labels, (_, i) => boxIou(Float32Array.from(box), 0, tile.boxes, i));
  const match = truth.matches[anchor]!;
  const logit = analysis.host.logits[anchor]!;
  return table(
    ['This box', ''],
    [
      ['anchor', `${anchor} of ${anchors.length / 4}`],
      ['made at', `P${level + 3}, row ${row}, column ${column}, shape ${shape}`],
      ['anchor box', corners(cornersAt(anchors, anchor))],
      ['logit', logit.toFixed(3)],
      ['score', `sigmoid(${logit.toFixed(3)}) = ${score.toFixed(3)}`],
      ['dx, dy, dw, dh', deltas.map((value) => value.toFixed(3)).join(', ')],
      ['decoded', corners(decoded)],
      ['best IoU with a building', overlaps.length === 0 ? '–' : Math.max(...overlaps).toFixed(3)],
      ['in training', match >= 0 ? `foreground, of building ${match}` : match === -2 ? 'ignored' : 'background'],
    ],
  );
}

/** The map of the pixels that mattered for a box. */
export function influenceOf(detector: Detector, { analysis }: Shown, { anchor }: Found): Promise<HTMLElement> {
  const gradient = influence(detector, analysis, anchor);
  const map = influenceMap(gradient);
  gradient.dispose();
  return map;
}
