import { checkSeed } from '../common/check.ts';
import { undoAfterDryRun } from '../tensor/dry-run.ts';

/** A position in the stream of seeds. */
export interface SeedState {
  readonly seed: number;
  /** Seeds drawn so far. */
  readonly drawn: number;
}

let state: SeedState = { seed: 0, drawn: 0 };

/**
 * Sets the seed for what is random from now on: weights of new modules, dropout, `rand` and `randn` without a seed. The same
 * seed gives the same numbers on every device.
 *
 * @param seed an integer from 0 to 2^53 - 1
 *
 * @example
 * manualSeed(7);
 * const a = await rand([2]).data();
 * manualSeed(7);
 * const b = await rand([2]).data();
 * console.log(a[0] === b[0] && a[1] === b[1]); // true
 */
export function manualSeed(seed: number): void {
  checkSeed('manualSeed', seed);
  const before = state;
  undoAfterDryRun(() => (state = before));
  state = { seed, drawn: 0 };
}

/** The next seed of the stream: the finaliser of MurmurHash3 over the seed and a running number. */
export function nextSeed(): number {
  const before = state;
  undoAfterDryRun(() => (state = before));
  const { seed, drawn } = before;
  state = { seed, drawn: drawn + 1 };
  let h = (seed ^ Math.imul(drawn + 1, 0x9e3779b9)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  const low = (h ^ (h >>> 16)) >>> 0;
  // The upper bits of the seed stay, so that no two seeds have the same stream.
  return low + (seed - (seed % 2 ** 32));
}

export const seedState = (): SeedState => state;

/** Runs a function with the stream at an earlier position, so that it draws the same seeds again. */
export function withSeeds<T>(earlier: SeedState, fn: () => T): T {
  const before = state;
  state = earlier;
  try {
    return fn();
  } finally {
    state = before;
  }
}
