import { Random } from '../../src/common/random.ts';
import type { Ref } from '../reference/array.ts';
import { randomSign } from './fill.ts';

/**
 * Step of the differences, for inputs of about 1. The error of a central difference is h^2 / 6 times the third derivative,
 * plus the rounding of f over h: the sum is smallest near the cube root of 2^-53, which is 2^-17.7. A power of two
 * loses no digits of x; with it both errors are about 1e-11, far below the precision of float32 gradients. For inputs above
 * a million the step grows with them, or it would be lost in rounding.
 */
const STEP = 2 ** -17;

/** Some elements of a gradient: `values[i]` is that of the flat position `elements[i]`. */
export interface SampledGradient {
  readonly elements: Int32Array;
  readonly values: Float64Array;
}

/** A fixed weight for each output element, from 0.5 to 1 with either sign, in float32: the gradient to send backwards. */
export function hashedWeights(seed: string, size: number): Float64Array {
  const random = new Random(`${seed} weights`);
  return Float64Array.from({ length: size }, () => Math.fround(randomSign(random) * random.uniform(0.5, 1)));
}

/** `samples` flat positions below `size`, ascending: the first, the last, and others at random; all if there are no more. */
export function sampledElements(size: number, samples: number, seed: string): Int32Array {
  if (samples >= size) return Int32Array.from({ length: size }, (_, i) => i);
  const inner = Array.from({ length: size - 2 }, (_, i) => i + 1);
  new Random(`${seed} samples`).shuffle(inner);
  return Int32Array.from([0, ...inner.slice(0, Math.max(samples - 2, 0)), size - 1]).sort();
}

/**
 * Gradient of sum(f(inputs) * weights) with respect to input `k`, by central differences in float64.
 *
 * @param options.samples maximum number of elements to differentiate, at two evaluations of f each. Default: all
 * @param options.seed of the choice of elements
 */
export function centralDifference(
  f: (inputs: readonly Ref[]) => Ref,
  inputs: readonly Ref[],
  k: number,
  weights: ArrayLike<number>,
  { samples = Infinity, seed = '', step = STEP }: { samples?: number; seed?: string; step?: number } = {},
): SampledGradient {
  const moved = Float64Array.from(inputs[k]!.data);
  const list = inputs.map((input, i) => (i === k ? { shape: input.shape, data: moved } : input));
  const elements = sampledElements(moved.length, samples, seed);
  const values = Float64Array.from(elements, (element) => {
    const x = moved[element]!;
    const h = step * Math.max(1, Math.abs(x) * 2 ** -20);
    moved[element] = x + h;
    // A copy, because f may return its input's own memory.
    const above = Float64Array.from(f(list).data);
    moved[element] = x - h;
    const below = f(list).data;
    // Differences before the sum: two large sums would lose the digits that tell them apart.
    let total = 0;
    for (let i = 0; i < above.length; i++) {
      if (above[i] !== below[i]) total += (above[i]! - below[i]!) * weights[i]!;
    }
    moved[element] = x;
    return total / (x + h - (x - h));
  });
  return { elements, values };
}
