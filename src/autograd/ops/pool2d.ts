import {
  avgPool,
  maxPoolForward,
  maxPoolGrad,
  poolGeometry,
  type AvgPoolOptions,
  type PoolOptions,
} from '../../kernels/pool2d.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

export type { AvgPoolOptions, PoolOptions };

/**
 * Largest element of each window, per channel. The gradient goes to the first of equal elements; a NaN counts as largest.
 *
 * @param x [N, H, W, C]
 * @returns [N, P, Q, C] with P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1
 */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  const geometry = poolGeometry('maxPool2d', x, options);
  const { y, places } = maxPoolForward(x, geometry);
  record('maxPool2d', y, [x], [places], (dy, [places]) => [() => maxPoolGrad(dy, places, geometry)]);
  places.dispose();
  return y;
}

/**
 * Mean of each window, per channel.
 *
 * @param x [N, H, W, C]
 * @returns [N, P, Q, C] with P = floor((H + 2 padding - kernel) / stride) + 1
 */
export function avgPool2d(x: Tensor, { countIncludePad = true, ...options }: AvgPoolOptions): Tensor {
  const geometry = poolGeometry('avgPool2d', x, options);
  return record('avgPool2d', avgPool(x, geometry, countIncludePad, false), [x], [], (dy) => [
    () => avgPool(dy, geometry, countIncludePad, true),
  ]);
}
