import type { Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { clearPixels as clearKernel } from './wgsl/clear_pixels.wgsl.ts';

const SIZE = 64;

/**
 * Sets all channels of some pixels of every image to 0, in place.
 *
 * @param y [N, P, Q, K]
 * @param pixels int32 [M], row * Q + column; those beyond the image are ignored
 */
export function clearPixels(op: string, y: Tensor, pixels: Tensor): void {
  const [images, p, q, k] = y.shape as [number, number, number, number];
  if (y.size === 0 || pixels.size === 0) return;
  const isVector = k % 4 === 0;
  const channels = isVector ? k / 4 : k;
  inSlices(op, images, [], [y], (_, count, [ys]) => {
    const elements = count * pixels.size * channels;
    run(y.device, clearKernel, {
      op,
      consts: { SIZE },
      aliases: { V: isVector ? 'vec4f' : 'f32' },
      bind: { pixels, y: ys! },
      params: { elements, count: pixels.size, all: p * q, channels },
      groups: linearGroups(y.device, elements, SIZE),
    });
  });
}
