import type { Shape } from '../../tensor/shape.ts';
import { linearGroups } from '../run.ts';
import { WORKSPACE_BYTES, type AdapterFacts } from '../tuning.ts';
import { depthwiseConv2d } from '../wgsl/depthwise_conv2d.wgsl.ts';
import { depthwiseGradFilter } from '../wgsl/depthwise_grad_filter.wgsl.ts';
import { depthwiseGradInput } from '../wgsl/depthwise_grad_input.wgsl.ts';
import { windowParams } from '../window.ts';
import type { Geometry } from './conv2d-geometry.ts';
import type { ProductEpilogue } from './gemm.ts';
import { temporary, type Planned, type Planner } from './plan.ts';

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
 * Plans y = epilogue(conv(x, w)).
 *
 * @param x [N, H, W, C]
 * @param w [R, S, 1, K]
 * @param y [N, P, Q, K], written
 */
export function addDepthwise(
  plan: Planner,
  x: Planned,
  w: Planned,
  y: Planned,
  geometry: Geometry,
  { scale = null, bias = null, add = null, relu = false }: ProductEpilogue<Planned>,
): void {
  const [n, p, q, k] = y.shape as [number, number, number, number];
  const { multiplier, vector, aliases } = channelsOf(w.shape, geometry);
  const blocks = Math.ceil(q / EACH);
  plan.inSlices(n, add === null ? [x] : [x, add], [y], (images, slices) => {
    const lines = images * p;
    plan.launch(depthwiseConv2d, {
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
      groups: linearGroups(plan.adapter, (lines * blocks * k) / vector, SIZE),
    });
  });
}

/** Plans dx [N, H, W, C], plus the bias [C]. */
export function addDepthwiseGradInput(
  plan: Planner,
  dy: Planned,
  w: Planned,
  dx: Planned,
  geometry: Geometry,
  bias: Planned | null,
): void {
  const [n, h, width, c] = dx.shape as [number, number, number, number];
  const { multiplier, vector, aliases } = channelsOf(w.shape, geometry);
  plan.inSlices(n, [dy], [dx], (images, [dys, dxs]) => {
    const elements = (images * h * width * c) / vector;
    plan.launch(depthwiseGradInput, {
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
      groups: linearGroups(plan.adapter, elements, SIZE),
    });
  });
}

/** Plans dw of `shape` [R, S, 1, K]. */
export function addDepthwiseGradWeight(
  plan: Planner,
  x: Planned,
  dy: Planned,
  geometry: Geometry,
  shape: Shape,
): Planned {
  const [n, p, q] = dy.shape as [number, number, number];
  const { multiplier, vector, aliases } = channelsOf(shape, geometry);
  const elements = shape[0]! * shape[1]! * shape[3]!;
  let sum: Planned | null = null;
  plan.inSlices(n, [x, dy], [], (images, [xs, dys]) => {
    const pixels = images * p * q;
    const splits = splitsFor(plan.adapter, pixels, elements, vector);
    const dw = temporary('weight gradient', shape);
    const parts = splits === 1 ? dw : temporary('parts of sums', [splits, elements]);
    plan.launch(depthwiseGradFilter, {
      consts: { SIZE },
      aliases,
      bind: { x: xs!, dy: dys!, dw: parts },
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
      groups: linearGroups(plan.adapter, (splits * elements) / vector, SIZE),
    });
    if (splits > 1) plan.sum(parts, dw, [1, splits, elements]);
    sum = plan.accumulate(sum, dw);
  });
  return sum!;
}

/** How many splits of the sum over `pixels` keep the adapter busy and fit the workspace. */
function splitsFor({ bindingLimit, tuning }: AdapterFacts, pixels: number, elements: number, vector: number): number {
  const room = Math.min(WORKSPACE_BYTES, bindingLimit) / (4 * elements);
  const wanted = Math.ceil((tuning.minWorkgroups * SIZE * vector) / elements);
  return Math.max(1, Math.floor(Math.min(room, wanted, Math.ceil(pixels / MIN_SPLIT))));
}
