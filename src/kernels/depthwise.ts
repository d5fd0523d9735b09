import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Geometry } from './conv2d-geometry.ts';
import type { ProductEpilogue } from './gemm.ts';
import { reduceAxis } from './reduce.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { WORKSPACE_BYTES, tuningOf } from './tuning.ts';
import { accumulate } from './update.ts';
import { depthwiseConv2d } from './wgsl/depthwise_conv2d.wgsl.ts';
import { depthwiseGradFilter } from './wgsl/depthwise_grad_filter.wgsl.ts';
import { depthwiseGradInput as gradInputKernel } from './wgsl/depthwise_grad_input.wgsl.ts';
import { windowParams } from './window.ts';

// Convolutions with as many groups as channels. There is no sum over channels, hence no product of matrices: each value is
// used for the few taps of its own channel, and memory is the limit. One launch for all groups.

const SIZE = 64;
/** Columns per invocation of depthwise_conv2d.wgsl. */
const EACH = 4;
/** Minimum number of pixels of a split. */
const MIN_SPLIT = 64;

/** Whether a filter [R, S, C / groups, K] reads one channel for each result. */
export const isDepthwise = (w: Shape, { groups }: Geometry): boolean => groups > 1 && w[2] === 1;

/** Results from each channel, and how many channels an invocation takes. */
function channelsOf(w: Shape, { groups }: Geometry) {
  const multiplier = w[3]! / groups;
  const isVector = multiplier === 1 && groups % 4 === 0;
  return { multiplier, vector: isVector ? 4 : 1, aliases: { V: isVector ? 'vec4f' : 'f32' } as const };
}

/**
 * y = epilogue(conv(x, w)).
 *
 * @param x [N, H, W, C]
 * @param w [R, S, 1, K]
 * @param shape [N, P, Q, K]
 */
export function depthwiseForward(
  op: string,
  x: Tensor,
  w: Tensor,
  geometry: Geometry,
  shape: Shape,
  { scale = null, bias = null, add = null, relu = false }: ProductEpilogue<Tensor>,
): Tensor {
  const [n, p, q, k] = shape as [number, number, number, number];
  const { multiplier, vector, aliases } = channelsOf(w.shape, geometry);
  const y = empty(x.device, shape, 'float32', op);
  const blocks = Math.ceil(q / EACH);
  inSlices(op, n, add === null ? [x] : [x, add], [y], (_, images, slices) => {
    const lines = images * p;
    run(x.device, depthwiseConv2d, {
      op,
      consts: { SIZE },
      aliases,
      bind: {
        x: slices[0]!,
        w,
        scale: scale ?? w,
        bias: bias ?? w,
        add: add === null ? w : slices[1]!,
        y: slices.at(-1)!,
      },
      params: {
        h: x.shape[1]!,
        w: x.shape[2]!,
        p,
        q,
        k: k / vector,
        multiplier,
        lines,
        blocks,
        ...windowParams(w.shape, geometry),
        hasScale: Number(scale !== null),
        hasBias: Number(bias !== null),
        hasAdd: Number(add !== null),
        relu: Number(relu),
      },
      groups: linearGroups(x.device, (lines * blocks * k) / vector, SIZE),
    });
  });
  return y;
}

/** dx of `shape` [N, H, W, C], plus the bias [C]. */
export function depthwiseGradInput(
  op: string,
  dy: Tensor,
  w: Tensor,
  geometry: Geometry,
  shape: Shape,
  bias: Tensor | null,
): Tensor {
  const [n, h, width, c] = shape as [number, number, number, number];
  const { multiplier, vector, aliases } = channelsOf(w.shape, geometry);
  const dx = empty(dy.device, shape, 'float32', op);
  inSlices(op, n, [dy], [dx], (_, images, [dys, dxs]) => {
    const elements = (images * h * width * c) / vector;
    run(dy.device, gradInputKernel, {
      op,
      consts: { SIZE },
      aliases,
      bind: { dy: dys!, w, bias: bias ?? w, dx: dxs! },
      params: {
        elements,
        h,
        w: width,
        p: dy.shape[1]!,
        q: dy.shape[2]!,
        c: c / vector,
        multiplier,
        ...windowParams(w.shape, geometry),
        hasBias: Number(bias !== null),
      },
      groups: linearGroups(dy.device, elements, SIZE),
    });
  });
  return dx;
}

/** dw of `shape` [R, S, 1, K]. */
export function depthwiseGradWeight(op: string, x: Tensor, dy: Tensor, geometry: Geometry, shape: Shape): Tensor {
  const [n, p, q] = dy.shape as [number, number, number];
  const { multiplier, vector, aliases } = channelsOf(shape, geometry);
  const elements = shape[0]! * shape[1]! * shape[3]!;
  let sum: Tensor | null = null;
  inSlices(op, n, [x, dy], [], (_, images, [xs, dys]) => {
    const pixels = images * p * q;
    const splits = splitsFor(x, pixels, elements, vector);
    const partial = empty(x.device, [splits, elements], 'float32', op);
    run(x.device, depthwiseGradFilter, {
      op,
      consts: { SIZE },
      aliases,
      bind: { x: xs!, dy: dys!, dw: partial },
      params: {
        h: x.shape[1]!,
        w: x.shape[2]!,
        p,
        q,
        k: shape[3]! / vector,
        multiplier,
        ...windowParams(shape, geometry),
        pixels,
        splits,
        perSplit: Math.ceil(pixels / splits),
      },
      groups: linearGroups(x.device, (splits * elements) / vector, SIZE),
    });
    const part = splits === 1 ? partial : reduceAxis('sum', partial, 1, splits, elements);
    if (part !== partial) partial.dispose();
    sum = accumulate(sum, part);
  });
  const dw = sum!.alias(shape);
  sum!.dispose();
  return dw;
}

/** How many splits of the sum over `pixels` keep the adapter busy and fit the workspace. */
function splitsFor({ device }: Tensor, pixels: number, elements: number, vector: number): number {
  const room = Math.min(WORKSPACE_BYTES, device.bindingLimit) / (4 * elements);
  const wanted = Math.ceil((tuningOf(device).minWorkgroups * SIZE * vector) / elements);
  return Math.max(1, Math.floor(Math.min(room, wanted, Math.ceil(pixels / MIN_SPLIT))));
}
