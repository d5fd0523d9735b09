import { checkIouThreshold, type EvaluatedImage } from './match.ts';
import { checkImages, matchPool, poolCurves, poolImages } from './pool.ts';
import type { OperatingPoint, PrecisionRecallCurve } from './precision-recall.ts';

/** The result for one class. */
export interface ClassEvaluation {
  readonly name: string;
  /** True boxes of the class to be found, without crowds and difficult objects. */
  readonly truths: number;
  /** Detections of the class, without those of crowds and difficult objects. */
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

/** Mean of the values that are not null; null if there are none. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

/**
 * Evaluates detections against the true boxes of images. They are matched per image and class (`matchDetections`); true
 * positives, false positives and misses are summed over all images, as in SpaceNet, and over all classes. All detections
 * count, for any number per image, except those of crowds and difficult objects.
 *
 * `classes` names the classes in the order of their labels, `iouThreshold` defaults to 0.5. The result is defined for
 * every input: without images, detections or true boxes see `operatingPoint` and `PrecisionRecallCurve`; a class without
 * true boxes has an average precision of null and is left out of the means, while its detections count as false
 * positives in the totals.
 *
 * @throws RangeError for arrays that do not fit together, numbers that are not finite, labels outside the classes and
 *   thresholds outside (0, 1]
 */
export function evaluateDetections(
  images: readonly EvaluatedImage[],
  options: { readonly classes: readonly string[]; readonly iouThreshold?: number },
): Evaluation {
  const { classes: names, iouThreshold = 0.5 } = options;
  checkIouThreshold('evaluateDetections', iouThreshold);
  checkImages('evaluateDetections', images, names.length);
  const pool = poolImages(images, names.length, iouThreshold);
  const { all, byClass } = poolCurves(pool, matchPool(pool, iouThreshold));
  const classes = names.map((name, label): ClassEvaluation => {
    const curve = byClass[label]!;
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
  const total = all.total();
  return {
    images: images.length,
    truths: all.truths,
    detections: total.truePositives + total.falsePositives,
    iouThreshold,
    curve: all,
    total,
    best: all.best(),
    classes,
    meanAveragePrecision: meanOf(classes.map((entry) => entry.averagePrecision)),
    meanAveragePrecision101: meanOf(classes.map((entry) => entry.averagePrecision101)),
  };
}
