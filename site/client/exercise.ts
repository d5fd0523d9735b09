// What an exercise is.

/** Whether an answer is right, and what is wrong with it or why it is right: a sentence. */
export interface Verdict {
  readonly right: boolean;
  readonly say: string;
}

/** A question whose answer is a number. */
export interface NumberExercise {
  readonly kind: 'number';
  /** Label of the input, with the unit. */
  readonly label: string;
  readonly check: (answer: number) => Verdict | Promise<Verdict>;
}

/** A question whose answer is text: one line, or a few of code. */
export interface TextExercise {
  readonly kind: 'text';
  readonly label: string;
  /** What stands in the input at first. Default: nothing. */
  readonly start?: string;
  /** Lines that the input shows. Default 1. */
  readonly lines?: number;
  readonly check: (answer: string) => Verdict | Promise<Verdict>;
}

/** What a module of exercises/ exports as `exercise`. */
export type Exercise = NumberExercise | TextExercise;

export const right = (say: string): Verdict => ({ right: true, say });
export const wrong = (say: string): Verdict => ({ right: false, say });

/** A check of a number: within `tolerance` of `truth`; what a known mistake gives is explained by `mistakes`. */
export function near(
  answer: number,
  truth: number,
  why: string,
  mistakes: readonly (readonly [value: number, explanation: string])[] = [],
  tolerance = 1e-9,
): Verdict {
  const is = (value: number): boolean => Math.abs(answer - value) <= tolerance;
  if (is(truth)) return right(why);
  const known = mistakes.find(([value]) => is(value));
  if (known !== undefined) return wrong(known[1]);
  return wrong(answer > truth ? 'Too large.' : 'Too small.');
}
