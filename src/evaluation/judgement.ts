import type { CocoMetrics } from './coco.ts';
import type { OperatingPoint } from './precision-recall.ts';

/**
 * What `judge` finds: plain data, that JSON keeps as it is. Counts are of objects and detections. Crowds and difficult
 * objects are neither to be found nor errors when found: they are in no count but `counts.ignoredTruths`, and detections
 * of them in none but `ignoredDetections`.
 */
export interface Judgement {
  /** How it was judged, with the defaults filled in. */
  readonly settings: JudgementSettings;
  readonly counts: JudgementCounts;
  /** All classes together (micro average) at `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** All classes together at the score with the highest F1 as threshold, the highest of equals (`PrecisionRecallCurve.best`). */
  readonly best: OperatingPoint;
  /** All classes together at the score thresholds 0, 0.05, .. 1. */
  readonly thresholds: readonly OperatingPoint[];
  /** All classes together over all score thresholds; at most 1000 points. */
  readonly curve: JudgementCurve;
  /** Means over the classes that have objects, at `settings.scoreThreshold`; null when none has. */
  readonly macro: MacroAverage | null;
  /** One entry per class, in the order of the truth's classes. */
  readonly perClass: readonly ClassJudgement[];
  /** One entry per image, in the order of the truth. */
  readonly perImage: readonly ImageJudgement[];
  /** Files of images worth looking at, up to ten each. */
  readonly listed: ListedImages;
  /** Which class is taken for which, at `settings.scoreThreshold`. */
  readonly confusion: ConfusionMatrix;
  /** COCO's metrics, equal to pycocotools'. */
  readonly coco: CocoMetrics;
  /** SpaceNet's building metric: F1 at IoU 0.5. */
  readonly spaceNet: SpaceNetMetrics;
  /** Bootstrap confidence intervals over images; null with fewer than two images or with `resamples` 0. */
  readonly intervals: Intervals | null;
}

/** How a judgement was made. */
export interface JudgementSettings {
  /** IoU from which a detection is right. */
  readonly iouThreshold: number;
  /** Detections with a score of at least this count in `chosen`, `perImage`, `confusion` and `intervals`. */
  readonly scoreThreshold: number;
  /** Whether the score threshold was given, or is the one with the highest F1 here, which flatters the detector. */
  readonly scoreThresholdFrom: 'given' | 'best';
  readonly matchBy: 'file' | 'stem';
}

/** How much there was to judge. */
export interface JudgementCounts {
  readonly images: number;
  /** Images without a single object. */
  readonly emptyImages: number;
  /** Images that the predictions do not list: counted as without detections. */
  readonly imagesWithoutPredictions: number;
  /** Objects to be found: without `ignoredTruths`. */
  readonly truths: number;
  /** Crowds and difficult objects. */
  readonly ignoredTruths: number;
  /** Detections that are right or wrong at `settings.iouThreshold`, whatever their score. */
  readonly detections: number;
  /** Detections of crowds and of difficult objects at `settings.iouThreshold`. */
  readonly ignoredDetections: number;
}

/** Columns of equal length, from the highest score threshold to the lowest. */
export interface JudgementCurve {
  readonly thresholds: readonly number[];
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly f1: readonly number[];
}

/** Means over classes, each counting the same however many objects it has. */
export interface MacroAverage {
  readonly classes: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** One class. */
export interface ClassJudgement {
  readonly name: string;
  /** Objects to be found. */
  readonly truths: number;
  /** Detections that are right or wrong, whatever their score. */
  readonly detections: number;
  /** At `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** At the score threshold with the highest F1 for this class. */
  readonly best: OperatingPoint;
  /** Area under the curve at `settings.iouThreshold` (`PrecisionRecallCurve.averagePrecision`); null without objects. */
  readonly averagePrecision: number | null;
  /** COCO's AP of the class over IoU 0.50, 0.55, .. 0.95; null without objects. */
  readonly cocoAp: number | null;
  /** COCO's AP of the class at IoU 0.50; null without objects. */
  readonly cocoAp50: number | null;
  /** At most 200 points. */
  readonly curve: JudgementCurve;
}

/** One image at `settings.scoreThreshold`. */
export interface ImageJudgement {
  /** As the truth names it. */
  readonly file: string;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  /** See `operatingPoint`: 1 where there is nothing and nothing was found. */
  readonly f1: number;
}

/** Files, the most telling first. */
export interface ListedImages {
  /** Highest F1 among images with objects; of equals those with more objects found. */
  readonly best: readonly string[];
  /** Lowest F1 among images with an error; of equals those with more errors. */
  readonly worst: readonly string[];
  /** Images with objects of which none was found; those with more objects first. */
  readonly missed: readonly string[];
}

/** Objects by what they are and what they were taken for. */
export interface ConfusionMatrix {
  /** Classes in the order of rows and columns, `background` last. */
  readonly classes: readonly string[];
  /**
   * `counts[i][j]`: objects of class i that were found as class j. The last column has the objects that were missed, the
   * last row the detections that found nothing. The last element of the last row is 0: nobody counts background.
   */
  readonly counts: readonly (readonly number[])[];
}

/** SpaceNet's building metric, in two forms. */
export interface SpaceNetMetrics {
  /** Boxes against boxes. */
  readonly box: SpaceNetScore;
  /**
   * Outlines of the truth against outlines of the detections, or their boxes where they have none; null when no object has
   * an outline or the judge was given no `polygonGeometry`.
   */
  readonly polygon: SpaceNetScore | null;
}

/** One form of SpaceNet's metric, at IoU 0.5. */
export interface SpaceNetScore {
  /** All detections counted, as SpaceNet does with the proposals of a file. */
  readonly all: OperatingPoint;
  /** At `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** At the score threshold with the highest F1 in this form. */
  readonly best: OperatingPoint;
}

/** Where a figure would lie had other images of the same kind been judged. */
export interface Interval {
  /** On the images judged. Null where it is not defined. */
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Percentile bootstrap over images (Efron and Tibshirani, 1993, chapter 13). */
export interface Intervals {
  /** Such as 0.95. */
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
  /** At `settings.scoreThreshold` and `settings.iouThreshold`, all classes together. */
  readonly precision: Interval;
  readonly recall: Interval;
  readonly f1: Interval;
  /** COCO's AP at IoU 0.5. */
  readonly ap50: Interval;
}
