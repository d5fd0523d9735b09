import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { upsample as upsampleKernel } from './wgsl/upsample.wgsl.ts';
import { upsampleNearest } from './wgsl/upsample_nearest.wgsl.ts';

const SIZE = 64;
/** Columns per invocation of upsample_nearest.wgsl. */
const EACH = 4;
type Size = readonly [height: number, width: number];

/** Resizes [N, H, W, C] from one size to another, or with `gradient` takes the gradient of that back. */
export function upsample(x: Tensor, from: Size, to: Size, bilinear: boolean, gradient: boolean): Tensor {
  const op = `upsample${bilinear ? 'Bilinear' : 'Nearest'}${gradient ? ' gradient' : ''}`;
  const [n, , , c] = x.shape as [number, number, number, number];
  const [height, width] = gradient ? from : to;
  const y = empty(x.device, [n, height, width, c], 'float32', op);
  inSlices(op, n, [x], [y], (_, count, [xs, ys]) => {
    const vector = c % 4 === 0 ? 4 : 1;
    const aliases = { V: vector === 4 ? 'vec4f' : 'f32' } as const;
    const [h, w, p, q] = [...from, ...to] as const;
    if (!bilinear && !gradient) {
      const blocks = Math.ceil(q / EACH);
      run(x.device, upsampleNearest, {
        op,
        consts: { SIZE, EACH },
        aliases,
        bind: { x: xs!, y: ys! },
        params: { h, w, p, q, blocks, c: c / vector, lines: count * p },
        groups: linearGroups(x.device, (count * p * blocks * c) / vector, SIZE),
      });
      return;
    }
    const elements = (count * height * width * c) / vector;
    run(x.device, upsampleKernel, {
      op,
      consts: { SIZE, BILINEAR: bilinear, GRADIENT: gradient },
      aliases,
      bind: { x: xs!, y: ys! },
      params: { elements, h, w, p, q, c: c / vector },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}
