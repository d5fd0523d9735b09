import { checkInteger, checkNumber } from '../common/check.ts';

/** Precision and recall at one score threshold. */
export interface OperatingPoint {
  /** Minimum score of the detections that count. */
  readonly threshold: number;
  /** Detections that are matched with an object. */
  readonly truePositives: number;
  /** Detections that are not. */
  readonly falsePositives: number;
  /** Objects that are matched with no detection. */
  readonly falseNegatives: number;
  /** TP / (TP + FP). This and the next two are null where they are not defined: see `operatingPoint`. */
  readonly precision: number | null;
  /** TP / (TP + FN). */
  readonly recall: number | null;
  /** 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall. */
  readonly f1: number | null;
}

const quotient = (part: number, all: number): number | null => (all === 0 ? null : part / all);

/**
 * Precision, recall and F1 from counts. Without detections, where there are objects, precision is 0. Without objects, recall is
 * not defined, and without detections neither are the others: then they are null.
 */
export function operatingPoint(
  threshold: number,
  truePositives: number,
  falsePositives: number,
  truths: number,
): OperatingPoint {
  const counts = { threshold, truePositives, falsePositives, falseNegatives: truths - truePositives };
  const detections = truePositives + falsePositives;
  return {
    ...counts,
    precision: detections === 0 && truths > 0 ? 0 : quotient(truePositives, detections),
    recall: quotient(truePositives, truths),
    f1: quotient(2 * truePositives, detections + truths),
  };
}

/**
 * Counts of true and false positives over all score thresholds that make a difference: one entry per distinct score, in
 * descending order, so that entry k counts all detections with a score >= `scores[k]`. Detections of equal score enter
 * together; the curve does not depend on the order of images.
 */
export class PrecisionRecallCurve {
  /** The distinct scores, descending. */
  readonly scores: Float32Array | Float64Array;
  /** True positives at each threshold. */
  readonly truePositives: Int32Array;
  /** False positives at each threshold. */
  readonly falsePositives: Int32Array;
  /** Objects to be found. */
  readonly truths: number;

  /** From detections sorted by descending score, `correct[k]` being 1 for a true positive, and the number of objects. */
  constructor(sortedScores: Float32Array | Float64Array, correct: ArrayLike<number>, truths: number) {
    const scores: number[] = [];
    const right: number[] = [];
    const wrong: number[] = [];
    let tp = 0;
    for (let k = 0; k < sortedScores.length; k++) {
      const score = sortedScores[k]!;
      tp += correct[k]!;
      if (score === sortedScores[k + 1]) continue;
      scores.push(score);
      right.push(tp);
      wrong.push(k + 1 - tp);
    }
    this.scores = sortedScores instanceof Float32Array ? Float32Array.from(scores) : Float64Array.from(scores);
    this.truePositives = Int32Array.from(right);
    this.falsePositives = Int32Array.from(wrong);
    this.truths = truths;
  }

  /** Number of distinct scores. */
  get length(): number {
    return this.scores.length;
  }

  /** The operating point at entry `k`, from 0 (highest score) to `length` - 1 (all detections). */
  at(k: number): OperatingPoint {
    checkInteger('PrecisionRecallCurve.at', 'k', k, { min: 0, max: this.length - 1 });
    return operatingPoint(this.scores[k]!, this.truePositives[k]!, this.falsePositives[k]!, this.truths);
  }

  /**
   * The operating point without detections whose score is below `threshold`. If scores are float32, the threshold is
   * rounded to float32 first, so that 0.7 keeps a score of 0.7. Throws a RangeError for NaN.
   */
  atThreshold(threshold: number): OperatingPoint {
    checkNumber('PrecisionRecallCurve.atThreshold', 'threshold', threshold);
    const least = this.scores instanceof Float32Array ? Math.fround(threshold) : threshold;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.scores[middle]! >= least) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return operatingPoint(threshold, 0, 0, this.truths);
    return { ...this.at(low - 1), threshold };
  }

  /** The operating point with all detections: at the lowest score, or at 0 without detections. */
  total(): OperatingPoint {
    return this.length === 0 ? this.atThreshold(0) : this.at(this.length - 1);
  }

  /**
   * The operating point with the highest F1 among the distinct scores; of equals, that with the highest threshold. Without
   * detections it is the one at threshold 0.
   */
  best(): OperatingPoint {
    let best = this.length === 0 ? this.atThreshold(0) : this.at(0);
    for (let k = 1; k < this.length; k++) {
      const point = this.at(k);
      if (point.f1! > best.f1!) best = point;
    }
    return best;
  }

  /** For each entry the highest precision at its recall or a higher one. */
  #envelope(): Float64Array {
    const out = new Float64Array(this.length);
    let highest = 0;
    for (let k = this.length - 1; k >= 0; k--) {
      highest = Math.max(highest, this.at(k).precision!);
      out[k] = highest;
    }
    return out;
  }

  /**
   * Average precision: the area under the interpolated curve over all points,
   * `AP = sum over k of (R[k] - R[k-1]) * max over j >= k of P[j]` with `R[-1] = 0` (Pascal VOC since 2010). Null when
   * there are no objects to be found: it is not defined then.
   */
  averagePrecision(): number | null {
    if (this.truths === 0) return null;
    const envelope = this.#envelope();
    let sum = 0;
    let before = 0;
    envelope.forEach((precision, k) => {
      const tp = this.truePositives[k]!;
      sum += (tp - before) * precision;
      before = tp;
    });
    return sum / this.truths;
  }

  /**
   * Average precision as COCO samples it: the mean over r = 0, 0.01, .. 1 of the highest precision at a recall >= r,
   * 0 where that recall is never reached. Null when there are no objects to be found.
   */
  averagePrecision101(): number | null {
    if (this.truths === 0) return null;
    const envelope = this.#envelope();
    let sum = 0;
    let k = 0;
    for (let r = 0; r <= 100; r++) {
      // tp / truths >= r / 100 in integers, so that a recall of 0.29 is not lost to rounding.
      while (k < this.length && this.truePositives[k]! * 100 < r * this.truths) k++;
      sum += envelope[k] ?? 0;
    }
    return sum / 101;
  }
}
