import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkList,
  checkNumber,
  checkOptions,
  described,
  optionsOf,
} from '../common/check.ts';
import { changeHost, undoAfterDryRun } from '../tensor/dry-run.ts';

/** What a schedule changes: an optimiser, or anything else with learning rates. */
export interface Rates {
  readonly groups: readonly { lr: number }[];
}

/** Throws a TypeError unless `optimizer` has learning rates. */
function checkRated(op: string, optimizer: unknown): void {
  const isRated = typeof optimizer === 'object' && optimizer !== null && 'groups' in optimizer;
  if (!isRated) throw new TypeError(`${op}: optimizer is ${described(optimizer)}, expected one such as SGD`);
  checkList(op, 'groups of the optimizer', optimizer.groups, 'objects with lr');
  for (const group of optimizer.groups as Rates['groups']) checkNumber(op, 'lr of a group', group?.lr, { min: 0 });
}

/** Learning rate of a step relative to the optimiser's own, as a function of the number of steps taken. */
export type Schedule = (step: number) => number;

/**
 * Multiplies by `gamma` every `every` steps.
 *
 * @example
 * const schedule = stepDecay({ every: 10, gamma: 0.5 });
 * console.log([0, 9, 10, 20].map(schedule)); // [1, 1, 0.5, 0.25]
 */
export const stepDecay = (options: { readonly every: number; readonly gamma?: number }): Schedule => {
  const { every, gamma } = optionsOf('stepDecay', options, { every: undefined, gamma: 0.1 });
  checkNumber('stepDecay', 'gamma', gamma, { min: 0 });
  checkNumber('stepDecay', 'every', every, { above: 0 });
  return (step) => gamma ** Math.floor(step / every);
};

/**
 * Multiplies by `gamma` at each of the given steps.
 *
 * @example
 * const schedule = multiStepDecay({ at: [10, 30] });
 * console.log([0, 10, 30].map((step) => schedule(step).toFixed(2))); // ['1.00', '0.10', '0.01']
 */
export const multiStepDecay = (options: { readonly at: readonly number[]; readonly gamma?: number }): Schedule => {
  const { at, gamma } = optionsOf('multiStepDecay', options, { at: undefined, gamma: 0.1 });
  checkList('multiStepDecay', 'at', at);
  for (const milestone of at) checkNumber('multiStepDecay', 'a step', milestone, { min: 0 });
  checkNumber('multiStepDecay', 'gamma', gamma, { min: 0 });
  return (step) => gamma ** at.filter((milestone) => step >= milestone).length;
};

/**
 * Half a cosine from 1 to `floor` (default 0) over `steps` (Loshchilov and Hutter 2017, without restarts).
 *
 * @example
 * const schedule = cosine({ steps: 100 });
 * console.log([0, 50, 100].map((step) => schedule(step).toFixed(2))); // ['1.00', '0.50', '0.00']
 */
export const cosine = (options: { readonly steps: number; readonly floor?: number }): Schedule => {
  const { steps, floor } = optionsOf('cosine', options, { steps: undefined, floor: 0 });
  checkNumber('cosine', 'floor', floor, { min: 0 });
  checkNumber('cosine', 'steps', steps, { above: 0 });
  return (step) => floor + ((1 - floor) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
};

/**
 * One cycle (Smith and Topin 2018) as in PyTorch's OneCycleLR: from 1 / `divFactor` to 1 over the fraction `pctStart` of the
 * steps, then to 1 / (`divFactor` `finalDivFactor`), both along a cosine. The optimiser's rate is the peak.
 *
 * @example
 * const schedule = oneCycle({ steps: 100, pctStart: 0.25 });
 * console.log([0, 25, 100].map((step) => schedule(step).toFixed(2))); // ['0.04', '1.00', '0.00']
 */
export const oneCycle = (options: {
  readonly steps: number;
  readonly pctStart?: number;
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
}): Schedule => {
  const defaults = { steps: undefined, pctStart: 0.3, divFactor: 25, finalDivFactor: 1e4 };
  const { steps, pctStart, divFactor, finalDivFactor } = optionsOf('oneCycle', options, defaults);
  checkNumber('oneCycle', 'steps', steps, { above: 0 });
  checkNumber('oneCycle', 'pctStart', pctStart, { min: 0, max: 1 });
  checkNumber('oneCycle', 'divFactor', divFactor, { above: 0 });
  checkNumber('oneCycle', 'finalDivFactor', finalDivFactor, { above: 0 });
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

/**
 * Grows from 1 to `ratio` over `steps`, by the same factor each step: the sweep of a learning-rate range test.
 *
 * @example
 * const schedule = exponential({ steps: 3, ratio: 1000 });
 * console.log([0, 1, 2].map((step) => schedule(step).toFixed())); // ['1', '32', '1000']
 */
export const exponential = (options: { readonly steps: number; readonly ratio: number }): Schedule => {
  const { steps, ratio } = optionsOf('exponential', options, { steps: undefined, ratio: undefined });
  checkNumber('exponential', 'steps', steps, { above: 0 });
  checkNumber('exponential', 'ratio', ratio, { above: 0 });
  return (step) => (steps === 1 ? 1 : ratio ** (Math.min(step, steps - 1) / (steps - 1)));
};

/**
 * Grows linearly from `start` (default 1/3) to 1 over `steps`, then follows `then` (default: stays at 1).
 *
 * @example
 * const schedule = linearWarmup({ steps: 10, start: 0, then: stepDecay({ every: 10, gamma: 0.5 }) });
 * console.log([0, 5, 10, 20].map(schedule)); // [0, 0.5, 1, 0.5]
 */
export const linearWarmup = (options: {
  readonly steps: number;
  readonly start?: number;
  readonly then?: Schedule;
}): Schedule => {
  checkOptions('linearWarmup', options, ['steps', 'start', 'then']);
  const { steps, start = 1 / 3, then = () => 1 } = options;
  checkFunction('linearWarmup', 'then', then);
  checkNumber('linearWarmup', 'start', start, { min: 0 });
  checkNumber('linearWarmup', 'steps', steps, { above: 0 });
  return (step) => (step < steps ? start + ((1 - start) * step) / steps : then(step - steps));
};

/**
 * The product of the factors by which plateaus have reduced the rate of a group, so that a Scheduler of the same optimiser,
 * which computes the rate from the number of steps, does not undo them.
 */
const reductions = new WeakMap<object, number>();
const reductionOf = (group: object): number => reductions.get(group) ?? 1;

/** The state of a Scheduler, as plain numbers. */
export interface SchedulerState {
  readonly steps: number;
  /** Rates of the groups before the schedule. */
  readonly base: readonly number[];
  /** Present rates of the groups. */
  readonly rates: readonly number[];
}

/**
 * Applies a schedule to the learning rates of an optimiser: the rates that it had times the schedule, and times what a
 * ReduceOnPlateau of the same optimiser has reduced since. Other changes of `lr` are overwritten, as in PyTorch. It sets the
 * first rate at once; call `step` after each step of the optimiser.
 *
 * @example
 * const optimizer = new SGD([new Parameter(zeros([1]))], { lr: 0.1 });
 * const scheduler = new Scheduler(optimizer, stepDecay({ every: 1, gamma: 0.5 }));
 * scheduler.step();
 * console.log(optimizer.groups[0].lr); // 0.05
 */
export class Scheduler {
  /** Steps taken. May be set when resuming with another schedule, followed by `apply`. */
  steps = 0;
  readonly #optimizer: Rates;
  readonly #schedule: Schedule;
  /** Rates before the schedule and before any reduction. */
  #base: readonly number[];

  constructor(optimizer: Rates, schedule: Schedule) {
    checkRated('Scheduler', optimizer);
    checkFunction('Scheduler', 'schedule', schedule);
    this.#optimizer = optimizer;
    this.#schedule = schedule;
    this.#base = optimizer.groups.map((group) => group.lr / reductionOf(group));
    this.apply();
  }

  /** Sets the rates for the current number of steps. */
  apply(): void {
    const factor = this.#schedule(this.steps);
    this.#optimizer.groups.forEach((group, i) => (group.lr = this.#base[i]! * factor * reductionOf(group)));
  }

  step(): void {
    const { steps } = this;
    const rates = ratesOf(this.#optimizer);
    changeHost(
      () => {
        this.steps++;
        this.apply();
      },
      () => {
        this.steps = steps;
        this.#optimizer.groups.forEach((group, i) => (group.lr = rates[i]!));
      },
    );
  }

  /** The state for resuming; it can be written as JSON. */
  stateDict(): SchedulerState {
    return { steps: this.steps, base: this.#base, rates: ratesOf(this.#optimizer) };
  }

  /**
   * Restores a state and the rates at that time. The schedule is not part of it: make the scheduler with the same one.
   *
   * @throws RangeError if the state is not that of a scheduler of as many groups; nothing is changed then
   */
  loadStateDict(state: SchedulerState): void {
    checkInteger('Scheduler', 'steps of the state', state.steps, { min: 0 });
    checkRates('Scheduler', 'base', state.base, this.#optimizer);
    checkRates('Scheduler', 'rates', state.rates, this.#optimizer);
    this.steps = state.steps;
    this.#base = [...state.base];
    this.#optimizer.groups.forEach((group, i) => (group.lr = state.rates[i]!));
  }
}

const ratesOf = ({ groups }: Rates): number[] => groups.map(({ lr }) => lr);

/** Throws a RangeError unless a list has a number >= 0 for each group. */
function checkRates(op: string, name: string, list: readonly number[], { groups }: Rates): void {
  const count = Array.isArray(list) ? list.length : 0;
  if (count !== groups.length) {
    throw new RangeError(`${op}: ${name} of the state has ${count} values, expected ${groups.length}, one per group`);
  }
  list.forEach((value, i) => checkNumber(op, `${name}[${i}] of the state`, value, { min: 0, finite: true }));
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

/** The state of a ReduceOnPlateau, as plain numbers. */
export interface PlateauState {
  /** The best value; null before the first. */
  readonly best: number | null;
  /** Evaluations since the best one, or since the last reduction. */
  readonly bad: number;
  /** The product of all reductions of each group. */
  readonly reductions: readonly number[];
  /** Present rates of the groups. */
  readonly rates: readonly number[];
}

/**
 * Lowers the learning rates when a measured value stops improving, as PyTorch's ReduceLROnPlateau does. NaN is no
 * improvement. A Scheduler of the same optimiser keeps the reductions.
 *
 * @example
 * const optimizer = new SGD([new Parameter(zeros([1]))], { lr: 0.5 });
 * const plateau = new ReduceOnPlateau(optimizer, { factor: 0.5, patience: 1 });
 * for (const loss of [3, 2, 2, 2]) plateau.step(loss);
 * console.log(optimizer.groups[0].lr); // 0.25
 */
export class ReduceOnPlateau {
  readonly #optimizer: Rates;
  readonly #options: Required<PlateauOptions>;
  #best: number | null = null;
  #bad = 0;

  constructor(optimizer: Rates, options: PlateauOptions = {}) {
    checkRated('ReduceOnPlateau', optimizer);
    this.#optimizer = optimizer;
    const defaults = { factor: 0.1, patience: 10, threshold: 1e-4, mode: 'min' } as const;
    this.#options = optionsOf('ReduceOnPlateau', options, defaults);
    const { factor, patience, threshold, mode } = this.#options;
    checkNumber('ReduceOnPlateau', 'factor', factor, { above: 0, below: 1 });
    checkInteger('ReduceOnPlateau', 'patience', patience, { min: 0 });
    checkNumber('ReduceOnPlateau', 'threshold', threshold, { min: 0, finite: true });
    checkChoice('ReduceOnPlateau', 'mode', mode, ['min', 'max']);
  }

  /** Takes a new value of the metric. */
  step(metric: number): void {
    const { factor, patience } = this.#options;
    const before = this.stateDict();
    undoAfterDryRun(() => this.loadStateDict(before));
    if (this.#isBetter(metric)) {
      this.#best = metric;
      this.#bad = 0;
    } else if (++this.#bad > patience) {
      for (const group of this.#optimizer.groups) {
        reductions.set(group, reductionOf(group) * factor);
        group.lr *= factor;
      }
      this.#bad = 0;
    }
  }

  #isBetter(metric: number): boolean {
    const { threshold, mode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const best = this.#best ?? -sign * Infinity;
    return sign * metric > sign * best * (1 + sign * threshold);
  }

  /** The state for resuming; it can be written as JSON. */
  stateDict(): PlateauState {
    const { groups } = this.#optimizer;
    return {
      best: this.#best,
      bad: this.#bad,
      reductions: groups.map(reductionOf),
      rates: ratesOf(this.#optimizer),
    };
  }

  /**
   * Restores a state and the rates at that time, before or after the state of a Scheduler.
   *
   * @throws RangeError if the state is not that of a ReduceOnPlateau of as many groups; nothing is changed then
   */
  loadStateDict(state: PlateauState): void {
    if (state.best !== null) checkNumber('ReduceOnPlateau', 'best of the state', state.best);
    checkInteger('ReduceOnPlateau', 'bad of the state', state.bad, { min: 0 });
    checkRates('ReduceOnPlateau', 'reductions', state.reductions, this.#optimizer);
    checkRates('ReduceOnPlateau', 'rates', state.rates, this.#optimizer);
    this.#best = state.best;
    this.#bad = state.bad;
    this.#optimizer.groups.forEach((group, i) => {
      reductions.set(group, state.reductions[i]!);
      group.lr = state.rates[i]!;
    });
  }
}
