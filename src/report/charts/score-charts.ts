import type { JudgementCurve } from '../../evaluation/judgement.ts';

// What the charts of scores have in common.

/** Size of charts that stand side by side; narrow, so that their text stays legible on a telephone. */
export const chartSize = { width: 480, height: 320 } as const;

/** Throws a RangeError unless the columns of a curve are equally long. */
export function checkCurve(name: string, { thresholds, precision, recall, f1 }: JudgementCurve): void {
  for (const [key, values] of Object.entries({ precision, recall, f1 })) {
    if (values.length !== thresholds.length) {
      throw new RangeError(
        `reportHtml: the curve of ${name} has ${thresholds.length} thresholds and ${values.length} of ${key}, expected as many`,
      );
    }
  }
}

/** The right end of an axis of scores: 1, but for detectors whose scores are no probabilities. */
export const endOfScores = (scores: readonly number[]): { xMax?: number } =>
  scores.every((score) => score <= 1) ? { xMax: 1 } : {};
