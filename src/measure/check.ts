import { offsetOf, type Reference } from './reference/array.ts';

// Kernels can be right for a small image and wrong at the size of a real network. So each run of a benchmark checks the
// results that it times, against the float64 references at sampled places.

/** Largest difference that rounding explains, as a fraction of the largest value. */
const TOLERANCE = 1e-4;

/** A result at one place: what was computed and what it should be. */
type Sample = readonly [actual: number, expected: number];

/** Null if all samples agree, otherwise what is wrong. */
export function disagreement(samples: readonly Sample[]): string | null {
  const scale = Math.max(...samples.map(([, expected]) => Math.abs(expected)));
  const worst = Math.max(...samples.map(([actual, expected]) => Math.abs(actual - expected)));
  if (worst <= TOLERANCE * scale) return null;
  return `off by ${worst.toExponential(1)} where the largest value is ${scale.toExponential(1)}`;
}

/** Integers below `n` that look random, the same every time. */
export function places(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/**
 * Indices of an array, twice as many as its longest axis has elements. The first half goes through all axes in step and
 * meets every index of every axis (so every channel of every operand of a product); where an axis has ended, and in the
 * second half, indices are random.
 */
export function sampledIndices(shape: readonly number[]): number[][] {
  const random = places(1);
  return Array.from({ length: 2 * Math.max(...shape) }, (_, i) =>
    shape.map((extent) => (i < extent ? i : random(extent))),
  );
}

/** Compares a result with its reference at sampled places: null if they agree, otherwise what is wrong. */
export function checkSampled(actual: ArrayLike<number>, { shape, at }: Reference): string | null {
  return disagreement(sampledIndices(shape).map((index): Sample => [actual[offsetOf(shape, index)]!, at(...index)]));
}
