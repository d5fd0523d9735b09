import { add, mul } from '../autograd/ops/binary.ts';
import { full, rand, randn } from '../autograd/ops/create.ts';
import { nextSeed } from '../autograd/seeds.ts';
import { noGrad } from '../autograd/tape.ts';
import { checkInteger } from '../common/check.ts';
import { keep, tidy } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Makes the initial values of a tensor. */
export type Initializer = (shape: Shape) => Tensor;

/** Throws a RangeError unless the numbers of channels or features are integers >= 1. */
export function checkExtents(layer: string, extents: Readonly<Record<string, number>>): void {
  for (const [name, extent] of Object.entries(extents)) checkInteger(layer, name, extent, { min: 1 });
}

/** Number of inputs and outputs of a unit, for filters [R, S, C, K] and matrices [in, out] (He et al. 2015, section 2.2). */
export function fans(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) throw new RangeError(`init: [${shape}] has no fan: expected [in, out] or [R, S, C, K]`);
  const field = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  return { fanIn: field * shape.at(-2)!, fanOut: field * shape.at(-1)! };
}

/**
 * All elements equal.
 *
 * @example
 * await constant(0.5)([3]).print(); // Tensor(float32 [3]) [0.5000, 0.5000, 0.5000]
 */
export const constant =
  (value: number): Initializer =>
  (shape) =>
    keep(full(shape, value));

/**
 * Uniform between low and high.
 *
 * @example
 * manualSeed(1);
 * const values = await uniform(-2, 2)([1000]).data();
 * console.log(values.every((v) => v >= -2 && v < 2)); // true
 */
export const uniform =
  (low: number, high: number): Initializer =>
  (shape) =>
    fresh(shape, () => add(mul(rand(shape), high - low), low));

/**
 * Normal with a mean and a standard deviation.
 *
 * @example
 * manualSeed(1);
 * const w = normal(5, 0.1)([10000]);
 * console.log((await mean(w).item()).toFixed(1), (await std(w).item()).toFixed(1)); // 5.0 0.1
 */
export const normal =
  (mean: number, std: number): Initializer =>
  (shape) =>
    fresh(shape, () => add(mul(randn(shape), std), mean));

/**
 * He et al. 2015: uniform with variance gain^2 / fan_in, where gain^2 = 2 / (1 + a^2). PyTorch's layers use a = sqrt(5).
 *
 * @example
 * manualSeed(1);
 * const w = kaimingUniform({ a: Math.sqrt(5) })([4, 1000]);
 * console.log((await max(w).item()).toFixed(2)); // 0.50
 */
export const kaimingUniform =
  ({ a = 0 }: { readonly a?: number } = {}): Initializer =>
  (shape) => {
    const bound = Math.sqrt(6 / ((1 + a * a) * fans(shape).fanIn));
    return uniform(-bound, bound)(shape);
  };

/**
 * He et al. 2015: normal with variance 2 / fan. ResNet uses `mode: 'fanOut'`.
 *
 * @example
 * manualSeed(1);
 * const w = kaimingNormal()([50, 1000]);
 * console.log((await std(w).item()).toFixed(2)); // 0.20
 */
export const kaimingNormal =
  ({ mode = 'fanIn' }: { readonly mode?: 'fanIn' | 'fanOut' } = {}): Initializer =>
  (shape) =>
    normal(0, Math.sqrt(2 / fans(shape)[mode]))(shape);

/**
 * Glorot and Bengio 2010: uniform with variance 2 / (fan_in + fan_out).
 *
 * @example
 * manualSeed(1);
 * const w = xavierUniform()([50, 100]);
 * console.log((await max(w).item()).toFixed(2)); // 0.20
 */
export const xavierUniform = (): Initializer => (shape) => {
  const { fanIn, fanOut } = fans(shape);
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return uniform(-bound, bound)(shape);
};

let isSkipped = false;

/**
 * Makes a module, with zeros for all random initial values, because a state that is loaded next replaces them. Drawing those of a large
 * network takes longer than loading it. Seeds advance as if they had been drawn.
 */
export function skipInit<M>(make: () => M): M {
  const before = isSkipped;
  isSkipped = true;
  try {
    return make();
  } finally {
    isSkipped = before;
  }
}

/** A tensor of random numbers that come from one seed. */
function fresh(shape: Shape, make: () => Tensor): Tensor {
  if (!isSkipped) return keep(noGrad(() => tidy(make)));
  nextSeed();
  return constant(0)(shape);
}
