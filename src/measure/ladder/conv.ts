import { conv2dForward } from '../../kernels/convolution/conv2d.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { convTasks } from '../tasks.ts';
import { conv1Naive } from './conv_1_naive.wgsl.ts';
import { conv2Channels } from './conv_2_channels.wgsl.ts';
import { conv3Vectors } from './conv_3_vectors.wgsl.ts';
import { conv4Pixels } from './conv_4_pixels.wgsl.ts';
import { conv5Unfold } from './conv_5_unfold.wgsl.ts';
import { conv6Gather } from './conv_6_gather.wgsl.ts';
import { conv7WinogradFilter } from './conv_7_winograd_filter.wgsl.ts';
import { conv7WinogradInput } from './conv_7_winograd_input.wgsl.ts';
import { conv7WinogradOutput } from './conv_7_winograd_output.wgsl.ts';
import { products } from './matmul.ts';
import { filled, groupsOf, type LadderStep } from './step.ts';

/** Extents of the ladder's 3x3 convolution: n images of h x w pixels, c channels in, k out. */
export interface ConvExtents {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly k: number;
}

/** The convolution's tasks: forward, and the gradient of the filter. */
export function ladderTasks({ n, h, w, c, k }: ConvExtents) {
  const shape = { x: [n, h, w, c], w: [3, 3, c, k], stride: 1, padding: 1 } as const;
  const [forward, , dw] = convTasks(shape);
  return { forward: forward!, dw: dw!, shape };
}

/**
 * A 3x3 convolution with padding 1. Channels are multiples of 8, h and w of 2, w also of 4, and n h w / 4 of 8.
 */
export function convLadder(extents: ConvExtents): LadderStep[] {
  const { n, h, w: width, c, k } = extents;
  const { forward: task, shape } = ladderTasks(extents);
  const [pixels, c4, k4] = [n * h * width, c / 4, k / 4];
  const yShape = [n, h, width, k];
  const scalars = { n, h, w: width, c, k };
  const params = { n, h, w: width, c4, k4 };
  const step = (name: string, accesses: number | null, conv: (x: Tensor, w: Tensor) => Tensor): LadderStep => ({
    name: `conv ${name}`,
    task,
    accesses,
    run: ({ x, w }) => conv(x!, w!),
  });
  return [
    step('1 naive', 8 + 1, (x, w) =>
      filled(conv1Naive, yShape, (y) => ({ bind: { x, w, y }, params: scalars, groups: [groupsOf(pixels, 64), k] })),
    ),
    step('2 channels', 2, (x, w) =>
      filled(conv2Channels, yShape, (y) => ({ bind: { x, w, y }, params: scalars, groups: [groupsOf(k, 64), pixels] })),
    ),
    // A workgroup is half a subgroup. Its vectors of w are 256 bytes, that of x is the same.
    step('3 vectors', (2 * 1 + 4 * 4) / 16, (x, w) =>
      filled(conv3Vectors, yShape, (y) => ({ bind: { x, w, y }, params, groups: [groupsOf(k4, 16), pixels] })),
    ),
    step('4 pixels', (2 * 4 + 4 * 4) / 64, (x, w) =>
      filled(conv4Pixels, yShape, (y) => ({ bind: { x, w, y }, params, groups: [groupsOf(k4, 16), pixels / 4] })),
    ),
    step('5 unfold', null, (x, w) => products(unfold(x, extents), w, [1, pixels, k, 9 * c])),
    step('6 gather', (2 * 8 + 4 * 4) / 128, (x, w) =>
      filled(conv6Gather, yShape, (y) => ({ bind: { x, w, y }, params, groups: [groupsOf(k4, 16), pixels / 8] })),
    ),
    step('7 Winograd', null, (x, w) => {
      const tiles = pixels / 4;
      const u = filled(conv7WinogradFilter, [16, c, k], (u) => ({
        bind: { w, u },
        params: { count: c * k4 },
        groups: [groupsOf(c * k4, 64)],
      }));
      const v = filled(conv7WinogradInput, [16, tiles, c], (v) => ({
        bind: { x, v },
        params,
        groups: [groupsOf(c4, 16), tiles],
      }));
      const m = products(v, u, [16, tiles, k, c]);
      return filled(conv7WinogradOutput, yShape, (y) => ({
        bind: { m, y },
        params,
        groups: [groupsOf(k4, 16), tiles],
      }));
    }),
    step('8 library', null, (x, w) => conv2dForward(x, w, null, shape)),
  ];
}

/** The image as a matrix [N H W, 9 C], whose product with the filter is the convolution. */
export function unfold(x: Tensor, { n, h, w, c }: ConvExtents): Tensor {
  return filled(conv5Unfold, [n * h * w, 9 * c], (u) => ({
    bind: { x, u },
    params: { n, h, w, c4: c / 4 },
    groups: [groupsOf(c / 4, 16), n * h * w],
  }));
}
