import { checkInteger, checkNumber } from '../common/check.ts';
import { BUCKET_BYTES } from './data-parallel.ts';

/** What a step of data-parallel training is made of. */
export interface StepCostOptions {
  readonly ranks: number;
  /** Number of weights that are trained. */
  readonly weights: number;
  /** Seconds that a rank computes in a step, for its images, before the first gradient is complete and from then on. */
  readonly forward: number;
  readonly backward: number;
  /** Bytes that a rank sends per second, while it receives as many: 1.25e9 for a network of 10 Gb/s that it has for itself. */
  readonly bandwidth: number;
  /** Seconds from a rank to another for an empty message. */
  readonly latency: number;
  /** Bytes that travel together. Default 8 MiB, that of `DataParallel`. */
  readonly bucketBytes?: number;
}

/** What a step is expected to take. */
export interface StepCost {
  readonly seconds: number;
  /** Seconds of a rank without others, divided by those with them. */
  readonly efficiency: number;
  /** Bytes that each rank sends. */
  readonly bytes: number;
}

/**
 * Estimates, from below, a step of data-parallel training with the same number of images for each rank. A bucket of gradients is sent when the backward
 * pass has computed it and the one before it has arrived. It takes a barrier, an exchange of its parts and a gathering of the
 * sums, which are counted as `log2 N + 2 (N - 1)` messages one after the other: the most that an implementation of MPI needs.
 */
export function stepCost(options: StepCostOptions): StepCost {
  const { ranks, weights, forward, backward, bandwidth, latency, bucketBytes = BUCKET_BYTES } = options;
  checkInteger('stepCost', 'ranks', ranks, { min: 1 });
  checkInteger('stepCost', 'weights', weights, { min: 1 });
  checkInteger('stepCost', 'bucketBytes', bucketBytes, { min: 4 });
  for (const [name, value] of Object.entries({ forward, backward, latency })) {
    checkNumber('stepCost', name, value, { min: 0 });
  }
  checkNumber('stepCost', 'bandwidth', bandwidth, { above: 0 });
  const alone = forward + backward;
  const bytes = (2 * (ranks - 1) * 4 * weights) / ranks;
  if (ranks === 1) return { seconds: alone, efficiency: 1, bytes };
  const buckets = Math.ceil((4 * weights) / bucketBytes);
  const messages = Math.ceil(Math.log2(ranks)) + 2 * (ranks - 1);
  const each = bytes / buckets / bandwidth + messages * latency;
  let seconds = 0;
  for (let i = 1; i <= buckets; i++) seconds = Math.max(seconds, forward + (backward * i) / buckets) + each;
  return { seconds, efficiency: alone / seconds, bytes };
}
