import { bestOf } from './measure.ts';
import type { BenchResult } from './result.ts';

/** A case that is in two results. */
export interface Comparison {
  readonly name: string;
  /** Time in A divided by time in B: above 1, B is faster. */
  readonly ratio: number;
  /** Whether the interquartile ranges are disjoint, so that the difference is more than noise. */
  readonly isClear: boolean;
}

/** Compares the cases that both results have. */
export function compare(a: BenchResult, b: BenchResult): Comparison[] {
  return a.cases.flatMap((before) => {
    const after = b.cases.find(({ name }) => name === before.name);
    if (after === undefined) return [];
    const [x, y] = [before.timing.cpu ?? before.timing.wall, after.timing.cpu ?? after.timing.wall];
    const isClear = x.low > y.high || y.low > x.high;
    return [{ name: before.name, ratio: bestOf(before.timing) / bestOf(after.timing), isClear }];
  });
}
