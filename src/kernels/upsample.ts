import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { upsample as upsampleKernel } from './wgsl/upsample.wgsl.ts';

const SIZE = 64;
type Size = readonly [height: number, width: number];

/** Resizes [N, H, W, C] from one size to another, or with `gradient` takes the gradient of that back. */
export function upsample(x: Tensor, from: Size, to: Size, bilinear: boolean, gradient: boolean): Tensor {
  const op = `upsample${bilinear ? 'Bilinear' : 'Nearest'}${gradient ? ' gradient' : ''}`;
  const [n, , , c] = x.shape as [number, number, number, number];
  const [height, width] = gradient ? from : to;
  const y = empty(x.device, [n, height, width, c], 'float32', op);
  inSlices(op, n, [x], [y], (_, count, [xs, ys]) => {
    const vector = c % 4 === 0 ? 4 : 1;
    const elements = (count * height * width * c) / vector;
    run(x.device, upsampleKernel, {
      op,
      consts: { SIZE, BILINEAR: bilinear, GRADIENT: gradient },
      aliases: { V: vector === 4 ? 'vec4f' : 'f32' },
      bind: { x: xs!, y: ys! },
      params: { elements, h: from[0], w: from[1], p: to[0], q: to[1], c: c / vector },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}
