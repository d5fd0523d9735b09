import type { Annotations } from '../data/types.ts';
import { boxCount, boxIou } from './iou.ts';

/** What a detector found in one image. */
export interface Detections extends Annotations {
  /** Confidence of each box; higher is surer. Any finite numbers, in any order. */
  readonly scores: Float32Array;
}

/** Which detection found which true box. */
export interface Matching {
  /** For each detection the index of the true box that it found, or -1 for a false positive. */
  readonly truthOf: Int32Array;
  /** For each true box the index of the detection that found it, or -1 for a miss. */
  readonly detectionOf: Int32Array;
}

/**
 * The pairs of a detection and a true box of the same class that reach an IoU, with detections from the highest score
 * down. Made once and matched at several thresholds.
 */
export interface Overlaps {
  readonly detections: number;
  readonly truths: number;
  /** Detections by descending score; equal scores keep their order. */
  readonly order: Int32Array;
  /** The pairs of detection `order[k]` are numbers `starts[k]` to `starts[k + 1] - 1`. */
  readonly starts: Int32Array;
  readonly truth: readonly number[];
  readonly iou: readonly number[];
}

function checkBoxes(op: string, name: string, { boxes, labels }: Annotations): void {
  if (boxCount(op, boxes) !== labels.length) {
    throw new RangeError(`${op}: ${boxes.length / 4} boxes and ${labels.length} labels in ${name}, expected as many`);
  }
  const bad = boxes.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`${op}: box ${bad >> 2} of ${name} holds ${boxes[bad]}, expected finite coordinates`);
  }
}

/** Throws a RangeError, in the name of `op`, unless the arrays of an image fit together and hold finite numbers. */
export function checkDetections(op: string, detections: Detections, truth: Annotations): void {
  checkBoxes(op, 'detections', detections);
  checkBoxes(op, 'truth', truth);
  const { scores, labels } = detections;
  if (scores.length !== labels.length) {
    throw new RangeError(`${op}: ${scores.length} scores for ${labels.length} detections, expected as many`);
  }
  const bad = scores.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`${op}: the score of detection ${bad} is ${scores[bad]}, expected a finite number`);
}

/** Throws a RangeError, in the name of `op`, unless an IoU threshold lies in (0, 1]. */
export function checkIouThreshold(op: string, threshold: number): void {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RangeError(`${op}: iouThreshold is ${threshold}, expected a number above 0 and at most 1`);
  }
}

/** Place of the first element of an ascending array that is at least `value`. */
function lowerBound(sorted: Float32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds the pairs with an IoU of at least `lowest`. Arrays must have been checked. */
export function findOverlaps(detections: Detections, truth: Annotations, lowest: number): Overlaps {
  const { boxes, scores, labels } = detections;
  const order = Int32Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  // Sorted by their left sides, only true boxes that can reach a detection are looked at: a large image has thousands.
  const leftOf = (j: number) => truth.boxes[4 * j] as number;
  const byLeft = Int32Array.from(truth.labels.keys()).sort((a, b) => leftOf(a) - leftOf(b));
  const lefts = Float32Array.from(byLeft, leftOf);
  const widest = byLeft.reduce((most, j) => Math.max(most, (truth.boxes[4 * j + 2] as number) - leftOf(j)), 0);
  const starts = new Int32Array(order.length + 1);
  const truths: number[] = [];
  const ious: number[] = [];
  order.forEach((i, k) => {
    const right = boxes[4 * i + 2] as number;
    for (let at = lowerBound(lefts, (boxes[4 * i] as number) - widest); (lefts[at] ?? Infinity) < right; at++) {
      const j = byLeft[at] as number;
      if (truth.labels[j] !== labels[i]) continue;
      const iou = boxIou(boxes, i, truth.boxes, j);
      if (iou < lowest) continue;
      truths.push(j);
      ious.push(iou);
    }
    starts[k + 1] = truths.length;
  });
  return { detections: order.length, truths: byLeft.length, order, starts, truth: truths, iou: ious };
}

/** Matches at a threshold that is not below the one that the pairs were found with. */
export function matchOverlaps(overlaps: Overlaps, iouThreshold: number): Matching {
  const { order, starts, truth, iou } = overlaps;
  const truthOf = new Int32Array(overlaps.detections).fill(-1);
  const detectionOf = new Int32Array(overlaps.truths).fill(-1);
  order.forEach((detection, k) => {
    let best = -1;
    let bestIou = 0;
    for (let pair = starts[k] as number; pair < (starts[k + 1] as number); pair++) {
      const value = iou[pair] as number;
      const candidate = truth[pair] as number;
      if (value < iouThreshold || value < bestIou || detectionOf[candidate] !== -1) continue;
      if (value === bestIou && candidate > best) continue;
      best = candidate;
      bestIou = value;
    }
    if (best === -1) return;
    truthOf[detection] = best;
    detectionOf[best] = detection;
  });
  return { truthOf, detectionOf };
}

/**
 * Decides which detections of one image are right. Detections take their turn from the highest score down, equal scores
 * in the order given; each takes, among the true boxes of its own class that none has taken yet, the one with the highest
 * IoU (the first of equals), provided that the IoU is at least `iouThreshold`. What takes none is a false positive, so
 * that the second detection of one object is wrong.
 *
 * This is the rule of SpaceNet (proposals by confidence; its evaluation code compares with `>=`, as here) and of COCO.
 * Pascal VOC differs: there a detection whose best true box is taken does not turn to the second best.
 *
 * Throws a RangeError for arrays that do not fit together, numbers that are not finite and thresholds outside (0, 1].
 */
export function matchDetections(
  detections: Detections,
  truth: Annotations,
  options: { readonly iouThreshold?: number } = {},
): Matching {
  const { iouThreshold = 0.5 } = options;
  checkIouThreshold('matchDetections', iouThreshold);
  checkDetections('matchDetections', detections, truth);
  return matchOverlaps(findOverlaps(detections, truth, iouThreshold), iouThreshold);
}
