import { boxArea } from '../imagery/boxes.ts';
import { byScore, findOverlaps, type EvaluatedImage, type Overlaps } from './match.ts';
import { linspace } from './numpy.ts';

/** IoU thresholds 0.50, 0.55, .. 0.95, rounded as in pycocotools: `np.linspace(.5, .95, 10)`. */
export const cocoIous: Float64Array = linspace(0.5, 0.95, 10);
/** Maximum number of detections of a class in an image that count. */
export const cocoMaxDetections = 100;
/** Square pixels of all, small, medium and large objects; both ends belong to a range. */
const cocoAreas = [
  [0, 1e10],
  [0, 1024],
  [1024, 9216],
  [9216, 1e10],
] as const;

/** Outcome of a detection. */
export const WRONG = 0;
export const RIGHT = 1;
export const IGNORED = 2;

/** One class in all images, detections from the highest score down. */
export interface CocoClass {
  /** Position of the image of each detection. */
  readonly image: Int32Array;
  /** 0 for the highest-scoring detection of this class in its image, 1 for the next. */
  readonly rank: Uint8Array;
  /** `WRONG`, `RIGHT` or `IGNORED` of each detection, for range `a` of `cocoAreas` and IoU `t` at `[a][t]`. */
  readonly states: readonly (readonly Uint8Array[])[];
  /** Objects to be found in range `a` in image `i`, at `[a][i]`. */
  readonly objects: readonly Int32Array[];
}

/** A detection that counts. */
interface Kept {
  /** Position in `Overlaps.order`. */
  readonly at: number;
  readonly label: number;
  readonly rank: number;
  readonly score: number;
  readonly area: number;
}

/** The 100 highest-scoring detections of each class, by descending score. */
function keep({ detections }: EvaluatedImage, { order }: Overlaps, classes: number): Kept[] {
  const ranks = new Int32Array(classes);
  const kept: Kept[] = [];
  order.forEach((i, at) => {
    const label = detections.labels[i]!;
    const rank = ranks[label]!;
    if (rank === cocoMaxDetections) return;
    ranks[label] = rank + 1;
    kept.push({ at, label, rank, score: detections.scores[i]!, area: boxArea(detections.boxes, i) });
  });
  return kept;
}

/** Number of detections of each class that are kept in all images. */
function countKept(images: readonly EvaluatedImage[], classes: number): Int32Array {
  const total = new Int32Array(classes);
  for (const { detections } of images) {
    const counts = new Int32Array(classes);
    for (const label of detections.labels) counts[label] = counts[label]! + 1;
    counts.forEach((count, label) => (total[label] = total[label]! + Math.min(count, cocoMaxDetections)));
  }
  return total;
}

/**
 * Matches as COCOeval does: each detection takes the free object with the highest IoU (the last of equals), or, only if
 * there is none, an ignored object, which no other detection can take then unless it is a crowd.
 */
function match(
  kept: readonly Kept[],
  { starts, truth, iou, truths }: Overlaps,
  threshold: number,
  isIgnored: Uint8Array,
  crowd: Uint8Array | undefined,
  [low, high]: readonly [number, number],
): Uint8Array {
  const taken = new Uint8Array(truths);
  return Uint8Array.from(kept, ({ at, area }) => {
    for (const ignored of [0, 1]) {
      let best = -1;
      let bestIou = Math.min(threshold, 1 - 1e-10);
      for (let pair = starts[at]!; pair < starts[at + 1]!; pair++) {
        const candidate = truth[pair]!;
        if (isIgnored[candidate] !== ignored || (taken[candidate] && !crowd?.[candidate])) continue;
        if (iou[pair]! < bestIou) continue;
        best = candidate;
        bestIou = iou[pair]!;
      }
      if (best === -1) continue;
      taken[best] = 1;
      return ignored === 1 ? IGNORED : RIGHT;
    }
    return area < low || area > high ? IGNORED : WRONG;
  });
}

/** Matches all detections of all images, class by class. The images must have been checked (`checkImages`). */
export function matchCoco(images: readonly EvaluatedImage[], classes: number): CocoClass[] {
  const columns = Array.from(countKept(images, classes), (size) => ({
    image: new Int32Array(size),
    rank: new Uint8Array(size),
    score: new Float64Array(size),
    states: cocoAreas.map(() => Array.from(cocoIous, () => new Uint8Array(size))),
    objects: cocoAreas.map(() => new Int32Array(images.length)),
  }));
  const columnOf = (label: number) => columns[label]!;
  const filled = new Int32Array(classes);
  images.forEach((image, i) => {
    const { truth, detections } = image;
    const overlaps = findOverlaps(detections, truth, cocoIous[0]!);
    const kept = keep(image, overlaps, classes);
    const places = kept.map(({ label, rank, score }) => {
      const place = filled[label]!;
      filled[label] = place + 1;
      columnOf(label).image[place] = i;
      columnOf(label).rank[place] = rank;
      columnOf(label).score[place] = score;
      return place;
    });
    cocoAreas.forEach((range, a) => {
      const isIgnored = Uint8Array.from(truth.labels, (label, j) => {
        const area = truth.areas?.[j] ?? boxArea(truth.boxes, j);
        if (overlaps.isIgnored(j) || area < range[0] || area > range[1]) return 1;
        const objects = columnOf(label).objects[a]!;
        objects[i] = objects[i]! + 1;
        return 0;
      });
      cocoIous.forEach((threshold, t) => {
        match(kept, overlaps, threshold, isIgnored, truth.crowd, range).forEach((state, k) => {
          const states = columnOf(kept[k]!.label).states[a]![t]!;
          states[places[k]!] = state;
        });
      });
    });
  });
  return columns.map(({ image, rank, score, states, objects }) => {
    // Equal scores keep the order of images, as with the merge sort of COCOeval.
    const order = byScore(score);
    const sorted = (values: Uint8Array) => Uint8Array.from(order, (k) => values[k]!);
    return {
      image: Int32Array.from(order, (k) => image[k]!),
      rank: sorted(rank),
      states: states.map((byIou) => byIou.map(sorted)),
      objects,
    };
  });
}
