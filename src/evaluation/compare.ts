import type { LabelTable } from '../labels/types.ts';
import {
  checkBootstrap,
  groupScenes,
  imageWeights,
  MIN_SCENES,
  percentileInterval,
  resampler,
  type BootstrapOptions,
  type Resampling,
  type Scenes,
} from './bootstrap.ts';
import { summarizeCoco, type CocoMetrics } from './coco.ts';
import { evaluateRun, type EvaluatedRun } from './evaluated-run.ts';
import { operatingPoint, type OperatingPoint } from './precision-recall.ts';
import type { MatchBy } from './tables.ts';

/** Options of `compareRuns`. */
export interface CompareOptions extends BootstrapOptions {
  /** Minimum IoU of a correct detection. Default 0.5. */
  readonly iouThreshold?: number;
  /** Score threshold of both runs, or of each. Default: for each run the one with the highest F1. */
  readonly scoreThreshold?: number | readonly [a: number, b: number];
  /** See `JudgeOptions.matchBy`. Default `file`. */
  readonly matchBy?: MatchBy;
}

/** One figure of two runs. */
export interface Difference {
  /** Null where it is not defined. */
  readonly a: number | null;
  readonly b: number | null;
  /** b - a. */
  readonly difference: number | null;
  /** Interval of the difference over resampled scenes; null with fewer than 5 scenes with objects or with `resamples` 0. */
  readonly low: number | null;
  readonly high: number | null;
  /** Fractions of the resamples in which b, and in which a, is better; the rest are ties. */
  readonly bBetter: number | null;
  readonly aBetter: number | null;
}

/** An object that one run found and the other missed. */
export interface ChangedObject {
  /** Its position in the image's objects. */
  readonly object: number;
  readonly name: string;
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number];
}

/** An image with different errors in two runs. */
export interface ChangedImage {
  readonly file: string;
  readonly f1: { readonly a: number | null; readonly b: number | null };
  readonly falsePositives: { readonly a: number; readonly b: number };
  /** Objects that only a found. */
  readonly onlyA: readonly ChangedObject[];
  /** Objects that only b found. */
  readonly onlyB: readonly ChangedObject[];
}

/** What `compareRuns` returns; plain data. */
export interface RunComparison {
  readonly settings: {
    readonly iouThreshold: number;
    readonly scoreThreshold: { readonly a: number; readonly b: number };
    readonly scoreThresholdFrom: 'given' | 'best';
    readonly confidence: number;
    readonly resamples: number;
    readonly seed: number;
    /** Whether the scenes were given, or each image was taken as a scene that is independent of the others. */
    readonly resampled: 'scenes' | 'images';
    /** Scenes with objects. */
    readonly scenes: number;
  };
  readonly images: number;
  /** Objects to be found. */
  readonly truths: number;
  /** All classes together at the score thresholds. */
  readonly chosen: { readonly a: OperatingPoint; readonly b: OperatingPoint };
  readonly precision: Difference;
  readonly recall: Difference;
  readonly f1: Difference;
  /** COCO's AP at IoU 0.5. */
  readonly ap50: Difference;
  /** In the order of the truth's classes. */
  readonly perClass: readonly {
    readonly name: string;
    readonly truths: number;
    readonly f1: { readonly a: number | null; readonly b: number | null };
    /** COCO's AP at IoU 0.5; null without objects. */
    readonly ap50: { readonly a: number | null; readonly b: number | null };
    /** Objects that only a, and only b found. */
    readonly onlyA: number;
    readonly onlyB: number;
  }[];
  /** Images in which an object or the number of false positives changed; the largest loss of F1 from a to b first. */
  readonly changed: readonly ChangedImage[];
}

/** Whether each object of image `i` was found with a score of at least the threshold. */
function foundIn(run: EvaluatedRun, i: number): boolean[] {
  const scores = run.images[i]?.detections.scores;
  return Array.from(run.matchings[i]?.detectionOf ?? [], (k) => k !== -1 && (scores?.[k] ?? NaN) >= run.scoreThreshold);
}

function changedImages(a: EvaluatedRun, b: EvaluatedRun): ChangedImage[] {
  const changed = a.images.map(({ file, truthObjects }, i): ChangedImage => {
    const [byA, byB] = [foundIn(a, i), foundIn(b, i)];
    const only = (one: readonly boolean[], other: readonly boolean[]) =>
      truthObjects.flatMap(({ label, box }, object) =>
        one[object] === true && other[object] !== true ? [{ object, name: a.classes[label]!, box }] : [],
      );
    const f1 = ({ perImage }: EvaluatedRun) => {
      const right = perImage.truePositives[i]!;
      return operatingPoint(0, right, perImage.falsePositives[i]!, right + perImage.falseNegatives[i]!).f1;
    };
    return {
      file,
      f1: { a: f1(a), b: f1(b) },
      falsePositives: { a: a.perImage.falsePositives[i]!, b: b.perImage.falsePositives[i]! },
      onlyA: only(byA, byB),
      onlyB: only(byB, byA),
    };
  });
  return changed
    .filter(
      ({ onlyA, onlyB, falsePositives }) =>
        onlyA.length > 0 || onlyB.length > 0 || falsePositives.a !== falsePositives.b,
    )
    .sort((x, y) => gain(x) - gain(y));
}

/** By how much b is better on an image; nothing is wrong where F1 is not defined. */
export const gain = ({ f1: { a, b } }: ChangedImage): number => (b ?? 1) - (a ?? 1);

const FIGURES = ['precision', 'recall', 'f1', 'ap50'] as const;
type Figures<T> = { readonly [Key in (typeof FIGURES)[number]]: T };

/** Differences b - a of each figure, one per resample; null with too few scenes or without resamples. */
function resampleDifferences(
  a: EvaluatedRun,
  b: EvaluatedRun,
  { members, withObjects }: Scenes,
  { resamples, seed }: Resampling,
): Figures<Float64Array> | null {
  if (resamples === 0 || withObjects < MIN_SCENES) return null;
  const drawn: Figures<Float64Array> = {
    precision: new Float64Array(resamples),
    recall: new Float64Array(resamples),
    f1: new Float64Array(resamples),
    ap50: new Float64Array(resamples),
  };
  const [figuresOfA, figuresOfB] = [resampler(a), resampler(b)];
  let n = 0;
  for (const weights of imageWeights(members, a.images.length, resamples, seed)) {
    const [x, y] = [figuresOfA(weights), figuresOfB(weights)];
    for (const key of FIGURES) drawn[key][n] = y[key] - x[key];
    n++;
  }
  return drawn;
}

/** A figure of both runs, with the interval of resampled differences, of which NaN is left out. */
function differenceOf(
  a: number | null,
  b: number | null,
  resampled: Float64Array | undefined,
  confidence: number,
): Difference {
  const difference = a === null || b === null ? null : b - a;
  if (resampled === undefined) return { a, b, difference, low: null, high: null, bBetter: null, aBetter: null };
  const values = resampled.filter((value) => !Number.isNaN(value));
  const { low, high } = percentileInterval(difference, values, confidence);
  const fraction = (is: (value: number) => boolean) =>
    values.length === 0 ? null : values.filter(is).length / values.length;
  return { a, b, difference, low, high, bBetter: fraction((v) => v > 0), aBetter: fraction((v) => v < 0) };
}

type Run = EvaluatedRun & { readonly metrics: CocoMetrics };

function compareClasses(a: Run, b: Run, changed: readonly ChangedImage[]): RunComparison['perClass'] {
  const countChanged = (name: string, which: 'onlyA' | 'onlyB') =>
    changed.reduce((sum, image) => sum + image[which].filter((object) => object.name === name).length, 0);
  const f1 = ({ curves, scoreThreshold }: Run, label: number) => curves.byClass[label]!.atThreshold(scoreThreshold).f1;
  const ap50 = ({ metrics }: Run, label: number) => metrics.perClass[label]?.ap50 ?? null;
  return a.classes.map((name, label) => ({
    name,
    truths: a.curves.byClass[label]!.truths,
    f1: { a: f1(a, label), b: f1(b, label) },
    ap50: { a: ap50(a, label), b: ap50(b, label) },
    onlyA: countChanged(name, 'onlyA'),
    onlyB: countChanged(name, 'onlyB'),
  }));
}

/**
 * Compares two runs on the same images: the differences of precision, recall, F1 and AP50 with a paired bootstrap (both
 * runs are evaluated on the same resampled images, so that what is hard for both cancels out), what each class gained and
 * lost, and which objects one run found and the other missed.
 *
 * @throws RangeError as `judge` does; the message names the run
 */
export function compareRuns(
  truth: LabelTable,
  a: LabelTable,
  b: LabelTable,
  options: CompareOptions = {},
): RunComparison {
  const { scoreThreshold, iouThreshold, matchBy } = options;
  const bootstrap = checkBootstrap('compareRuns', options);
  const [first, second] = typeof scoreThreshold === 'object' ? scoreThreshold : [scoreThreshold, scoreThreshold];
  const evaluate = (name: string, table: LabelTable, threshold: number | undefined): Run => {
    const run = evaluateRun(`compareRuns: ${name}`, truth, table, { iouThreshold, matchBy, scoreThreshold: threshold });
    return { ...run, metrics: summarizeCoco(run.images, run.classes, run.coco) };
  };
  const [runA, runB] = [evaluate('a', a, first), evaluate('b', b, second)];
  const pointOf = ({ curves, scoreThreshold: threshold }: Run) => curves.all.atThreshold(threshold);
  const chosen = { a: pointOf(runA), b: pointOf(runB) };
  const scenes = groupScenes('compareRuns', [runA, runB], options);
  const resampled = resampleDifferences(runA, runB, scenes, bootstrap);
  const difference = (key: 'precision' | 'recall' | 'f1'): Difference =>
    differenceOf(chosen.a[key], chosen.b[key], resampled?.[key], bootstrap.confidence);
  const changed = changedImages(runA, runB);
  return {
    settings: {
      iouThreshold: runA.iouThreshold,
      scoreThreshold: { a: runA.scoreThreshold, b: runB.scoreThreshold },
      scoreThresholdFrom: runA.scoreThresholdFrom,
      confidence: bootstrap.confidence,
      resamples: bootstrap.resamples,
      seed: bootstrap.seed,
      resampled: options.scenes === undefined ? 'images' : 'scenes',
      scenes: scenes.withObjects,
    },
    images: runA.images.length,
    truths: runA.curves.all.truths,
    chosen,
    precision: difference('precision'),
    recall: difference('recall'),
    f1: difference('f1'),
    ap50: differenceOf(runA.metrics.ap50, runB.metrics.ap50, resampled?.ap50, bootstrap.confidence),
    perClass: compareClasses(runA, runB, changed),
    changed,
  };
}
