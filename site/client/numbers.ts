// Answers that are several numbers.
import { right, wrong, type Verdict } from './exercise.ts';

/** The numbers of a text, parted by anything else. */
export const numbersIn = (text: string): number[] => (text.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g) ?? []).map(Number);

/** Compares the numbers of an answer with the true ones, and names the first that differs by `name` and its index. */
export function sameNumbers(
  answer: string,
  truth: readonly number[],
  name: string,
  why: string,
  tolerance = 1e-6,
): Verdict {
  const given = numbersIn(answer);
  if (given.length !== truth.length) return wrong(`Expected ${truth.length} numbers, got ${given.length}.`);
  const at = given.findIndex((value, i) => Math.abs(value - truth[i]!) > tolerance);
  return at < 0 ? right(why) : wrong(`${name}[${at}] is not ${given[at]}.`);
}
