import type { JudgementCurve } from '../../evaluation/judgement.ts';

// What the charts of scores share.

/** Size of charts side by side; narrow, so that their text is legible on a phone. */
export const chartSize = { width: 480, height: 320 } as const;

/** Throws a RangeError unless the columns of a curve have the same length. */
export function checkCurve(name: string, { thresholds, precision, recall, f1 }: JudgementCurve): void {
  for (const [key, values] of Object.entries({ precision, recall, f1 })) {
    if (values.length !== thresholds.length) {
      throw new RangeError(
        `reportHtml: the curve of ${name} has ${thresholds.length} thresholds and ${values.length} of ${key}, expected the same number`,
      );
    }
  }
}

/** The right end of an axis of scores: 1, except for detectors whose scores are not probabilities. */
export const endOfScores = (scores: readonly number[]): { xMax?: number } =>
  scores.every((score) => score <= 1) ? { xMax: 1 } : {};
