import { checkInteger, checkSeed } from '../common/check.ts';
import { Random } from '../common/random.ts';
import { cocoRecalls } from './coco.ts';
import { IGNORED, RIGHT, type CocoClass } from './coco-match.ts';
import type { ImageCounts, EvaluatedRun } from './evaluated-run.ts';
import type { Interval } from './judgement.ts';
import { operatingPoint } from './precision-recall.ts';

/** How confidence intervals are estimated. */
export interface BootstrapOptions {
  /** Number of resamples of the scenes, each of the same size and drawn with replacement. Default 1000; 0: no intervals. */
  readonly resamples?: number;
  /**
   * For each image of the truth, in its order, the scene that it shows. The images of a scene resemble each other, so that
   * they are drawn together (cluster bootstrap: Cameron, Gelbach and Miller, 2008, "Bootstrap-based improvements for
   * inference with clustered errors"). Default: each image is a scene of its own.
   */
  readonly scenes?: readonly string[];
  /** Fraction of the resamples inside an interval, between 0 and 1. Default 0.95. */
  readonly confidence?: number;
  /** Random seed. Default 0. */
  readonly seed?: number;
}

/** Minimum number of scenes with objects for an interval: resamples of fewer are too much alike to show the variation. */
export const MIN_SCENES = 5;

/** `BootstrapOptions` with the defaults, apart from the scenes. */
export type Resampling = Required<Omit<BootstrapOptions, 'scenes'>>;

/** Fills in the defaults. Throws a RangeError, in the name of `op`, for numbers out of range. */
export function checkBootstrap(op: string, options: BootstrapOptions): Resampling {
  const { resamples = 1000, confidence = 0.95, seed = 0 } = options;
  checkInteger(op, 'resamples', resamples, { min: 0 });
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`${op}: confidence is ${confidence}, expected a number between 0 and 1`);
  }
  checkSeed(op, seed);
  return { resamples, confidence, seed };
}

/** The figures of one resample; NaN where they are not defined. */
export interface ResampledFigures {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly ap50: number;
}

/** Images by scene. */
export interface Scenes {
  /**
   * Positions of the images of each scene. Scenes without objects and detections are left out: they contribute nothing to
   * any figure.
   */
  readonly members: readonly (readonly number[])[];
  /** Number of scenes with objects to be found. */
  readonly withObjects: number;
}

/**
 * Groups the images of runs on the same truth by scene. Throws a RangeError, in the name of `op`, unless there is a scene
 * for each image.
 */
export function groupScenes(op: string, runs: readonly EvaluatedRun[], { scenes }: BootstrapOptions): Scenes {
  const { images, perImage } = runs[0]!;
  if (scenes !== undefined && scenes.length !== images.length) {
    throw new RangeError(
      `${op}: ${scenes.length} scenes for ${images.length} images, expected one for each image of the truth`,
    );
  }
  const objects = (i: number): number => perImage.truePositives[i]! + perImage.falseNegatives[i]!;
  const isSeen = (i: number): boolean =>
    objects(i) > 0 || runs.some((run) => run.images[i]!.detections.labels.length > 0);
  const members = new Map<string, number[]>();
  images.forEach(({ file }, i) => {
    const scene = scenes === undefined ? file : scenes[i]!;
    members.set(scene, [...(members.get(scene) ?? []), i]);
  });
  const all = [...members.values()];
  return {
    members: all.filter((scene) => scene.some(isSeen)),
    withObjects: all.filter((scene) => scene.some((i) => objects(i) > 0)).length,
  };
}

/** For each resample of the scenes, how often each image is drawn. The array is reused for the next resample. */
export function* imageWeights(
  scenes: Scenes['members'],
  images: number,
  resamples: number,
  seed: number,
): Generator<Int32Array> {
  const random = new Random('bootstrap', seed);
  const weights = new Int32Array(images);
  for (let n = 0; n < resamples; n++) {
    weights.fill(0);
    for (let draw = 0; draw < scenes.length; draw++) {
      for (const image of scenes[random.int(scenes.length)]!) weights[image] = weights[image]! + 1;
    }
    yield weights;
  }
}

/** One class at IoU 0.5, with its detections that are not ignored by descending score. */
interface RankedClass {
  /** Position of the image of each detection. */
  readonly image: Int32Array;
  /** 1 for each correct detection. */
  readonly right: Uint8Array;
  /** Objects to be found in each image. */
  readonly objects: Int32Array;
}

function rankClass({ image, states, objects }: CocoClass): RankedClass {
  const at50 = states[0]![0]!;
  const used = [...at50.keys()].filter((k) => at50[k] !== IGNORED);
  return {
    image: Int32Array.from(used, (k) => image[k]!),
    right: Uint8Array.from(used, (k) => Number(at50[k] === RIGHT)),
    objects: objects[0]!,
  };
}

/**
 * COCO's average precision of a class when image i occurs `weights[i]` times; NaN without objects. A detection then
 * counts `weights[i]` times at its rank. `precision` and `recall` are scratch space, at least one element per detection.
 */
function weightedPrecision(
  { image, right, objects }: RankedClass,
  weights: Int32Array,
  precision: Float64Array,
  recall: Float64Array,
): number {
  let truths = 0;
  for (let i = 0; i < objects.length; i++) truths += objects[i]! * weights[i]!;
  if (truths === 0) return NaN;
  let found = 0;
  let counted = 0;
  let entries = 0;
  for (let k = 0; k < image.length; k++) {
    const weight = weights[image[k]!]!;
    if (weight === 0) continue;
    counted += weight;
    if (right[k] === 1) found += weight;
    precision[entries] = found / counted;
    recall[entries] = found / truths;
    entries++;
  }
  // From the last entry back: each recall value takes the highest precision from the first entry that reaches it on.
  let highest = 0;
  let sum = 0;
  let r = cocoRecalls.length - 1;
  for (let k = entries - 1; k >= 0; k--) {
    while (r >= 0 && cocoRecalls[r]! > recall[k]!) {
      // Reached at entry k + 1 but not at k; 0 where it is never reached.
      sum += highest;
      r--;
    }
    highest = Math.max(highest, precision[k]!);
  }
  return (sum + (r + 1) * highest) / cocoRecalls.length;
}

/**
 * A function from image weights to figures; what does not depend on the weights is prepared once. No figure of a resample
 * without objects is defined: its detections, or their absence, say nothing about objects.
 */
export function resampler({ perImage, coco }: EvaluatedRun): (weights: Int32Array) => ResampledFigures {
  const ranked = coco.map(rankClass);
  const longest = Math.max(0, ...ranked.map(({ image }) => image.length));
  const [precision, recall] = [new Float64Array(longest), new Float64Array(longest)];
  return (weights) => {
    const total = weightedCounts(perImage, weights);
    if (total.recall === null) return { precision: NaN, recall: NaN, f1: NaN, ap50: NaN };
    let sum = 0;
    let present = 0;
    for (const column of ranked) {
      const ap = weightedPrecision(column, weights, precision, recall);
      if (Number.isNaN(ap)) continue;
      sum += ap;
      present++;
    }
    return {
      precision: total.precision!,
      recall: total.recall,
      f1: total.f1!,
      ap50: sum / present,
    };
  };
}

/** The counts of all images together when image i occurs `weights[i]` times. */
export function weightedCounts({ truePositives, falsePositives, falseNegatives }: ImageCounts, weights: Int32Array) {
  let [right, wrong, missed] = [0, 0, 0];
  weights.forEach((weight, i) => {
    right += weight * truePositives[i]!;
    wrong += weight * falsePositives[i]!;
    missed += weight * falseNegatives[i]!;
  });
  return operatingPoint(0, right, wrong, right + missed);
}

/** The quantile `q` of ascending values, interpolated between neighbours as in `np.quantile`. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low);
}

/** The central interval that holds the fraction `confidence` of resampled values; NaN is left out. */
export function percentileInterval(estimate: number | null, values: Float64Array, confidence: number): Interval {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (estimate === null || sorted.length === 0) return { estimate, low: null, high: null };
  return {
    estimate,
    low: quantile(sorted, (1 - confidence) / 2),
    high: quantile(sorted, (1 + confidence) / 2),
  };
}
