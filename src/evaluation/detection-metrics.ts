import type { Annotations } from '../data/types.ts';
import { checkDetections, checkIouThreshold, findOverlaps, matchOverlaps } from './match.ts';
import type { Detections, Overlaps } from './match.ts';
import { PrecisionRecallCurve } from './precision-recall.ts';
import type { OperatingPoint } from './precision-recall.ts';

/** What was found in an image and what is there. */
export interface EvaluatedImage {
  readonly detections: Detections;
  readonly truth: Annotations;
}

/** The result for one class. */
export interface ClassEvaluation {
  readonly name: string;
  /** True boxes of the class. */
  readonly truths: number;
  /** Detections of the class. */
  readonly detections: number;
  readonly curve: PrecisionRecallCurve;
  /** See `PrecisionRecallCurve.averagePrecision`; null without true boxes. */
  readonly averagePrecision: number | null;
  /** See `PrecisionRecallCurve.averagePrecision101`; null without true boxes. */
  readonly averagePrecision101: number | null;
}

/** The result of `evaluateDetections`. */
export interface Evaluation {
  readonly images: number;
  /** True boxes of all classes. */
  readonly truths: number;
  /** Detections of all classes. */
  readonly detections: number;
  readonly iouThreshold: number;
  /** Counts summed over all images and classes. */
  readonly curve: PrecisionRecallCurve;
  /** All detections counted, whatever their score. */
  readonly total: OperatingPoint;
  /** The score threshold with the highest F1. */
  readonly best: OperatingPoint;
  /** One entry per class, in the order of their labels. */
  readonly classes: readonly ClassEvaluation[];
  /** Mean of `averagePrecision` over the classes that have true boxes; null when none has. */
  readonly meanAveragePrecision: number | null;
  /** Mean of `averagePrecision101` over the classes that have true boxes; null when none has. */
  readonly meanAveragePrecision101: number | null;
}

/** Average precision over IoU thresholds. */
export interface CocoEvaluation {
  /** Mean over the thresholds; null without true boxes. */
  readonly ap: number | null;
  /** At IoU 0.50. */
  readonly ap50: number | null;
  /** At IoU 0.75. */
  readonly ap75: number | null;
  /** The thresholds 0.50, 0.55, .. 0.95 and the mean over the classes at each. */
  readonly byIou: readonly { readonly iouThreshold: number; readonly ap: number | null }[];
}

/** Detections of all images, sorted once, and the true boxes that each might find. */
interface Pool {
  readonly classes: number;
  readonly overlaps: readonly Overlaps[];
  /** Place of each image's first detection in the arrays below. */
  readonly starts: readonly number[];
  readonly scores: Float32Array;
  readonly labels: Int32Array;
  /** Detections of all images by descending score. */
  readonly order: Uint32Array;
  /** True boxes of each class. */
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

function poolImages(op: string, images: readonly EvaluatedImage[], classes: number, lowest: number): Pool {
  if (classes === 0) throw new RangeError(`${op}: no classes, expected the name of at least one`);
  const truths = new Int32Array(classes);
  const overlaps: Overlaps[] = [];
  const starts: number[] = [];
  let count = 0;
  images.forEach(({ detections, truth }, i) => {
    checkDetections(`${op}: image ${i}`, detections, truth);
    checkLabels(op, detections.labels, classes, i);
    checkLabels(op, truth.labels, classes, i);
    for (const label of truth.labels) truths[label] = (truths[label] as number) + 1;
    overlaps.push(findOverlaps(detections, truth, lowest));
    starts.push(count);
    count += detections.labels.length;
  });
  const scores = new Float32Array(count);
  const labels = new Int32Array(count);
  images.forEach(({ detections }, i) => {
    scores.set(detections.scores, starts[i]);
    labels.set(detections.labels, starts[i]);
  });
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  return { classes, overlaps, starts, scores, labels, order, truths };
}

/** 1 for each detection of the pool that finds a true box, else 0. */
function correctAt(pool: Pool, iouThreshold: number): Uint8Array {
  const correct = new Uint8Array(pool.scores.length);
  pool.overlaps.forEach((overlaps, i) => {
    const start = pool.starts[i] as number;
    matchOverlaps(overlaps, iouThreshold).truthOf.forEach((truth, k) => {
      if (truth >= 0) correct[start + k] = 1;
    });
  });
  return correct;
}

/** The curve of each class, and of all of them together. */
function curvesAt(pool: Pool, iouThreshold: number): { all: PrecisionRecallCurve; byClass: PrecisionRecallCurve[] } {
  const correct = correctAt(pool, iouThreshold);
  const columns = Array.from({ length: pool.classes + 1 }, () => ({ scores: [] as number[], correct: [] as number[] }));
  for (const k of pool.order) {
    for (const column of [columns[pool.labels[k] as number], columns[pool.classes]]) {
      column?.scores.push(pool.scores[k] as number);
      column?.correct.push(correct[k] as number);
    }
  }
  const curves = columns.map((column, label) => {
    const truths = pool.truths[label] ?? pool.truths.reduce((sum, n) => sum + n, 0);
    return new PrecisionRecallCurve(Float32Array.from(column.scores), column.correct, truths);
  });
  return { all: curves[pool.classes] as PrecisionRecallCurve, byClass: curves.slice(0, -1) };
}

/** Mean of the values that are there; null when none is. */
function meanOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

/**
 * Scores a detector on images. Detections are matched to true boxes per image and class (`matchDetections`); true
 * positives, false positives and misses are summed over all images, as SpaceNet does, and over all classes. All
 * detections count, however many an image has.
 *
 * `classes` names the classes in the order of their labels, `iouThreshold` defaults to 0.5. The result is defined for
 * every input: without images, detections or true boxes see `operatingPoint` and `PrecisionRecallCurve`; a class without
 * true boxes has an average precision of null and is left out of the means, while its detections count as false
 * positives in the totals.
 *
 * Throws a RangeError for arrays that do not fit together, numbers that are not finite, labels that name no class and
 * thresholds outside (0, 1].
 */
export function evaluateDetections(
  images: readonly EvaluatedImage[],
  options: { readonly classes: readonly string[]; readonly iouThreshold?: number },
): Evaluation {
  const { classes: names, iouThreshold = 0.5 } = options;
  checkIouThreshold('evaluateDetections', iouThreshold);
  const pool = poolImages('evaluateDetections', images, names.length, iouThreshold);
  const { all, byClass } = curvesAt(pool, iouThreshold);
  const classes = names.map((name, label): ClassEvaluation => {
    const curve = byClass[label] as PrecisionRecallCurve;
    const { truePositives, falsePositives } = curve.total();
    return {
      name,
      truths: curve.truths,
      detections: truePositives + falsePositives,
      curve,
      averagePrecision: curve.averagePrecision(),
      averagePrecision101: curve.averagePrecision101(),
    };
  });
  return {
    images: images.length,
    truths: all.truths,
    detections: pool.scores.length,
    iouThreshold,
    curve: all,
    total: all.total(),
    best: all.best(),
    classes,
    meanAveragePrecision: meanOf(classes.map((entry) => entry.averagePrecision)),
    meanAveragePrecision101: meanOf(classes.map((entry) => entry.averagePrecision101)),
  };
}

/**
 * Average precision as COCO reports it: `averagePrecision101` at the IoU thresholds 0.50, 0.55, .. 0.95, averaged over
 * the classes that have true boxes and then over the thresholds. COCO's tool also keeps only the 100 surest detections of
 * each class in an image and leaves out crowd regions; here every box counts. Equal scores in different images enter the
 * curve together, where COCO's tool goes by the order of images. Throws as `evaluateDetections` does.
 */
export function cocoAveragePrecision(
  images: readonly EvaluatedImage[],
  options: { readonly classes: readonly string[] },
): CocoEvaluation {
  // Divided last: 0.55 and not 0.5 + 0.05.
  const thresholds = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);
  const pool = poolImages('cocoAveragePrecision', images, options.classes.length, 0.5);
  const byIou = thresholds.map((iouThreshold) => ({
    iouThreshold,
    ap: meanOf(curvesAt(pool, iouThreshold).byClass.map((curve) => curve.averagePrecision101())),
  }));
  const [ap50, , , , , ap75] = byIou;
  return { ap: meanOf(byIou.map(({ ap }) => ap)), ap50: ap50?.ap ?? null, ap75: ap75?.ap ?? null, byIou };
}
