import { bestOf } from './measure.ts';
import type { BenchResult } from './result.ts';

/** A case of two results. */
export interface Comparison {
  readonly name: string;
  /** Time in A over time in B: above 1, B is faster. */
  readonly ratio: number;
  /** Whether the quartiles of the two lie apart, so that the difference is more than noise. */
  readonly isClear: boolean;
}

/** The cases that both results have. */
export function compare(a: BenchResult, b: BenchResult): Comparison[] {
  return a.cases.flatMap((before) => {
    const after = b.cases.find(({ name }) => name === before.name);
    if (after === undefined) return [];
    const [x, y] = [before.timing.cpu ?? before.timing.wall, after.timing.cpu ?? after.timing.wall];
    const isClear = x.low > y.high || y.low > x.high;
    return [{ name: before.name, ratio: bestOf(before.timing) / bestOf(after.timing), isClear }];
  });
}
