import { Random } from '../common/random.ts';
import { cocoRecalls } from './coco.ts';
import { IGNORED, RIGHT, type CocoClass } from './coco-match.ts';
import type { ImageCounts, JudgedRun } from './judged-run.ts';
import type { Interval } from './judgement.ts';
import { operatingPoint } from './precision-recall.ts';

/** How intervals are made. */
export interface BootstrapOptions {
  /** Samples of as many images, drawn with replacement. Default 1000; 0 makes no intervals. */
  readonly resamples?: number;
  /** Share of resamples that an interval holds. Default 0.95. */
  readonly confidence?: number;
  /** Start of the random numbers. Default 0. */
  readonly seed?: number;
}

/** Throws a RangeError, in the name of `op`, for numbers that make no bootstrap, and fills in the defaults. */
export function checkBootstrap(op: string, options: BootstrapOptions): Required<BootstrapOptions> {
  const { resamples = 1000, confidence = 0.95, seed = 0 } = options;
  if (!Number.isInteger(resamples) || resamples < 0) {
    throw new RangeError(`${op}: resamples is ${resamples}, expected a whole number from 0`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`${op}: confidence is ${confidence}, expected a number between 0 and 1, such as 0.95`);
  }
  if (!Number.isFinite(seed)) throw new RangeError(`${op}: seed is ${seed}, expected a number`);
  return { resamples, confidence, seed };
}

/** The figures of one resample; NaN where average precision is not defined. */
export interface ResampledFigures {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly ap50: number;
}

/** How often each image is drawn, for each resample in turn. The array is used again for the next one. */
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

/** One class at IoU 0.5: image of each detection that is not ignored, and whether it is right, by descending score. */
interface RankedClass {
  readonly image: Int32Array;
  readonly right: Uint8Array;
  readonly objects: Int32Array;
}

function rankClass({ image, states, objects }: CocoClass): RankedClass {
  const at50 = states[0]![0]!;
  const counted = [...at50.keys()].filter((k) => at50[k] !== IGNORED);
  return {
    image: Int32Array.from(counted, (k) => image[k]!),
    right: Uint8Array.from(counted, (k) => Number(at50[k] === RIGHT)),
    objects: objects[0]!,
  };
}

/**
 * COCO's average precision of a class when image i is there `weights[i]` times; NaN without objects. A detection then
 * stands `weights[i]` times at its place. `precision` and `recall` are scratch space of at least as many elements.
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
  let said = 0;
  let entries = 0;
  for (let k = 0; k < image.length; k++) {
    const weight = weights[image[k]!]!;
    if (weight === 0) continue;
    said += weight;
    if (right[k] === 1) found += weight;
    precision[entries] = found / said;
    recall[entries] = found / truths;
    entries++;
  }
  // From the last entry back: each recall value takes the highest precision at the first entry that reaches it or later.
  let highest = 0;
  let sum = 0;
  let r = cocoRecalls.length - 1;
  for (let k = entries - 1; k >= 0; k--) {
    while (r >= 0 && cocoRecalls[r]! > recall[k]!) {
      // Reached at entry k + 1 and not at k; 0 where it is never reached.
      sum += highest;
      r--;
    }
    highest = Math.max(highest, precision[k]!);
  }
  return (sum + (r + 1) * highest) / cocoRecalls.length;
}

/** A function from image weights to the figures, with all that does not change prepared. */
export function resampler({ perImage, coco }: JudgedRun): (weights: Int32Array) => ResampledFigures {
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
      precision: total.precision,
      recall: total.recall,
      f1: total.f1,
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

/** The value below which the share `q` of ascending values lies, interpolated between neighbours as `np.quantile` does. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low);
}

/** The middle share `confidence` of resampled values; those that are NaN are left out. */
export function percentileInterval(estimate: number | null, values: Float64Array, confidence: number): Interval {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (estimate === null || sorted.length === 0) return { estimate, low: null, high: null };
  return {
    estimate,
    low: quantile(sorted, (1 - confidence) / 2),
    high: quantile(sorted, (1 + confidence) / 2),
  };
}
