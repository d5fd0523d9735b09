import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { bestOverlap } from './wgsl/best_overlap.wgsl.ts';
import { encodeMatches as encodeKernel } from './wgsl/encode_matches.wgsl.ts';
import { matchAnchors as matchKernel } from './wgsl/match_anchors.wgsl.ts';

const SIZE = 64;

/** Boxes of a batch, padded to the largest number of boxes in one image. */
export interface BoxBatch {
  /** [N, G, 4]: x1, y1, x2, y2. */
  readonly boxes: Tensor;
  /** [N, G] int32: class of each box. */
  readonly classes: Tensor;
  /** [N] int32: number of boxes of each image; the rest of the G are padding. */
  readonly counts: Tensor;
}

export interface MatchRule {
  /** Minimum IoU of a foreground anchor. */
  readonly high: number;
  /** IoU below which an anchor is background; between the two it is ignored. */
  readonly low: number;
  /** Low-quality matches, of a box's best anchors whatever their IoU. See match_anchors.wgsl. */
  readonly lowQuality: 'none' | 'own' | 'reassign';
  /** Whether boxes that overlap no anchor have no low-quality matches. */
  readonly zeroOverlapGuard: boolean;
}

const lowQualityCodes = { none: 0, own: 1, reassign: 2 } as const;

/** Matches anchors [A, 4] with the boxes of each image: [N, A] int32, index of a box, BACKGROUND or IGNORED. */
export function matchAnchors(anchors: Tensor, batch: BoxBatch, rule: MatchRule): Tensor<'int32'> {
  const op = 'matchAnchors';
  const { device } = anchors;
  const [images, boxes] = batch.boxes.shape as [number, number];
  const count = anchors.shape[0]!;
  const best = empty(device, [images, boxes], 'float32', op);
  const matches = empty(device, [images, count], 'int32', op);
  run(device, bestOverlap, {
    op,
    consts: { SIZE },
    bind: { anchors, boxes: batch.boxes, counts: batch.counts, best },
    params: { anchors: count, boxes },
    groups: [boxes, images],
  });
  run(device, matchKernel, {
    op,
    consts: { SIZE, LOW_QUALITY: lowQualityCodes[rule.lowQuality], GUARD: rule.zeroOverlapGuard },
    bind: { anchors, boxes: batch.boxes, counts: batch.counts, best, matches },
    params: { images, anchors: count, boxes, high: rule.high, low: rule.low },
    groups: linearGroups(device, images * count, SIZE),
  });
  best.dispose();
  return matches;
}

/** What every anchor has to predict. */
export interface Assignment {
  /** [N, A] int32: index of the matched box of the image, BACKGROUND or IGNORED. */
  readonly matches: Tensor<'int32'>;
  /** [N, A] int32: class, BACKGROUND or IGNORED. */
  readonly labels: Tensor<'int32'>;
  /** [N, A, 4]: the matched box, zeros if there is none. */
  readonly boxes: Tensor;
  /** [N, A, 4]: the offsets from the anchor to that box, zeros if there is none. */
  readonly deltas: Tensor;
}

/** Turns matches [N, A] into targets. `weights` scale the four offsets. */
export function encodeMatches(
  anchors: Tensor,
  batch: BoxBatch,
  matches: Tensor,
  [wx, wy, ww, wh]: readonly [number, number, number, number],
): Omit<Assignment, 'matches'> {
  const op = 'encodeMatches';
  const { device } = anchors;
  const [images, count] = matches.shape as [number, number];
  const labels = empty(device, [images, count], 'int32', op);
  const boxes = empty(device, [images, count, 4], 'float32', op);
  const deltas = empty(device, [images, count, 4], 'float32', op);
  run(device, encodeKernel, {
    op,
    consts: { SIZE },
    bind: { anchors, boxes: batch.boxes, classes: batch.classes, matches, labels, matched: boxes, deltas },
    params: { images, anchors: count, boxes: batch.boxes.shape[1]!, wx, wy, ww, wh },
    groups: linearGroups(device, images * count, SIZE),
  });
  return { labels, boxes, deltas };
}
