// What bench/ranks.ts reads and estimates, without ranks.
import { checkInteger } from '../src/common/check.ts';
import { stepCost } from '../src/distributed-node.ts';

const OP = 'bench/ranks.ts';
/** The arguments in their order, with what they are if they are left out. `megabits` 0: nothing is estimated. */
const DEFAULTS = { images: 2, side: 256, steps: 6, mib: 8, width: 16, megabits: 0 };

/** Reads the arguments of the benchmark. Throws a RangeError for one that is no number, too small, or too many. */
export function readArguments(args: readonly string[]): typeof DEFAULTS {
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  if (args.length > names.length)
    throw new RangeError(`${OP}: ${args.length} arguments, expected at most ${names.length}`);
  const given = names.slice(0, args.length).map((name, i): [string, number] => {
    const value = Number(args[i]);
    checkInteger(OP, name, value, { min: name === 'megabits' ? 0 : 1 });
    return [name, value];
  });
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** What was measured, in seconds for a step of one rank alone. */
interface Measured {
  readonly ranks: number;
  readonly weights: number;
  readonly forward: number;
  readonly backward: number;
  readonly bucketBytes: number;
  readonly megabits: number;
}

/** Seconds that `stepCost` estimates for sums without a step, and for a step, on a network without latency. */
export function estimates({ ranks, weights, forward, backward, bucketBytes, megabits }: Measured) {
  const shared = { ranks, bandwidth: megabits * 125_000, latency: 0 };
  const sumOf = (weights: number, bucketBytes: number): number =>
    stepCost({ ...shared, weights, forward: 0, backward: 0, bucketBytes }).seconds;
  return {
    estimateOf1MiB: sumOf(1 << 18, 1 << 20),
    estimateOf8MiB: sumOf(2 << 20, 8 << 20),
    estimateOfSums: sumOf(weights, bucketBytes),
    estimateOfStep: stepCost({ ...shared, weights, forward, backward, bucketBytes }).seconds,
  };
}
