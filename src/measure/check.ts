import { Random } from '../common/random.ts';
import { offsetOf, type Reference } from './reference/array.ts';

// Kernels can be correct for a small image and wrong at the size of a real network. Each benchmark therefore checks the
// results that it times against float64 references, at sampled places.

/** Maximum difference that is attributed to rounding in one operation, as a fraction of the largest value. */
const TOLERANCE = 1e-4;

/** A computed value and its reference. */
type Sample = readonly [actual: number, expected: number];

/** Null if all samples agree, otherwise a message. */
export function disagreement(samples: readonly Sample[], tolerance = TOLERANCE): string | null {
  const scale = Math.max(...samples.map(([, expected]) => Math.abs(expected)));
  const worst = Math.max(...samples.map(([actual, expected]) => Math.abs(actual - expected)));
  if (worst <= tolerance * scale) return null;
  return `off by ${worst.toExponential(1)} where the largest value is ${scale.toExponential(1)}`;
}

/**
 * Sampled indices of an array, two for each element of its longest axis. The first half advances along all axes at once
 * and covers every index of every axis, hence every channel of every operand of a product. Past the end of an axis, and in
 * the second half, indices are random.
 */
function sampledIndices(shape: readonly number[]): number[][] {
  const random = new Random('sampled indices');
  return Array.from({ length: 2 * Math.max(...shape) }, (_, i) =>
    shape.map((extent) => (i < extent ? i : random.int(extent))),
  );
}

/** Compares a result with its reference at sampled places. Null if they agree, otherwise a message. */
export function checkSampled(actual: ArrayLike<number>, { shape, at }: Reference): string | null {
  return disagreement(sampledIndices(shape).map((index): Sample => [actual[offsetOf(shape, index)]!, at(...index)]));
}
