import { checkInteger, checkSeed } from '../common/check.ts';
import { Random } from '../common/random.ts';
import { cocoRecalls } from './coco.ts';
import { IGNORED, RIGHT, type CocoClass } from './coco-match.ts';
import type { ImageCounts, EvaluatedRun } from './evaluated-run.ts';
import type { Interval } from './judgement.ts';
import { operatingPoint } from './precision-recall.ts';

/** How confidence intervals are estimated. */
export interface BootstrapOptions {
  /** Number of resamples of the images, each of the same size and drawn with replacement. Default 1000; 0: no intervals. */
  readonly resamples?: number;
  /** Fraction of the resamples inside an interval, between 0 and 1. Default 0.95. */
  readonly confidence?: number;
  /** Random seed. Default 0. */
  readonly seed?: number;
}

/** Fills in the defaults. Throws a RangeError, in the name of `op`, for numbers out of range. */
export function checkBootstrap(op: string, options: BootstrapOptions): Required<BootstrapOptions> {
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

/** For each resample, how often each image is drawn. The array is reused for the next resample. */
export function* imageWeights(images: number, resamples: number, seed: number): Generator<Int32Array> {
  const random = new Random('bootstrap', seed);
  const weights = new Int32Array(images);
  for (let n = 0; n < resamples; n++) {
    weights.fill(0);
    for (let draw = 0; draw < images; draw++) {
      const image = random.int(images);
      weights[image] = weights[image]! + 1;
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

/** A function from image weights to figures; what does not depend on the weights is prepared once. */
export function resampler({ perImage, coco }: EvaluatedRun): (weights: Int32Array) => ResampledFigures {
  const ranked = coco.map(rankClass);
  const longest = Math.max(0, ...ranked.map(({ image }) => image.length));
  const [precision, recall] = [new Float64Array(longest), new Float64Array(longest)];
  return (weights) => {
    const total = weightedCounts(perImage, weights);
    let sum = 0;
    let present = 0;
    for (const column of ranked) {
      const ap = weightedPrecision(column, weights, precision, recall);
      if (Number.isNaN(ap)) continue;
      sum += ap;
      present++;
    }
    return {
      precision: total.precision ?? NaN,
      recall: total.recall ?? NaN,
      f1: total.f1 ?? NaN,
      ap50: present === 0 ? NaN : sum / present,
    };
  };
}

function weightedCounts({ truePositives, falsePositives, falseNegatives }: ImageCounts, weights: Int32Array) {
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
