import { conv2dGradWeight } from '../../kernels/convolution/conv2d.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ladderTasks, unfold, type ConvExtents } from './conv.ts';
import { grad1Naive } from './grad_1_naive.wgsl.ts';
import { grad2Vectors } from './grad_2_vectors.wgsl.ts';
import { grad3Outer } from './grad_3_outer.wgsl.ts';
import { grad4Taps } from './grad_4_taps.wgsl.ts';
import { grad5Slices } from './grad_5_slices.wgsl.ts';
import { grad5Sum } from './grad_5_sum.wgsl.ts';
import { grad6Transposed } from './grad_6_transposed.wgsl.ts';
import { filled, groupsOf, type LadderStep } from './step.ts';

/** Parts into which a sum over all pixels is divided. */
const SLICES = 16;

/** The gradient of the filter of a 3x3 convolution. Channels are multiples of 8. */
export function gradLadder(extents: ConvExtents): LadderStep[] {
  const { n, h, w, c, k } = extents;
  const { dw: task, shape } = ladderTasks(extents);
  const [c4, k4] = [c / 4, k / 4];
  const params = { n, h, w, c4, k4 };
  const step = (name: string, accesses: number | null, gradient: (x: Tensor, dy: Tensor) => Tensor): LadderStep => ({
    name: `grad ${name}`,
    task,
    accesses,
    run: ({ x, dy }) => gradient(x!, dy!),
  });
  return [
    step('1 naive', 2, (x, dy) =>
      filled(grad1Naive, shape.w, (dw) => ({
        bind: { x, dy, dw },
        params: { n, h, w, c, k },
        groups: [groupsOf(k, 64), c, 9],
      })),
    ),
    // A workgroup is half a subgroup. Its vectors of dy are 256 bytes, its value or vector of x is the same.
    step('2 vectors', (2 * 1 + 4) / 4, (x, dy) =>
      filled(grad2Vectors, shape.w, (dw) => ({
        bind: { x, dy, dw },
        params: { n, h, w, c, k4 },
        groups: [groupsOf(k4, 16), c, 9],
      })),
    ),
    step('3 outer product', (2 * 1 + 4) / 16, (x, dy) =>
      filled(grad3Outer, shape.w, (dw) => ({ bind: { x, dy, dw }, params, groups: [groupsOf(k4, 16), c4, 9] })),
    ),
    step('4 taps', (2 * 1 + 4) / 48, (x, dy) =>
      filled(grad4Taps, shape.w, (dw) => ({ bind: { x, dy, dw }, params, groups: [groupsOf(k4, 16), c4, 3] })),
    ),
    step('5 slices', (2 * 1 + 4) / 48, (x, dy) => {
      const parts = filled(grad5Slices, [SLICES, ...shape.w], (parts) => ({
        bind: { x, dy, parts },
        params: { ...params, lines: Math.ceil((n * h) / SLICES) },
        groups: [groupsOf(k4, 16), c4, 3 * SLICES],
      }));
      return sumOfSlices(parts, shape.w);
    }),
    step('6 transposed product', null, (x, dy) => {
      const u = unfold(x, extents);
      const parts = filled(grad6Transposed, [SLICES, ...shape.w], (parts) => ({
        bind: { u, dy, parts },
        params: { count: n * h * w, rows4: 9 * c4, k4, length: Math.ceil((n * h * w) / SLICES) },
        groups: [groupsOf(k4, 16), (9 * c4) / 2, SLICES],
      }));
      return sumOfSlices(parts, shape.w);
    }),
    step('7 library', null, (x, dy) => conv2dGradWeight(dy, x, shape.w, shape)),
  ];
}

/** The sum of parts [slices, ...shape] over its first axis. */
function sumOfSlices(parts: Tensor, shape: readonly number[]): Tensor {
  const count = parts.size / SLICES / 4;
  return filled(grad5Sum, shape, (dw) => ({
    bind: { parts, dw },
    params: { count, slices: SLICES },
    groups: [groupsOf(count, 64)],
  }));
}
