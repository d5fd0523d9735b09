import type { OperatingPoint } from '../evaluation/precision-recall.ts';
import type { ConfusionCounts } from './confusion.ts';
import type { ImageScore } from './examples.ts';

// What a report takes of a judgement, by its shape alone: a whole `Judgement` fits, and so does its JSON.

/** A value on the images judged, and the ends of its confidence interval; null where it is not defined. */
export interface JudgedInterval {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Scores over the thresholds, in any order of them; columns of equal length. */
export interface JudgedCurve {
  readonly thresholds: readonly number[];
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly f1: readonly number[];
}

/** Scores of one class. */
export interface JudgedClass {
  readonly name: string;
  readonly truths: number;
  readonly detections: number;
  /** At the score threshold of the judgement. */
  readonly chosen: OperatingPoint;
  /** At the threshold with the best F1 of this class. */
  readonly best: OperatingPoint;
  /** At the IoU threshold of the judgement. */
  readonly averagePrecision: number | null;
  /** Over IoU 0.50 to 0.95. */
  readonly cocoAp?: number | null;
  readonly curve?: JudgedCurve;
}

/** COCO's metrics; null where there is no object of their kind. */
export interface JudgedCoco {
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  readonly apSmall?: number | null;
  readonly apMedium?: number | null;
  readonly apLarge?: number | null;
  readonly ar1?: number | null;
  readonly ar10?: number | null;
  readonly ar100?: number | null;
  readonly arSmall?: number | null;
  readonly arMedium?: number | null;
  readonly arLarge?: number | null;
}

/** What a report shows of a judgement. */
export interface ReportJudgement {
  readonly settings: {
    readonly iouThreshold: number;
    readonly scoreThreshold: number;
    /** Whether the threshold was given, or chosen as the best on the images judged, which flatters the detector. */
    readonly scoreThresholdFrom: 'given' | 'best';
  };
  readonly counts: {
    readonly images: number;
    readonly emptyImages?: number;
    readonly imagesWithoutPredictions?: number;
    readonly truths: number;
    readonly ignoredTruths?: number;
    readonly detections: number;
    readonly ignoredDetections?: number;
  };
  /** All classes together at the score threshold of the settings. */
  readonly chosen: OperatingPoint;
  /** At the threshold with the highest F1. */
  readonly best: OperatingPoint;
  /** At round thresholds, for a table. */
  readonly thresholds: readonly OperatingPoint[];
  readonly curve: JudgedCurve;
  /** Means over the classes that have objects. */
  readonly macro?: { readonly precision: number; readonly recall: number; readonly f1: number } | null;
  readonly perClass: readonly JudgedClass[];
  readonly perImage?: readonly ImageScore[];
  readonly confusion?: ConfusionCounts | null;
  readonly coco?: JudgedCoco | null;
  /** SpaceNet's metric of outlines. */
  readonly spaceNet?: { readonly polygon: { readonly chosen: OperatingPoint } | null } | null;
  readonly intervals?: {
    /** Such as 0.95. */
    readonly confidence: number;
    readonly precision: JudgedInterval;
    readonly recall: JudgedInterval;
    readonly f1: JudgedInterval;
    readonly ap50: JudgedInterval;
  } | null;
}
