import type { LabelTable } from '../labels/types.ts';
import {
  checkBootstrap,
  groupScenes,
  imageWeights,
  MIN_SCENES,
  percentileInterval,
  resampler,
  type BootstrapOptions,
  type ResampledFigures,
} from './bootstrap.ts';
import { summarizeCoco, type CocoMetrics } from './coco.ts';
import { confusionMatrix } from './confusion.ts';
import { evaluateRun, type EvaluatedRun } from './evaluated-run.ts';
import type {
  ImageJudgement,
  Intervals,
  Judgement,
  JudgementCounts,
  JudgementCurve,
  ListedImages,
  MacroAverage,
} from './judgement.ts';
import type { PolygonGeometry } from './polygon-iou.ts';
import { operatingPoint, type OperatingPoint, type PrecisionRecallCurve } from './precision-recall.ts';
import { spaceNetMetrics } from './spacenet.ts';
import type { MatchBy } from './tables.ts';

/** How `judge` evaluates. */
export interface JudgeOptions extends BootstrapOptions {
  /** Minimum IoU of a correct detection. Default 0.5. */
  readonly iouThreshold?: number;
  /**
   * Detections with a lower score are dropped. Default: the threshold with the highest F1 on these same images, which is
   * optimistic; a threshold chosen on other images is not.
   */
  readonly scoreThreshold?: number;
  /** `stem` compares images without folders and extensions. Default `file`, the whole path. */
  readonly matchBy?: MatchBy;
  /** From `loadPolygonGeometry`, for SpaceNet's metric in polygon form. Without it that is left out. */
  readonly polygonGeometry?: PolygonGeometry;
}

/** Maximum number of points of the curve of all classes, and of that of one class. */
const CURVE_POINTS = { all: 1000, byClass: 200 } as const;
/** Maximum length of a list of images. */
const LISTED = 10;

/** Evenly spaced points of a curve, including the first, the last, and that with the highest F1. */
function thin(curve: PrecisionRecallCurve, most: number): JudgementCurve {
  if (curve.length === 0 || curve.truths === 0) return { thresholds: [], precision: [], recall: [], f1: [] };
  const count = Math.min(most - 1, curve.length);
  const step = (curve.length - 1) / Math.max(count - 1, 1);
  const spaced = Array.from({ length: count }, (_, i) => Math.round(i * step));
  const best = curve.scores.indexOf(curve.best().threshold);
  const places = [...new Set([...spaced, best])].sort((x, y) => x - y);
  const points = places.map((k) => curve.at(k));
  return {
    thresholds: points.map(({ threshold }) => threshold),
    precision: points.map(({ precision }) => precision!),
    recall: points.map(({ recall }) => recall!),
    f1: points.map(({ f1 }) => f1!),
  };
}

function evaluateImages({ images, perImage }: EvaluatedRun): ImageJudgement[] {
  return images.map(({ file }, i) => {
    const truePositives = perImage.truePositives[i]!;
    const falsePositives = perImage.falsePositives[i]!;
    const falseNegatives = perImage.falseNegatives[i]!;
    const { f1 } = operatingPoint(0, truePositives, falsePositives, truePositives + falseNegatives);
    return { file, truePositives, falsePositives, falseNegatives, f1 };
  });
}

function listImages(images: readonly ImageJudgement[]): ListedImages {
  const objects = (image: ImageJudgement) => image.truePositives + image.falseNegatives;
  const errors = (image: ImageJudgement) => image.falsePositives + image.falseNegatives;
  const first = (kept: readonly ImageJudgement[], order: (a: ImageJudgement, b: ImageJudgement) => number) =>
    [...kept]
      .sort(order)
      .slice(0, LISTED)
      .map(({ file }) => file);
  return {
    best: first(
      images.filter((image) => image.truePositives > 0),
      (a, b) => b.f1! - a.f1! || b.truePositives - a.truePositives,
    ),
    worst: first(
      images.filter((image) => errors(image) > 0),
      (a, b) => a.f1! - b.f1! || errors(b) - errors(a),
    ),
    missed: first(
      images.filter((image) => image.truePositives === 0 && objects(image) > 0),
      (a, b) => objects(b) - objects(a),
    ),
  };
}

function countAll({ images, curves, matchings }: EvaluatedRun): JudgementCounts {
  const { truePositives, falsePositives } = curves.all.total();
  const objects = images.reduce((sum, { truth }) => sum + truth.labels.length, 0);
  return {
    images: images.length,
    emptyImages: images.filter(({ truth }) => truth.labels.length === 0).length,
    imagesWithoutPredictions: images.filter(({ predicted }) => !predicted).length,
    truths: curves.all.truths,
    ignoredTruths: objects - curves.all.truths,
    detections: truePositives + falsePositives,
    ignoredDetections: matchings.reduce((sum, { ignored }) => ignored.reduce((n, one) => n + one, sum), 0),
  };
}

function macroOf(points: readonly OperatingPoint[]): MacroAverage | null {
  const present = points.filter(({ truePositives, falseNegatives }) => truePositives + falseNegatives > 0);
  if (present.length === 0) return null;
  const mean = (key: 'precision' | 'recall' | 'f1') =>
    present.reduce((sum, point) => sum + point[key]!, 0) / present.length;
  return { classes: present.length, precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

function intervalsOf(
  run: EvaluatedRun,
  chosen: OperatingPoint,
  coco: CocoMetrics,
  options: BootstrapOptions,
): Intervals | null {
  const { resamples, confidence, seed } = checkBootstrap('judge', options);
  const scenes = groupScenes('judge', [run], options);
  if (resamples === 0) return null;
  const figures = resampler(run);
  const drawn: ResampledFigures[] = [];
  if (scenes.withObjects >= MIN_SCENES) {
    for (const weights of imageWeights(scenes.members, run.images.length, resamples, seed)) {
      drawn.push(figures(weights));
    }
  }
  const of = (key: keyof ResampledFigures, estimate: number | null) =>
    percentileInterval(
      estimate,
      Float64Array.from(drawn, (one) => one[key]),
      confidence,
    );
  return {
    confidence,
    resamples,
    seed,
    resampled: options.scenes === undefined ? 'images' : 'scenes',
    scenes: scenes.withObjects,
    precision: of('precision', chosen.precision),
    recall: of('recall', chosen.recall),
    f1: of('f1', chosen.f1),
    ap50: of('ap50', coco.ap50),
  };
}

/** All figures of an evaluated run. */
function summarizeRun(run: EvaluatedRun, { matchBy = 'file', polygonGeometry, ...bootstrap }: JudgeOptions): Judgement {
  const { classes, curves, scoreThreshold, scoreThresholdFrom, iouThreshold } = run;
  const coco = summarizeCoco(run.images, classes, run.coco);
  const chosen = curves.all.atThreshold(scoreThreshold);
  const perClass = classes.map((name, label) => {
    const curve = curves.byClass[label]!;
    const { truePositives, falsePositives } = curve.total();
    return {
      name,
      truths: curve.truths,
      detections: truePositives + falsePositives,
      chosen: curve.atThreshold(scoreThreshold),
      best: curve.best(),
      averagePrecision: curve.averagePrecision(),
      cocoAp: coco.perClass[label]?.ap ?? null,
      cocoAp50: coco.perClass[label]?.ap50 ?? null,
      curve: thin(curve, CURVE_POINTS.byClass),
    };
  });
  const perImage = evaluateImages(run);
  return {
    settings: { iouThreshold, scoreThreshold, scoreThresholdFrom, matchBy },
    counts: countAll(run),
    chosen,
    best: curves.all.best(),
    thresholds: Array.from({ length: 21 }, (_, i) => curves.all.atThreshold(i / 20)),
    curve: thin(curves.all, CURVE_POINTS.all),
    macro: macroOf(perClass.map((entry) => entry.chosen)),
    perClass,
    perImage,
    listed: listImages(perImage),
    confusion: confusionMatrix(run.images, classes, iouThreshold, scoreThreshold),
    coco,
    spaceNet: spaceNetMetrics(run, polygonGeometry),
    intervals: intervalsOf(run, chosen, coco, bootstrap),
  };
}

/**
 * Evaluates detections against the truth in full: precision, recall and F1 at one and at all score thresholds, for each
 * class and each image, the confusion of classes, COCO's and SpaceNet's metrics, and bootstrap confidence intervals.
 * Detections are matched by the rule of `matchDetections`; crowds and difficult objects are ignored throughout. Figures
 * that are not defined (without objects) are null; see `operatingPoint` for precision, recall and F1 of nothing. The order
 * of images influences only COCO's metrics (`cocoMetrics`), the random draws and the order of results.
 *
 * Images are joined by file, classes by name; an image that the predictions do not list has no detections.
 *
 * @throws RangeError for tables that do not fit together (an image or a class named twice, predictions for an unknown
 *   image or of an unknown class), detections without a score, numbers that are not finite, and options out of range
 */
export function judge(truth: LabelTable, predictions: LabelTable, options: JudgeOptions = {}): Judgement {
  checkBootstrap('judge', options);
  return summarizeRun(evaluateRun('judge', truth, predictions, options), options);
}
