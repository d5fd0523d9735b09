import { checkInteger, checkList } from '../../common/check.ts';
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
  checkList(op, 'size', size);
  checkInteger(op, 'height', size[0], { min: 1 });
  checkInteger(op, 'width', size[1], { min: 1 });
  return interpolated(x, from, size, bilinear, false);
}

/** Resizes from one size to another, or with `gradient` the gradient of that back. Each is the derivative of the other. */
function interpolated(x: Tensor, from: Size, to: Size, bilinear: boolean, gradient: boolean): Tensor {
  const backward = (dy: Tensor) => [() => interpolated(dy, from, to, bilinear, !gradient)];
  const op = `upsample${bilinear ? 'Bilinear' : 'Nearest'}${gradient ? ' gradient' : ''}`;
  return record(op, upsample(x, from, to, bilinear, gradient), [x], [], backward, { twice: true });
}

/**
 * Resizes [N, H, W, C] to [N, height, width, C], larger or smaller, by taking the nearest pixel: output i is input
 * floor(i H / height).
 *
 * @example
 * const x = reshape(tensor([1, 2]), [1, 1, 2, 1]);
 * await reshape(upsampleNearest(x, [2, 4]), [2, 4]).print();
 * // Tensor(float32 [2,4])
 * // [[1., 1., 2., 2.],
 * //  [1., 1., 2., 2.]]
 */
export const upsampleNearest = (x: Tensor, size: Size): Tensor => resized('upsampleNearest', x, size, false);

/**
 * Resizes [N, H, W, C] to [N, height, width, C], larger or smaller, by bilinear interpolation between pixels whose centres
 * lie at half-integers (PyTorch's `align_corners = false`, without antialiasing).
 *
 * @example
 * const x = reshape(tensor([1, 2]), [1, 1, 2, 1]);
 * await flatten(upsampleBilinear(x, [1, 4])).print(); // Tensor(float32 [4]) [1.0000, 1.2500, 1.7500, 2.0000]
 */
export const upsampleBilinear = (x: Tensor, size: Size): Tensor => resized('upsampleBilinear', x, size, true);
