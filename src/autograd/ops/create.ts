import { checkNumber, checkSeed } from '../../common/check.ts';
import { fill } from '../../kernels/elementwise.ts';
import { philoxUniform } from '../../kernels/random.ts';
import { createOptions, write, type CreateOptions } from '../../tensor/create.ts';
import type { Device } from '../../tensor/device.ts';
import type { DType } from '../../tensor/dtype.ts';
import { philox } from '../../tensor/philox.ts';
import { tidy } from '../../tensor/scope.ts';
import { checkShape, type Shape } from '../../tensor/shape.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { nextSeed } from '../seeds.ts';

/**
 * A tensor with all elements equal to `value`, which the type must hold: no fraction for an integer.
 *
 * @example
 * await full([2, 3], 7).print();
 * // Tensor(float32 [2,3])
 * // [[7., 7., 7.],
 * //  [7., 7., 7.]]
 */
export function full<D extends DType = 'float32'>(
  shape: Shape,
  value: number | boolean,
  options: CreateOptions<D> = {},
): Tensor<D> {
  return filled('full', shape, value, options);
}

/** A tensor of `shape` with all elements equal to `value`, for the function `op`. */
function filled<D extends DType>(
  op: string,
  shape: Shape,
  value: number | boolean,
  options: CreateOptions<D>,
): Tensor<D> {
  return sequence(op, shape, typeof value === 'boolean' ? Number(value) : value, 0, options);
}

/** A tensor of `shape` with the elements start, start + step, ... */
function sequence<D extends DType>(
  op: string,
  shape: Shape,
  start: number,
  step: number,
  options: CreateOptions<D>,
): Tensor<D> {
  const { dtype, device, requiresGrad } = createOptions(op, options);
  return tidy(() => {
    const t = empty(device, shape, dtype, op);
    fill(t, start, step, op);
    t.requiresGrad = requiresGrad;
    return t;
  });
}

/**
 * A tensor of zeros.
 *
 * @example
 * await zeros([2, 3], { dtype: 'int32' }).print();
 * // Tensor(int32 [2,3])
 * // [[0, 0, 0],
 * //  [0, 0, 0]]
 */
export const zeros = <D extends DType = 'float32'>(shape: Shape, options: CreateOptions<D> = {}): Tensor<D> =>
  filled('zeros', shape, 0, options);

/**
 * A tensor of ones.
 *
 * @example
 * await ones([2, 3]).print();
 * // Tensor(float32 [2,3])
 * // [[1., 1., 1.],
 * //  [1., 1., 1.]]
 */
export const ones = <D extends DType = 'float32'>(shape: Shape, options: CreateOptions<D> = {}): Tensor<D> =>
  filled('ones', shape, 1, options);

/**
 * start, start + step, ... up to but not including stop. As float32, exact for integers below 2^24.
 *
 * @example
 * await arange(0, 10, 2).print(); // Tensor(float32 [5]) [0., 2., 4., 6., 8.]
 */
export function arange<D extends DType = 'float32'>(
  start: number,
  stop: number,
  step = 1,
  options: CreateOptions<D> = {},
): Tensor<D> {
  for (const [name, value] of Object.entries({ start, stop, step })) checkNumber('arange', name, value);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isFinite(count)) throw new RangeError(`arange: no sequence from ${start} to ${stop} in steps of ${step}`);
  return sequence('arange', [count], start, step, options);
}

export interface RandomOptions {
  /**
   * An integer from 0 to 2^53 - 1. Different seeds give independent sequences; the same seed gives the same numbers on every
   * device. Default: the next seed of the stream that `manualSeed` sets.
   */
  readonly seed?: number;
  readonly device?: Device;
  /** Whether `backward` accumulates a gradient for this tensor. Default false. */
  readonly requiresGrad?: boolean;
}

/** An empty tensor for random numbers, and their seed. */
function random(op: string, shape: Shape, options: RandomOptions): { t: Tensor<'float32'>; seed: number } {
  checkShape(op, shape);
  const defaults = { seed: undefined, device: undefined, requiresGrad: false };
  const { device, requiresGrad } = createOptions<'float32'>(op, options, defaults);
  const { seed = nextSeed() } = options;
  checkSeed(op, seed);
  const t = empty(device, shape, 'float32', op);
  t.requiresGrad = requiresGrad;
  return { t, seed };
}

/**
 * Uniform random numbers in [0, 1), multiples of 2^-24.
 *
 * @example
 * await rand([3], { seed: 1 }).print(); // Tensor(float32 [3]) [0.8903, 0.8947, 0.5857]
 */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor<'float32'> {
  const { t, seed } = random('rand', shape, options);
  philoxUniform(t, seed);
  return t;
}

/**
 * Random numbers of the standard normal distribution (Box and Muller 1958). They are computed on the host, because the
 * logarithm and cosine differ between GPUs, and the numbers must not.
 *
 * @example
 * await randn([3], { seed: 1 }).print(); // Tensor(float32 [3]) [ 0.3804, -0.2963, -0.2492]
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor<'float32'> {
  const { t, seed } = random('randn', shape, options);
  const { size } = t;
  const values = new Float32Array(size);
  const bits = new Uint32Array(4);
  for (let block = 0; block * 4 < size; block++) {
    philox(block, seed, bits);
    for (let pair = 0; pair < 4; pair += 2) {
      // Never 0, whose logarithm is infinite.
      const radius = Math.sqrt(-2 * Math.log((bits[pair]! + 1) / 2 ** 32));
      const angle = (2 * Math.PI * bits[pair + 1]!) / 2 ** 32;
      const at = block * 4 + pair;
      if (at < size) values[at] = radius * Math.cos(angle);
      if (at + 1 < size) values[at + 1] = radius * Math.sin(angle);
    }
  }
  write(t, values);
  return t;
}
