import { boxArea, boxCount, boxIou, boxOverlap, type BoxData } from '../imagery/boxes.ts';

export type { Detections } from '../imagery/types.ts';

/** Detections as the metrics take them: `Detections`, or the float64 numbers of a file. */
export interface ScoredBoxes {
  readonly boxes: BoxData;
  readonly labels: Int32Array;
  readonly scores: Float32Array | Float64Array;
}

/** The truth about one image as the metrics take it: `Annotations`, or the float64 numbers of a file with what else it says. */
export interface TrueBoxes {
  readonly boxes: BoxData;
  readonly labels: Int32Array;
  /** 1 for the region of a crowd. Default: none is. */
  readonly crowd?: Uint8Array;
  /** 1 for an object that is hard to see. Default: none is. */
  readonly difficult?: Uint8Array;
  /** Square pixels, for COCO's size classes. Default: those of the boxes. */
  readonly areas?: Float64Array;
}

/** What was found in an image and what is there. */
export interface EvaluatedImage {
  readonly detections: ScoredBoxes;
  readonly truth: TrueBoxes;
}

/** Which detection found which true box. */
export interface Matching {
  /** For each detection the index of the true box that it found, or -1 for a false positive. */
  readonly truthOf: Int32Array;
  /** For each true box the index of the detection that found it, or -1 for a miss. */
  readonly detectionOf: Int32Array;
  /** 1 for each detection of a crowd or of a difficult object: -1 in `truthOf`, but no false positive. */
  readonly ignored: Uint8Array;
}

/**
 * The pairs of a detection and a true box that reach an IoU, with detections from the highest score down. Made once and
 * matched at several thresholds.
 */
export interface Overlaps {
  readonly detections: number;
  readonly truths: number;
  /** Detections by descending score; equal scores keep their order. */
  readonly order: Int32Array;
  /** The pairs of detection `order[k]` are numbers `starts[k]` to `starts[k + 1] - 1`, those to be preferred first. */
  readonly starts: Int32Array;
  readonly truth: readonly number[];
  readonly iou: readonly number[];
  /** Whether a true box is neither to be found nor an error when found. */
  readonly isIgnored: (truth: number) => boolean;
}

/** How pairs are found where boxes of one class and their IoU are not what counts. */
export interface OverlapOptions {
  /** Pairs of different classes, too. Default false. */
  readonly anyClass?: boolean;
  /** Replaces the IoU of detection `i` and true box `j`, which is not a crowd; asked only where their boxes may meet. */
  readonly iouOf?: (i: number, j: number) => number;
}

function checkBoxes(op: string, name: string, { boxes, labels }: Omit<TrueBoxes, 'areas'>): void {
  if (boxCount(op, boxes) !== labels.length) {
    throw new RangeError(`${op}: ${boxes.length / 4} boxes and ${labels.length} labels in ${name}, expected as many`);
  }
  const bad = boxes.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`${op}: box ${bad >> 2} of ${name} holds ${boxes[bad]}, expected finite coordinates`);
  }
}

/** Throws a RangeError, in the name of `op`, unless the arrays of an image fit together and hold finite numbers. */
export function checkDetections(op: string, detections: ScoredBoxes, truth: TrueBoxes): void {
  checkBoxes(op, 'detections', detections);
  checkBoxes(op, 'truth', truth);
  const { scores, labels } = detections;
  if (scores.length !== labels.length) {
    throw new RangeError(`${op}: ${scores.length} scores for ${labels.length} detections, expected as many`);
  }
  const bad = scores.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`${op}: the score of detection ${bad} is ${scores[bad]}, expected a finite number`);
  for (const name of ['crowd', 'difficult', 'areas'] as const) {
    const length = truth[name]?.length ?? truth.labels.length;
    if (length !== truth.labels.length) {
      throw new RangeError(
        `${op}: ${length} values of ${name} for ${truth.labels.length} true boxes, expected as many`,
      );
    }
  }
}

/** Throws a RangeError, in the name of `op`, unless an IoU threshold lies in (0, 1]. */
export function checkIouThreshold(op: string, threshold: number): void {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RangeError(`${op}: iouThreshold is ${threshold}, expected a number above 0 and at most 1`);
  }
}

/** Places of scores from the highest down; equal scores keep their order. */
export function byScore(scores: Float32Array | Float64Array): Int32Array {
  return Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** Place of the first element of an ascending array that is at least `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Finds the pairs with an IoU of at least `lowest`; with a crowd, of which there is more than one detection can hold, the
 * share of the detection that lies in it counts instead, as in COCO. Arrays must have been checked.
 */
export function findOverlaps(
  detections: ScoredBoxes,
  truth: TrueBoxes,
  lowest: number,
  options: OverlapOptions = {},
): Overlaps {
  const { boxes, labels } = detections;
  const { anyClass = false, iouOf = (i: number, j: number) => boxIou(boxes, i, truth.boxes, j) } = options;
  const order = byScore(detections.scores);
  // Sorted by their left sides, only true boxes that can reach a detection are looked at: a large image has thousands.
  const leftOf = (j: number) => truth.boxes[4 * j]!;
  const byLeft = Int32Array.from(truth.labels.keys()).sort((a, b) => leftOf(a) - leftOf(b));
  const lefts = Float64Array.from(byLeft, leftOf);
  const widest = byLeft.reduce((most, j) => Math.max(most, truth.boxes[4 * j + 2]! - leftOf(j)), 0);
  const starts = new Int32Array(order.length + 1);
  const truths: number[] = [];
  const ious: number[] = [];
  order.forEach((i, k) => {
    const right = boxes[4 * i + 2]!;
    const pairs: { readonly j: number; readonly iou: number; readonly foreign: number }[] = [];
    for (let at = lowerBound(lefts, boxes[4 * i]! - widest); (lefts[at] ?? Infinity) < right; at++) {
      const j = byLeft[at]!;
      const foreign = truth.labels[j] === labels[i] ? 0 : 1;
      if (foreign === 1 && !anyClass) continue;
      const both = boxOverlap(boxes, i, truth.boxes, j);
      if (both === 0) continue;
      const iou = truth.crowd?.[j] ? both / boxArea(boxes, i) : iouOf(i, j);
      if (iou >= lowest) pairs.push({ j, iou, foreign });
    }
    pairs.sort((a, b) => a.foreign - b.foreign || a.j - b.j);
    for (const { j, iou } of pairs) {
      truths.push(j);
      ious.push(iou);
    }
    starts[k + 1] = truths.length;
  });
  const isIgnored = (j: number) => Boolean(truth.crowd?.[j] || truth.difficult?.[j]);
  return { detections: order.length, truths: byLeft.length, order, starts, truth: truths, iou: ious, isIgnored };
}

/** Matches at a threshold that is not below the one that the pairs were found with. */
export function matchOverlaps(overlaps: Overlaps, iouThreshold: number): Matching {
  const { order, starts, truth, iou, isIgnored } = overlaps;
  const truthOf = new Int32Array(overlaps.detections).fill(-1);
  const detectionOf = new Int32Array(overlaps.truths).fill(-1);
  const ignored = new Uint8Array(overlaps.detections);
  order.forEach((detection, k) => {
    let best = -1;
    let bestIou = 0;
    let ofIgnored = false;
    for (let pair = starts[k]!; pair < starts[k + 1]!; pair++) {
      const value = iou[pair]!;
      const candidate = truth[pair]!;
      if (value < iouThreshold) continue;
      if (isIgnored(candidate)) ofIgnored = true;
      else if (value > bestIou && detectionOf[candidate] === -1) {
        best = candidate;
        bestIou = value;
      }
    }
    if (best !== -1) {
      truthOf[detection] = best;
      detectionOf[best] = detection;
    } else if (ofIgnored) ignored[detection] = 1;
  });
  return { truthOf, detectionOf, ignored };
}

/**
 * Decides which detections of one image are right. Detections take their turn from the highest score down, equal scores
 * in the order given; each takes, among the true boxes of its own class that none has taken yet, the one with the highest
 * IoU (the first of equals), provided that the IoU is at least `iouThreshold`. What takes none is a false positive, so
 * that the second detection of one object is wrong, unless it lies in a crowd or on a difficult object: any number of
 * detections of those is ignored.
 *
 * This is the rule of SpaceNet (proposals by confidence; its evaluation code compares with `>=`, as here). COCO's
 * (`cocoMetrics`) differs in that the last of objects with equal IoU is taken, that an ignored object which is no crowd
 * excuses one detection only, and that it looks at 100 detections of a class. Pascal VOC differs: there a detection whose
 * best true box is taken does not turn to the second best.
 *
 * Throws a RangeError for arrays that do not fit together, numbers that are not finite and thresholds outside (0, 1].
 */
export function matchDetections(
  detections: ScoredBoxes,
  truth: TrueBoxes,
  options: { readonly iouThreshold?: number } = {},
): Matching {
  const { iouThreshold = 0.5 } = options;
  checkIouThreshold('matchDetections', iouThreshold);
  checkDetections('matchDetections', detections, truth);
  return matchOverlaps(findOverlaps(detections, truth, iouThreshold), iouThreshold);
}
