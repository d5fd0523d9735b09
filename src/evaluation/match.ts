import { checkNumber } from '../common/check.ts';
import { boxArea, boxCount, boxIou, boxOverlap, type BoxData } from '../imagery/boxes.ts';

export type { Detections } from '../imagery/types.ts';

/** Detections as the metrics take them: `Detections`, or the float64 numbers of a file. */
export interface ScoredBoxes {
  readonly boxes: BoxData;
  readonly labels: Int32Array;
  readonly scores: Float32Array | Float64Array;
}

/** Ground truth of one image as the metrics take it: `Annotations`, or the float64 numbers and flags of a file. */
export interface TrueBoxes {
  readonly boxes: BoxData;
  readonly labels: Int32Array;
  /** 1 for the region of a crowd. Default: none. */
  readonly crowd?: Uint8Array;
  /** 1 for an object that is hard to see. Default: none. */
  readonly difficult?: Uint8Array;
  /** Square pixels, for COCO's size classes. Default: those of the boxes. */
  readonly areas?: Float64Array;
}

/** Detections and ground truth of an image. */
export interface EvaluatedImage {
  readonly detections: ScoredBoxes;
  readonly truth: TrueBoxes;
}

/** Which detection is matched with which true box. */
export interface Matching {
  /** For each detection the index of its true box, or -1 for a false positive. */
  readonly truthOf: Int32Array;
  /** For each true box the index of its detection, or -1 for a miss. */
  readonly detectionOf: Int32Array;
  /** 1 for each detection of a crowd or a difficult object, which is -1 in `truthOf` but no false positive. */
  readonly ignored: Uint8Array;
}

/**
 * The pairs of a detection and a true box with a minimum IoU, with detections from the highest score down. Computed once
 * and matched at several thresholds.
 */
export interface Overlaps {
  readonly detections: number;
  readonly truths: number;
  /** Detections by descending score; equal scores keep their order. */
  readonly order: Int32Array;
  /** The pairs of detection `order[k]` are numbers `starts[k]` to `starts[k + 1] - 1`, in order of preference. */
  readonly starts: Int32Array;
  readonly truth: readonly number[];
  readonly iou: readonly number[];
  /** Whether a true box need not be found and is no error when found. */
  readonly isIgnored: (truth: number) => boolean;
}

/** How pairs are found if not by class and the IoU of boxes. */
export interface OverlapOptions {
  /** Includes pairs of different classes. Default false. */
  readonly anyClass?: boolean;
  /** Replaces the IoU of detection `i` and true box `j`, which is not a crowd; called only where their boxes overlap. */
  readonly iouOf?: (i: number, j: number) => number;
}

function checkBoxes(op: string, name: string, { boxes, labels }: Omit<TrueBoxes, 'areas'>): void {
  if (boxCount(op, boxes) !== labels.length) {
    throw new RangeError(
      `${op}: ${boxes.length / 4} boxes and ${labels.length} labels in ${name}, expected the same number`,
    );
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
    throw new RangeError(`${op}: ${scores.length} scores for ${labels.length} detections, expected the same number`);
  }
  const bad = scores.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`${op}: the score of detection ${bad} is ${scores[bad]}, expected a finite number`);
  for (const name of ['crowd', 'difficult', 'areas'] as const) {
    const length = truth[name]?.length ?? truth.labels.length;
    if (length !== truth.labels.length) {
      throw new RangeError(
        `${op}: ${length} values of ${name} for ${truth.labels.length} true boxes, expected the same number`,
      );
    }
  }
}

/** Throws a RangeError, in the name of `op`, unless an IoU threshold lies in (0, 1]. */
export function checkIouThreshold(op: string, threshold: number): void {
  checkNumber(op, 'iouThreshold', threshold, { above: 0, max: 1 });
}

/** Positions of scores from the highest down; equal scores keep their order. */
export function byScore(scores: Float32Array | Float64Array): Int32Array {
  return Int32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** Position of the first element of an ascending array that is at least `value`. */
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

/** Boxes of similar width. */
interface Column {
  /** Positions of the boxes, by ascending left side. */
  readonly members: Int32Array;
  readonly lefts: Float64Array;
  readonly widest: number;
}

/**
 * Boxes sorted by their left sides, so that only those that may overlap are compared: a large image has thousands. Those
 * whose width has the same power of two are apart from others, because the widest decides how far to the left one looks.
 */
function byWidth(boxes: BoxData): Column[] {
  const groups = new Map<number, number[]>();
  const leftOf = (j: number): number => boxes[4 * j]!;
  const widthOf = (j: number): number => boxes[4 * j + 2]! - leftOf(j);
  for (let j = 0; j < boxes.length / 4; j++) {
    const power = Math.floor(Math.log2(Math.max(widthOf(j), Number.MIN_VALUE)));
    const group = groups.get(power);
    if (group === undefined) groups.set(power, [j]);
    else group.push(j);
  }
  return [...groups.values()].map((group) => {
    const members = Int32Array.from(group).sort((a, b) => leftOf(a) - leftOf(b));
    const widest = members.reduce((most, j) => Math.max(most, widthOf(j)), 0);
    return { members, lefts: Float64Array.from(members, leftOf), widest };
  });
}

/**
 * Finds the pairs with an IoU of at least `lowest`. For a crowd, which is larger than any detection of its members, the
 * fraction of the detection inside it is used instead, as in COCO. Arrays must have been checked (`checkDetections`).
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
  const columns = byWidth(truth.boxes);
  const starts = new Int32Array(order.length + 1);
  const truths: number[] = [];
  const ious: number[] = [];
  order.forEach((i, k) => {
    const right = boxes[4 * i + 2]!;
    const pairs: { readonly j: number; readonly iou: number; readonly foreign: number }[] = [];
    for (const { lefts, members, widest } of columns) {
      for (let at = lowerBound(lefts, boxes[4 * i]! - widest); (lefts[at] ?? Infinity) < right; at++) {
        const j = members[at]!;
        const foreign = truth.labels[j] === labels[i] ? 0 : 1;
        if (foreign === 1 && !anyClass) continue;
        const both = boxOverlap(boxes, i, truth.boxes, j);
        if (both === 0) continue;
        const iou = truth.crowd?.[j] ? both / boxArea(boxes, i) : iouOf(i, j);
        if (iou >= lowest) pairs.push({ j, iou, foreign });
      }
    }
    pairs.sort((a, b) => a.foreign - b.foreign || a.j - b.j);
    for (const { j, iou } of pairs) {
      truths.push(j);
      ious.push(iou);
    }
    starts[k + 1] = truths.length;
  });
  const isIgnored = (j: number) => Boolean(truth.crowd?.[j] || truth.difficult?.[j]);
  return { detections: order.length, truths: truth.labels.length, order, starts, truth: truths, iou: ious, isIgnored };
}

/** Matches at a threshold that is not below the minimum IoU of the pairs. */
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
 * Decides which detections of one image are correct. Detections are processed from the highest score down, equal scores in
 * the order given. Each is matched with the true box of its class with the highest IoU (the first of equals) among those
 * that are still free, provided that the IoU is at least `iouThreshold`. A detection without a match is a false positive,
 * so a second detection of one object is an error; but any number of detections of crowds and difficult objects is ignored.
 *
 * This is the rule of SpaceNet (proposals by confidence; its evaluation code compares with `>=`, as here). COCO's rule
 * (`cocoMetrics`) differs: the last of objects with equal IoU is matched, an ignored object that is no crowd absorbs only
 * one detection, and 100 detections per class count. In Pascal VOC, a detection whose best true box is taken is not matched
 * with the second best.
 *
 * @throws RangeError for arrays that do not fit together, numbers that are not finite and thresholds outside (0, 1]
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
