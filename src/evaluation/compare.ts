import type { LabelTable } from '../labels/types.ts';
import { checkBootstrap, imageWeights, percentileInterval, resampler, type BootstrapOptions } from './bootstrap.ts';
import { summarizeCoco } from './coco.ts';
import { judgeRun, type JudgedRun } from './judged-run.ts';
import { operatingPoint, type OperatingPoint } from './precision-recall.ts';
import type { MatchBy } from './tables.ts';

/** How `compareRuns` compares. */
export interface CompareOptions extends BootstrapOptions {
  /** IoU from which a detection is right. Default 0.5. */
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
  /** Interval of the difference over resampled images; null with fewer than two images or with `resamples` 0. */
  readonly low: number | null;
  readonly high: number | null;
  /** Shares of the resamples in which b, and in which a, is better. What is left are ties. */
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
  readonly f1: { readonly a: number; readonly b: number };
  readonly falsePositives: { readonly a: number; readonly b: number };
  /** What only a found. */
  readonly onlyA: readonly ChangedObject[];
  /** What only b found. */
  readonly onlyB: readonly ChangedObject[];
}

/** What `compareRuns` finds; plain data. */
export interface RunComparison {
  readonly settings: {
    readonly iouThreshold: number;
    readonly scoreThreshold: { readonly a: number; readonly b: number };
    readonly scoreThresholdFrom: 'given' | 'best';
    readonly confidence: number;
    readonly resamples: number;
    readonly seed: number;
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
    readonly f1: { readonly a: number; readonly b: number };
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
function foundIn(run: JudgedRun, i: number): boolean[] {
  const scores = run.images[i]?.detections.scores;
  return Array.from(run.matchings[i]?.detectionOf ?? [], (k) => k !== -1 && (scores?.[k] ?? NaN) >= run.scoreThreshold);
}

function changedImages(a: JudgedRun, b: JudgedRun): ChangedImage[] {
  const changed = a.images.map(({ file, truthObjects }, i): ChangedImage => {
    const [byA, byB] = [foundIn(a, i), foundIn(b, i)];
    const only = (one: readonly boolean[], other: readonly boolean[]) =>
      truthObjects.flatMap(({ label, box }, object) =>
        one[object] === true && other[object] !== true ? [{ object, name: a.classes[label]!, box }] : [],
      );
    const f1 = ({ perImage }: JudgedRun) => {
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
    .sort((x, y) => x.f1.b - x.f1.a - (y.f1.b - y.f1.a));
}

/**
 * Compares two runs on the same images: the differences of precision, recall, F1 and AP50 with a paired bootstrap (both
 * runs are judged on the same resampled images, so that what is hard for both cancels out), what each class gained and
 * lost, and which objects one run found and the other missed.
 *
 * Throws as `judge` does; the message names the run.
 */
export function compareRuns(
  truth: LabelTable,
  a: LabelTable,
  b: LabelTable,
  options: CompareOptions = {},
): RunComparison {
  const { scoreThreshold, iouThreshold, matchBy } = options;
  const { resamples, confidence, seed } = checkBootstrap('compareRuns', options);
  const [first, second] = typeof scoreThreshold === 'object' ? scoreThreshold : [scoreThreshold, scoreThreshold];
  const runA = judgeRun('compareRuns: a', truth, a, { iouThreshold, matchBy, scoreThreshold: first });
  const runB = judgeRun('compareRuns: b', truth, b, { iouThreshold, matchBy, scoreThreshold: second });
  const [cocoA, cocoB] = [runA, runB].map((run) => summarizeCoco(run.images, run.classes, run.coco)) as [
    ReturnType<typeof summarizeCoco>,
    ReturnType<typeof summarizeCoco>,
  ];
  const chosenA = runA.curves.all.atThreshold(runA.scoreThreshold);
  const chosenB = runB.curves.all.atThreshold(runB.scoreThreshold);

  const keys = ['precision', 'recall', 'f1', 'ap50'] as const;
  const drawn = new Map(keys.map((key) => [key, new Float64Array(resamples)] as const));
  const enough = resamples > 0 && runA.images.length > 1;
  if (enough) {
    const [figuresA, figuresB] = [resampler(runA), resampler(runB)];
    let n = 0;
    for (const weights of imageWeights(runA.images.length, resamples, seed)) {
      const [x, y] = [figuresA(weights), figuresB(weights)];
      for (const key of keys) (drawn.get(key) as Float64Array)[n] = y[key] - x[key];
      n++;
    }
  }
  const difference = (key: (typeof keys)[number], x: number | null, y: number | null): Difference => {
    const estimate = x === null || y === null ? null : y - x;
    if (!enough) return { a: x, b: y, difference: estimate, low: null, high: null, bBetter: null, aBetter: null };
    const values = (drawn.get(key) as Float64Array).filter((value) => !Number.isNaN(value));
    const { low, high } = percentileInterval(estimate, values, confidence);
    const share = (is: (value: number) => boolean) =>
      values.length === 0 ? null : values.filter(is).length / values.length;
    return { a: x, b: y, difference: estimate, low, high, bBetter: share((v) => v > 0), aBetter: share((v) => v < 0) };
  };
  const changed = changedImages(runA, runB);
  const lost = (name: string, which: 'onlyA' | 'onlyB') =>
    changed.reduce((sum, image) => sum + image[which].filter((object) => object.name === name).length, 0);
  return {
    settings: {
      iouThreshold: runA.iouThreshold,
      scoreThreshold: { a: runA.scoreThreshold, b: runB.scoreThreshold },
      scoreThresholdFrom: runA.scoreThresholdFrom,
      confidence,
      resamples,
      seed,
    },
    images: runA.images.length,
    truths: runA.curves.all.truths,
    chosen: { a: chosenA, b: chosenB },
    precision: difference('precision', chosenA.precision, chosenB.precision),
    recall: difference('recall', chosenA.recall, chosenB.recall),
    f1: difference('f1', chosenA.f1, chosenB.f1),
    ap50: difference('ap50', cocoA.ap50, cocoB.ap50),
    perClass: runA.classes.map((name, label) => ({
      name,
      truths: runA.curves.byClass[label]!.truths,
      f1: {
        a: runA.curves.byClass[label]!.atThreshold(runA.scoreThreshold).f1,
        b: runB.curves.byClass[label]!.atThreshold(runB.scoreThreshold).f1,
      },
      ap50: { a: cocoA.perClass[label]?.ap50 ?? null, b: cocoB.perClass[label]?.ap50 ?? null },
      onlyA: lost(name, 'onlyA'),
      onlyB: lost(name, 'onlyB'),
    })),
    changed,
  };
}
