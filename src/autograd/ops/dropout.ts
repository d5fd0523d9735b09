import { checkNumber, checkSeed, optionsOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { dropout as dropoutKernel } from '../../kernels/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { nextSeed } from '../seeds.ts';
import { record } from '../tape.ts';

export interface DropoutOptions {
  /** Probability that an element becomes 0, from 0 to 1. Default 0.5. */
  readonly p?: number;
  /**
   * An integer from 0 to 2^53 - 1, which decides with the position of an element whether it is dropped. Default: the next seed
   * of the stream that `manualSeed` sets.
   */
  readonly seed?: number;
}

/**
 * Dropout (Srivastava et al. 2014): every element becomes 0 with probability p, and the others are divided by 1 - p, so that
 * the expected value stays. Dropped elements are 0 even where x is infinite or NaN. The mask is computed from the seed, also
 * again in `backward`, and takes no memory. For training only; the layer `Dropout` knows when that is.
 *
 * @throws RangeError if p is not a number from 0 to 1 or the seed not an integer
 *
 * @example
 * const y = await dropout(ones([1000]), { p: 0.2, seed: 1 }).data();
 * console.log(new Set(y), y.filter((v) => v === 0).length); // Set(2) { 1.25, 0 } 187
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  checkFloat('dropout', x);
  const { p, seed = nextSeed() } = optionsOf('dropout', options, { p: 0.5, seed: undefined });
  checkNumber('dropout', 'p', p, { min: 0, max: 1 });
  checkSeed('dropout', seed);
  return record('dropout', dropoutKernel(x, p, seed), [x], [], (dy) => [() => dropout(dy, { p, seed })], {
    twice: true,
  });
}
