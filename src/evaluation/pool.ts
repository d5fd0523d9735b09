import {
  checkDetections,
  findOverlaps,
  matchOverlaps,
  type EvaluatedImage,
  type Matching,
  type OverlapOptions,
  type Overlaps,
} from './match.ts';
import { PrecisionRecallCurve } from './precision-recall.ts';

/** Detections of all images, sorted once, with the true boxes that each may match. */
export interface Pool {
  readonly classes: number;
  readonly overlaps: readonly Overlaps[];
  /** Position of each image's first detection in the arrays below. */
  readonly starts: readonly number[];
  readonly scores: Float32Array | Float64Array;
  readonly labels: Int32Array;
  /** Detections of all images by descending score. */
  readonly order: Uint32Array;
  /** True boxes of each class that are to be found, without crowds and difficult objects. */
  readonly truths: Int32Array;
}

function checkLabels(op: string, labels: Int32Array, classes: number, image: number): void {
  const bad = labels.findIndex((label) => label < 0 || label >= classes);
  if (bad >= 0) {
    throw new RangeError(
      `${op}: label ${labels[bad]} in image ${image}, expected 0 to ${classes - 1} (${classes} classes)`,
    );
  }
}

/** Throws a RangeError, in the name of `op`, unless arrays fit together, numbers are finite and labels inside the classes. */
export function checkImages(op: string, images: readonly EvaluatedImage[], classes: number): void {
  if (classes === 0) throw new RangeError(`${op}: no classes, expected the name of at least one`);
  images.forEach(({ detections, truth }, i) => {
    checkDetections(`${op}: image ${i}`, detections, truth);
    checkLabels(op, detections.labels, classes, i);
    checkLabels(op, truth.labels, classes, i);
  });
}

/**
 * Sorts the detections of images that `checkImages` has accepted, and finds all pairs with an IoU of at least `lowest`.
 * `optionsOf` changes how the pairs of an image are found.
 */
export function poolImages(
  images: readonly EvaluatedImage[],
  classes: number,
  lowest: number,
  optionsOf: (image: number) => OverlapOptions = () => ({}),
): Pool {
  const truths = new Int32Array(classes);
  const overlaps: Overlaps[] = [];
  const starts: number[] = [];
  let count = 0;
  images.forEach(({ detections, truth }, i) => {
    const found = findOverlaps(detections, truth, lowest, optionsOf(i));
    truth.labels.forEach((label, j) => {
      if (!found.isIgnored(j)) truths[label] = truths[label]! + 1;
    });
    overlaps.push(found);
    starts.push(count);
    count += detections.labels.length;
  });
  // Scores stay float32 if all are, so that thresholds are rounded like them.
  const single = images.every(({ detections }) => detections.scores instanceof Float32Array);
  const scores = single ? new Float32Array(count) : new Float64Array(count);
  const labels = new Int32Array(count);
  images.forEach(({ detections }, i) => {
    scores.set(detections.scores, starts[i]);
    labels.set(detections.labels, starts[i]);
  });
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return { classes, overlaps, starts, scores, labels, order, truths };
}

/** The matching of each image at a threshold that is not below the minimum IoU of the pool. */
export function matchPool(pool: Pool, iouThreshold: number): Matching[] {
  return pool.overlaps.map((overlaps) => matchOverlaps(overlaps, iouThreshold));
}

/** Precision and recall of each class, and of all classes together. */
export interface PoolCurves {
  readonly all: PrecisionRecallCurve;
  readonly byClass: readonly PrecisionRecallCurve[];
}

/** The curves of a pool with the matching of its images. Ignored detections do not enter. */
export function poolCurves(pool: Pool, matchings: readonly Matching[]): PoolCurves {
  const correct = new Int8Array(pool.scores.length);
  matchings.forEach(({ truthOf, ignored }, i) => {
    const start = pool.starts[i]!;
    truthOf.forEach((truth, k) => (correct[start + k] = truth >= 0 ? 1 : ignored[k] ? -1 : 0));
  });
  const columns = Array.from({ length: pool.classes + 1 }, () => ({ scores: [] as number[], correct: [] as number[] }));
  for (const k of pool.order) {
    if (correct[k] === -1) continue;
    for (const column of [columns[pool.labels[k]!], columns[pool.classes]]) {
      column?.scores.push(pool.scores[k]!);
      column?.correct.push(correct[k]!);
    }
  }
  const pack = pool.scores instanceof Float32Array ? Float32Array : Float64Array;
  const curves = columns.map((column, label) => {
    const truths = pool.truths[label] ?? pool.truths.reduce((sum, n) => sum + n, 0);
    return new PrecisionRecallCurve(pack.from(column.scores), column.correct, truths);
  });
  return { all: curves[pool.classes]!, byClass: curves.slice(0, -1) };
}
