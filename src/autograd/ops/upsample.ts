import { checkInteger } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { upsample } from '../../kernels/upsample.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

type Size = readonly [height: number, width: number];

function resized(op: string, x: Tensor, size: Size, bilinear: boolean): Tensor {
  checkFloat(op, x);
  const from = [x.shape[1]!, x.shape[2]!] as const;
  if (x.shape.length !== 4 || from[0] === 0 || from[1] === 0) {
    throw new RangeError(`${op}: input [${x.shape}] does not fit: expected [N, H, W, C] with pixels`);
  }
  checkInteger(op, 'height', size[0], { min: 1 });
  checkInteger(op, 'width', size[1], { min: 1 });
  return record(op, upsample(x, from, size, bilinear, false), [x], [], (dy) => [
    () => upsample(dy, from, size, bilinear, true),
  ]);
}

/**
 * Resizes [N, H, W, C] to [N, height, width, C], larger or smaller, by taking the nearest pixel: output i is input
 * floor(i H / height).
 */
export const upsampleNearest = (x: Tensor, size: Size): Tensor => resized('upsampleNearest', x, size, false);

/**
 * Resizes [N, H, W, C] to [N, height, width, C], larger or smaller, by bilinear interpolation between pixels whose centres
 * lie at half-integers (PyTorch's `align_corners = false`, without antialiasing).
 */
export const upsampleBilinear = (x: Tensor, size: Size): Tensor => resized('upsampleBilinear', x, size, true);
