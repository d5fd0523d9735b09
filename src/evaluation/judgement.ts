import type { CocoMetrics } from './coco.ts';
import type { OperatingPoint } from './precision-recall.ts';

/**
 * What `judge` returns: plain data, which JSON can hold. Counts are of objects and detections. Crowds and difficult objects
 * need not be found and are no errors when found: they count only in `counts.ignoredTruths`, and detections of them only
 * in `counts.ignoredDetections`.
 */
export interface Judgement {
  /** Options of the evaluation, with the defaults filled in. */
  readonly settings: JudgementSettings;
  readonly counts: JudgementCounts;
  /** All classes together (micro average) at `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** All classes together at the score threshold with the highest F1, the highest of equals (`PrecisionRecallCurve.best`). */
  readonly best: OperatingPoint;
  /** All classes together at the score thresholds 0, 0.05, .. 1. */
  readonly thresholds: readonly OperatingPoint[];
  /** All classes together over all score thresholds; at most 1000 points. */
  readonly curve: JudgementCurve;
  /** Means over the classes that have objects, at `settings.scoreThreshold`; null if none has. */
  readonly macro: MacroAverage | null;
  /** One entry per class, in the order of the truth's classes. */
  readonly perClass: readonly ClassJudgement[];
  /** One entry per image, in the order of the truth. */
  readonly perImage: readonly ImageJudgement[];
  /** Files of the best and worst images, up to ten each. */
  readonly listed: ListedImages;
  /** Which class is detected as which, at `settings.scoreThreshold`. */
  readonly confusion: ConfusionMatrix;
  /** COCO's metrics, equal to pycocotools'. */
  readonly coco: CocoMetrics;
  /** SpaceNet's building metric: F1 at IoU 0.5. */
  readonly spaceNet: SpaceNetMetrics;
  /** Bootstrap confidence intervals over scenes; null with `resamples` 0. */
  readonly intervals: Intervals | null;
}

/** Options of an evaluation. */
export interface JudgementSettings {
  /** Minimum IoU of a correct detection. */
  readonly iouThreshold: number;
  /** Minimum score of the detections that count in `chosen`, `perImage`, `confusion` and `intervals`. */
  readonly scoreThreshold: number;
  /** Whether the score threshold was given, or is the one with the highest F1 on these images, which is optimistic. */
  readonly scoreThresholdFrom: 'given' | 'best';
  readonly matchBy: 'file' | 'stem';
}

/** Numbers of images, objects and detections. */
export interface JudgementCounts {
  readonly images: number;
  /** Images without a single object. */
  readonly emptyImages: number;
  /** Images that the predictions do not list; they have no detections. */
  readonly imagesWithoutPredictions: number;
  /** Objects to be found, without `ignoredTruths`. */
  readonly truths: number;
  /** Crowds and difficult objects. */
  readonly ignoredTruths: number;
  /** Detections of any score that are true or false positives at `settings.iouThreshold`. */
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

/** Unweighted means over classes. */
export interface MacroAverage {
  readonly classes: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The figures of one class. */
export interface ClassJudgement {
  readonly name: string;
  /** Objects to be found. */
  readonly truths: number;
  /** Detections of any score that are true or false positives. */
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

/** The figures of one image at `settings.scoreThreshold`. */
export interface ImageJudgement {
  /** Path as in the truth. */
  readonly file: string;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  /** Null for an image without objects and detections: see `operatingPoint`. */
  readonly f1: number | null;
}

/** Files of images, the most extreme first. */
export interface ListedImages {
  /** Highest F1 among images with objects; of equals those with more objects found. */
  readonly best: readonly string[];
  /** Lowest F1 among images with an error; of equals those with more errors. */
  readonly worst: readonly string[];
  /** Images with objects of which none was found; those with more objects first. */
  readonly missed: readonly string[];
}

/** Objects by their class and the class they were detected as. */
export interface ConfusionMatrix {
  /** Classes in the order of rows and columns, `background` last. */
  readonly classes: readonly string[];
  /**
   * `counts[i][j]`: objects of class i that were detected as class j. The last column holds the objects that were missed,
   * the last row the detections without an object. Its last element is 0: background cannot be counted.
   */
  readonly counts: readonly (readonly number[])[];
}

/** SpaceNet's building metric, in two forms. */
export interface SpaceNetMetrics {
  /** Boxes against boxes. */
  readonly box: SpaceNetScore;
  /**
   * Outlines of the truth against outlines of the detections, or their boxes where they have none; null if no object has an
   * outline or `JudgeOptions.polygonGeometry` is missing.
   */
  readonly polygon: SpaceNetScore | null;
}

/** One form of SpaceNet's metric, at IoU 0.5. */
export interface SpaceNetScore {
  /** With all detections, as SpaceNet counts the proposals of a file. */
  readonly all: OperatingPoint;
  /** At `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** At the score threshold with the highest F1 in this form. */
  readonly best: OperatingPoint;
}

/** A figure with its confidence interval: how much it varies between samples of scenes. */
export interface Interval {
  /** On the evaluated images. Null where it is not defined. */
  readonly estimate: number | null;
  /** Null also where there are too few scenes (`Intervals.scenes`). */
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Percentile bootstrap over scenes (Efron and Tibshirani, 1993, "An Introduction to the Bootstrap", chapter 13), whose
 * images are drawn together (`BootstrapOptions.scenes`). Resamples without objects are left out.
 */
export interface Intervals {
  /** Fraction of the resamples inside an interval. */
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
  /** Whether the scenes were given, or each image was taken as a scene that is independent of the others. */
  readonly resampled: 'scenes' | 'images';
  /** Scenes with objects. Intervals need at least 5. */
  readonly scenes: number;
  /** At `settings.scoreThreshold` and `settings.iouThreshold`, all classes together. */
  readonly precision: Interval;
  readonly recall: Interval;
  readonly f1: Interval;
  /** COCO's AP at IoU 0.5. */
  readonly ap50: Interval;
}
