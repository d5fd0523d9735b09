/** A step that takes longer than this, and this many times as long as the mean of the others, was paused. */
const PAUSE = { seconds: 10, times: 10 };

/**
 * Measures the duration of steps. A pause does not count (Ctrl-Z, a computer that sleeps, a tab that is hidden): rate and
 * remaining time would be wrong for the rest of an epoch.
 */
export class StepClock {
  readonly #now: () => number;
  #last: number;
  /** Of the steps of the epoch. */
  #steps = 0;
  #seconds = 0;
  /** Mean of the last epoch that has one, to recognise a pause in a first step. */
  #before = Infinity;

  /** @param now gives the time in milliseconds, by a clock that is never set back */
  constructor(now = (): number => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** Begins an epoch. */
  restart(): void {
    if (this.#steps > 0) this.#before = this.#seconds / this.#steps;
    this.#steps = 0;
    this.#seconds = 0;
    this.#last = this.#now();
  }

  /** Ends a step. Returns the mean number of seconds of the steps of the epoch. */
  step(): number {
    const now = this.#now();
    const seconds = (now - this.#last) / 1000;
    const mean = this.#steps > 0 ? this.#seconds / this.#steps : this.#before;
    this.#seconds += seconds > Math.max(PAUSE.seconds, PAUSE.times * mean) ? mean : seconds;
    this.#last = now;
    this.#steps++;
    return this.#seconds / this.#steps;
  }
}
