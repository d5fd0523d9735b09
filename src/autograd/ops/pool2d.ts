import { pairOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import {
  adaptiveAvgPool,
  avgPool,
  maxPoolForward,
  maxPoolGrad,
  POOL,
  poolGeometry,
  type AvgPoolOptions,
  type PoolGeometry,
  type PoolOptions,
} from '../../kernels/pool2d.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Pair } from '../../kernels/window.ts';
import { record } from '../tape.ts';
import { mean } from './reduce.ts';

export type { AvgPoolOptions, PoolOptions };

/**
 * Largest element of each window, per channel. The gradient goes to the first of equal elements; a NaN counts as largest.
 * A window wholly in the padding, which dilation makes possible, gives minus infinity, as in PyTorch; its gradient goes
 * nowhere (PyTorch sends it to an arbitrary pixel).
 *
 * @param x [N, H, W, C]
 * @returns [N, P, Q, C] with P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, or rounded up with
 *   `ceilMode`
 * @throws a RangeError if the padding is more than half of the window, or the window is larger than the padded image
 *
 * @example
 * const x = reshape(arange(0, 16), [1, 4, 4, 1]);
 * await reshape(maxPool2d(x, { kernel: 2, stride: 2 }), [2, 2]).print();
 * // Tensor(float32 [2,2])
 * // [[ 5.,  7.],
 * //  [13., 15.]]
 */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  const geometry = poolGeometry('maxPool2d', x, options);
  const { y, places } = maxPoolForward(x, geometry);
  record('maxPool2d', y, [x], [places], (dy, [places]) => [() => maxPoolGrad(dy, places, geometry)]);
  places.dispose();
  return y;
}

/**
 * Mean of each window, per channel. A window without elements that count gives 0. (PyTorch's has no dilation.)
 *
 * @param x [N, H, W, C]
 * @returns [N, P, Q, C] with P as for `maxPool2d`
 * @throws a RangeError if the padding is more than half of the window, or the window is larger than the padded image
 *
 * @example
 * const x = reshape(arange(0, 16), [1, 4, 4, 1]);
 * await reshape(avgPool2d(x, { kernel: 2, stride: 2 }), [2, 2]).print();
 * // Tensor(float32 [2,2])
 * // [[ 2.5000,  4.5000],
 * //  [10.5000, 12.5000]]
 */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  const geometry = poolGeometry('avgPool2d', x, options, { ...POOL, countIncludePad: true });
  return average(x, geometry, options.countIncludePad ?? true, false);
}

/** Average pooling or its gradient. Both are linear, and each is the derivative of the other. */
function average(x: Tensor, geometry: PoolGeometry, countIncludePad: boolean, gradient: boolean): Tensor {
  const backward = (dy: Tensor) => [() => average(dy, geometry, countIncludePad, !gradient)];
  const op = gradient ? 'avgPool2d gradient' : 'avgPool2d';
  return record(op, avgPool(x, geometry, countIncludePad, gradient), [x], [], backward, { twice: true });
}

function checkImages(op: string, x: Tensor): void {
  checkFloat(op, x);
  const { shape } = x;
  if (shape.length === 4 && shape[1]! > 0 && shape[2]! > 0) return;
  throw new RangeError(`${op}: input [${shape}] does not fit: expected [N, H, W, C] with pixels`);
}

/**
 * Means of a given number of windows, whatever the size of the image: row p of the result is the mean of the rows from
 * floor(p H / P) to ceil((p + 1) H / P), exclusive, and columns likewise (PyTorch's rule).
 *
 * @param x [N, H, W, C]
 * @param size [P, Q], or one number for both
 * @returns [N, P, Q, C]
 *
 * @example
 * const x = reshape(arange(0, 15), [1, 3, 5, 1]);
 * await reshape(adaptiveAvgPool2d(x, [1, 2]), [2]).print(); // Tensor(float32 [2]) [6., 8.]
 */
export function adaptiveAvgPool2d(x: Tensor, size: number | Pair): Tensor {
  const op = 'adaptiveAvgPool2d';
  checkImages(op, x);
  const to = pairOf(op, 'size', size, 1);
  if (to[0] === 1 && to[1] === 1) return mean(x, [1, 2], { keepDims: true });
  return adaptiveAverage(x, to, false);
}

/** Adaptive average pooling or its gradient. Both are linear, and each is the derivative of the other. */
function adaptiveAverage(x: Tensor, size: Pair, gradient: boolean): Tensor {
  const from = [x.shape[1]!, x.shape[2]!] as const;
  const backward = (dy: Tensor) => [() => adaptiveAverage(dy, from, !gradient)];
  const op = gradient ? 'adaptiveAvgPool2d gradient' : 'adaptiveAvgPool2d';
  return record(op, adaptiveAvgPool(x, size, gradient), [x], [], backward, { twice: true });
}

/**
 * Mean over all pixels of each image, per channel: [N, H, W, C] to [N, C] (Lin, Chen and Yan 2013, "Network in network").
 *
 * @example
 * await globalAvgPool2d(reshape(arange(0, 8), [1, 2, 2, 2])).print(); // Tensor(float32 [1,2]) [[3., 4.]]
 */
export function globalAvgPool2d(x: Tensor): Tensor {
  checkImages('globalAvgPool2d', x);
  return mean(x, [1, 2]);
}
