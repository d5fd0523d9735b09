import { checkNumber } from '../common/check.ts';

/** What a schedule changes: an optimiser, or anything else with learning rates. */
export interface Rates {
  readonly groups: readonly { lr: number }[];
}

/** Learning rate of a step relative to the optimiser's own, as a function of the number of steps taken. */
export type Schedule = (step: number) => number;

/** Multiplies by `gamma` every `every` steps. */
export const stepDecay = ({ every, gamma = 0.1 }: { readonly every: number; readonly gamma?: number }): Schedule => {
  checkNumber('stepDecay', 'every', every, { above: 0 });
  return (step) => gamma ** Math.floor(step / every);
};

/** Multiplies by `gamma` at each of the given steps. */
export const multiStepDecay =
  ({ at, gamma = 0.1 }: { readonly at: readonly number[]; readonly gamma?: number }): Schedule =>
  (step) =>
    gamma ** at.filter((milestone) => step >= milestone).length;

/** Half a cosine from 1 to `floor` (default 0) over `steps` (Loshchilov and Hutter 2017, without restarts). */
export const cosine = ({ steps, floor = 0 }: { readonly steps: number; readonly floor?: number }): Schedule => {
  checkNumber('cosine', 'steps', steps, { above: 0 });
  return (step) => floor + ((1 - floor) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
};

/**
 * One cycle (Smith and Topin 2018) as in PyTorch's OneCycleLR: from 1 / `divFactor` to 1 over the fraction `pctStart` of the
 * steps, then to 1 / (`divFactor` `finalDivFactor`), both along a cosine. The optimiser's rate is the peak.
 */
export const oneCycle = ({
  steps,
  pctStart = 0.3,
  divFactor = 25,
  finalDivFactor = 1e4,
}: {
  readonly steps: number;
  readonly pctStart?: number;
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
}): Schedule => {
  checkNumber('oneCycle', 'steps', steps, { above: 0 });
  const start = 1 / divFactor;
  const up = pctStart * steps - 1;
  const anneal = (a: number, b: number, t: number): number => b + ((a - b) / 2) * (1 + Math.cos(Math.PI * t));
  return (step) => {
    const at = Math.min(step, steps - 1);
    // Neither side divides by zero when the peak is the first step, or the last.
    if (at === up) return 1;
    if (at < up) return anneal(start, 1, at / up);
    return anneal(1, start / finalDivFactor, (at - up) / (steps - 1 - up));
  };
};

/** Grows from 1 to `ratio` over `steps`, by the same factor each step: the sweep of a learning-rate range test. */
export const exponential = ({ steps, ratio }: { readonly steps: number; readonly ratio: number }): Schedule => {
  checkNumber('exponential', 'steps', steps, { above: 0 });
  checkNumber('exponential', 'ratio', ratio, { above: 0 });
  return (step) => (steps === 1 ? 1 : ratio ** (Math.min(step, steps - 1) / (steps - 1)));
};

/** Grows linearly from `start` (default 1/3) to 1 over `steps`, then follows `then` (default: stays at 1). */
export const linearWarmup = ({
  steps,
  start = 1 / 3,
  then = () => 1,
}: {
  readonly steps: number;
  readonly start?: number;
  readonly then?: Schedule;
}): Schedule => {
  checkNumber('linearWarmup', 'steps', steps, { above: 0 });
  return (step) => (step < steps ? start + ((1 - start) * step) / steps : then(step - steps));
};

/** Applies a schedule to the learning rates of an optimiser. It sets the first rate at once; call `step` after each step. */
export class Scheduler {
  /** Steps taken. May be set when resuming, followed by `apply`. */
  steps = 0;
  readonly #optimizer: Rates;
  readonly #schedule: Schedule;
  readonly #base: readonly number[];

  constructor(optimizer: Rates, schedule: Schedule) {
    this.#optimizer = optimizer;
    this.#schedule = schedule;
    this.#base = this.#optimizer.groups.map((group) => group.lr);
    this.apply();
  }

  /** Sets the rates for the current number of steps. */
  apply(): void {
    const factor = this.#schedule(this.steps);
    this.#optimizer.groups.forEach((group, i) => (group.lr = this.#base[i]! * factor));
  }

  step(): void {
    this.steps++;
    this.apply();
  }
}

export interface PlateauOptions {
  /** Factor by which to multiply the rates. Default 0.1. */
  readonly factor?: number;
  /** Number of evaluations without improvement to tolerate. Default 10. */
  readonly patience?: number;
  /** Relative change that counts as an improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Whether smaller (`min`, the default) or larger values are better. */
  readonly mode?: 'min' | 'max';
}

/** Lowers the learning rates when a measured value stops improving, as PyTorch's ReduceLROnPlateau does. */
export class ReduceOnPlateau {
  readonly #optimizer: Rates;
  readonly #options: Required<PlateauOptions>;
  #best: number;
  /** Evaluations since the best one. */
  #bad = 0;

  constructor(optimizer: Rates, options: PlateauOptions = {}) {
    this.#optimizer = optimizer;
    this.#options = { factor: 0.1, patience: 10, threshold: 1e-4, mode: 'min', ...options };
    this.#best = this.#options.mode === 'min' ? Infinity : -Infinity;
  }

  /** Takes a new value of the metric. */
  step(metric: number): void {
    const { factor, patience, threshold, mode } = this.#options;
    const better = mode === 'min' ? metric < this.#best * (1 - threshold) : metric > this.#best * (1 + threshold);
    if (better) {
      this.#best = metric;
      this.#bad = 0;
    } else if (++this.#bad > patience) {
      for (const group of this.#optimizer.groups) group.lr *= factor;
      this.#bad = 0;
    }
  }
}
