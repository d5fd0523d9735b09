import { checkSeed } from '../../common/check.ts';
import { fill } from '../../kernels/elementwise.ts';
import { philoxUniform } from '../../kernels/random.ts';
import { checkCreateOptions, tensor, type CreateOptions } from '../../tensor/create.ts';
import { defaultDevice, type Device } from '../../tensor/device.ts';
import type { DType } from '../../tensor/dtype.ts';
import { philox } from '../../tensor/philox.ts';
import { checkShape, sizeOf, type Shape } from '../../tensor/shape.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { nextSeed } from '../seeds.ts';

/** A tensor with all elements equal to `value`, which the type must hold: no fraction for an integer. */
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
  checkCreateOptions(op, options);
  const t = empty(options.device ?? defaultDevice(), shape, (options.dtype ?? 'float32') as D, op);
  fill(t, Number(value), 0, op);
  t.requiresGrad = options.requiresGrad ?? false;
  return t;
}

/** A tensor of zeros. */
export const zeros = <D extends DType = 'float32'>(shape: Shape, options: CreateOptions<D> = {}): Tensor<D> =>
  filled('zeros', shape, 0, options);

/** A tensor of ones. */
export const ones = <D extends DType = 'float32'>(shape: Shape, options: CreateOptions<D> = {}): Tensor<D> =>
  filled('ones', shape, 1, options);

/** start, start + step, ... up to but not including stop. As float32, exact for integers below 2^24. */
export function arange<D extends DType = 'float32'>(
  start: number,
  stop: number,
  step = 1,
  options: CreateOptions<D> = {},
): Tensor<D> {
  checkCreateOptions('arange', options);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isFinite(count)) throw new RangeError(`arange: no sequence from ${start} to ${stop} in steps of ${step}`);
  const t = empty(options.device ?? defaultDevice(), [count], (options.dtype ?? 'float32') as D, 'arange');
  fill(t, start, step, 'arange');
  t.requiresGrad = options.requiresGrad ?? false;
  return t;
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

function checkRandom(op: string, shape: Shape, options: RandomOptions, seed: number): void {
  checkShape(op, shape);
  checkCreateOptions(op, options, ['seed', 'device', 'requiresGrad']);
  checkSeed(op, seed);
}

/** Uniform random numbers in [0, 1), multiples of 2^-24. */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor<'float32'> {
  const { seed = nextSeed() } = options;
  checkRandom('rand', shape, options, seed);
  const t = empty(options.device ?? defaultDevice(), shape, 'float32', 'rand');
  philoxUniform(t, seed);
  t.requiresGrad = options.requiresGrad ?? false;
  return t;
}

/**
 * Random numbers of the standard normal distribution (Box and Muller 1958). They are computed on the host, because the
 * logarithm and cosine differ between GPUs, and the numbers must not.
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor<'float32'> {
  const { seed = nextSeed(), ...rest } = options;
  checkRandom('randn', shape, options, seed);
  const size = sizeOf(shape);
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
  return tensor(values, { shape, ...rest });
}
