import { optionsOf, pairOf } from '../common/check.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { checkFloat } from './elementwise.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { adaptiveAvgPool2d } from './wgsl/adaptive_avg_pool2d.wgsl.ts';
import { avgPool2d as avgKernel } from './wgsl/avg_pool2d.wgsl.ts';
import { maxPool2d as maxKernel } from './wgsl/max_pool2d.wgsl.ts';
import { maxPool2dGrad as maxGradKernel } from './wgsl/max_pool2d_grad.wgsl.ts';
import { positionsOf, windowParams, type Pair, type Window } from './window.ts';

export interface PoolOptions {
  /** Size of the window, for both axes or [height, width]. */
  readonly kernel: number | Pair;
  /** Pixels between neighbouring windows. Default: the window's size. */
  readonly stride?: number | Pair;
  /** Border around the image, at most half of the window's size. Default 0. */
  readonly padding?: number | Pair;
  /** Pixels between neighbouring elements of a window. Default 1. */
  readonly dilation?: number | Pair;
  /**
   * Whether a last window may reach over the end of the padded image, so that every pixel is in a window. It must start in
   * the image or in the padding before it. Default false.
   */
  readonly ceilMode?: boolean;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether zeros of the border count in the mean. What lies beyond the border never does. Default true, as in PyTorch. */
  readonly countIncludePad?: boolean;
}

/** The shapes and the window of a pooling, checked. */
export interface PoolGeometry extends Window {
  readonly x: Shape;
  readonly y: Shape;
}

const SIZE = 64;

/** Defaults of the options; that of the stride is the window. */
export const POOL = { kernel: undefined, stride: undefined, padding: 0, dilation: 1, ceilMode: false };

/** Checks options against the input [N, H, W, C] and computes the output's shape. */
export function poolGeometry(
  op: string,
  x: Tensor,
  options: PoolOptions,
  defaults: typeof POOL & { readonly countIncludePad?: boolean } = POOL,
): PoolGeometry {
  checkFloat(op, x);
  const filled = optionsOf(op, options, defaults);
  if (x.shape.length !== 4) throw new RangeError(`${op}: input [${x.shape}] does not fit: expected [N, H, W, C]`);
  const kernel = pairOf(op, 'kernel', filled.kernel, 1);
  const stride = filled.stride === undefined ? kernel : pairOf(op, 'stride', filled.stride, 1);
  const padding = pairOf(op, 'padding', filled.padding, 0);
  const dilation = pairOf(op, 'dilation', filled.dilation, 1);
  if (padding.some((amount, axis) => amount > kernel[axis]! / 2)) {
    throw new RangeError(`${op}: padding [${padding}] is more than half of the window [${kernel}]`);
  }
  const window = { kernel, stride, padding, after: padding, dilation };
  const [p, q] = positionsOf(x.shape, window, filled.ceilMode);
  if (p < 1 || q < 1) {
    throw new RangeError(`${op}: a window [${kernel}] is larger than the input [${x.shape}] with padding [${padding}]`);
  }
  return { x: x.shape, y: [x.shape[0]!, p, q, x.shape[3]!], ...window };
}

/** How many channels an invocation takes, and the types with which a kernel does. */
function channelVectors({ x }: { readonly x: Shape }) {
  return x[3]! % 4 === 0
    ? ({ vector: 4, aliases: { V: 'vec4f', I: 'vec4i', U: 'vec4u', B: 'vec4<bool>' } } as const)
    : ({ vector: 1, aliases: { V: 'f32', I: 'i32', U: 'u32', B: 'bool' } } as const);
}

function params({ x, y, kernel, ...window }: PoolGeometry, vector: number) {
  return {
    h: x[1]!,
    w: x[2]!,
    c: x[3]! / vector,
    p: y[1]!,
    q: y[2]!,
    ...windowParams(kernel, window),
  };
}

/** The largest elements of each window, and where in the image [H, W] each of them was. */
export function maxPoolForward(x: Tensor, geometry: PoolGeometry): { y: Tensor; places: Tensor } {
  const op = 'maxPool2d';
  const y = empty(x.device, geometry.y, 'float32', op);
  const places = empty(x.device, geometry.y, 'int32', op);
  inSlices(op, x.shape[0]!, [x], [y, places], (_, count, [xs, ys, ws]) => {
    const { vector, aliases } = channelVectors(geometry);
    const [, p, q, c] = geometry.y as [number, number, number, number];
    run(x.device, maxKernel, {
      op,
      consts: { SIZE },
      aliases,
      bind: { x: xs!, y: ys!, places: ws! },
      params: { lines: count * p, ...params(geometry, vector), lowest: -Infinity },
      groups: [Math.ceil((q * c) / vector / SIZE), ...linearGroups(x.device, count * p, 1)],
    });
  });
  return { y, places };
}

export function maxPoolGrad(dy: Tensor, places: Tensor, geometry: PoolGeometry): Tensor {
  const op = 'maxPool2d gradient';
  const dx = empty(dy.device, geometry.x, 'float32', op);
  inSlices(op, dx.shape[0]!, [dy, places], [dx], (_, count, [dys, ws, dxs]) => {
    const { vector, aliases } = channelVectors(geometry);
    const elements = ((dx.size / dx.shape[0]!) * count) / vector;
    run(dy.device, maxGradKernel, {
      op,
      consts: { SIZE },
      aliases: { V: aliases.V, I: aliases.I },
      bind: { dy: dys!, places: ws!, dx: dxs! },
      params: { elements, ...params(geometry, vector) },
      groups: linearGroups(dy.device, elements, SIZE),
    });
  });
  return dx;
}

/** Mean of each window, or with `gradient` the gradient of that. */
export function avgPool(x: Tensor, geometry: PoolGeometry, countIncludePad: boolean, gradient: boolean): Tensor {
  const op = gradient ? 'avgPool2d gradient' : 'avgPool2d';
  const y = empty(x.device, gradient ? geometry.x : geometry.y, 'float32', op);
  inSlices(op, y.shape[0]!, [x], [y], (_, count, [xs, ys]) => {
    const { vector, aliases } = channelVectors(geometry);
    const elements = ((y.size / y.shape[0]!) * count) / vector;
    run(x.device, avgKernel, {
      op,
      consts: { SIZE, COUNT_PAD: countIncludePad, GRADIENT: gradient },
      aliases: { V: aliases.V },
      bind: { x: xs!, y: ys! },
      params: { elements, ...params(geometry, vector) },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}

/** Means of windows of nearly equal sizes, from [N, H, W, C] to `size`, or with `gradient` the gradient of that back. */
export function adaptiveAvgPool(x: Tensor, size: Pair, gradient: boolean): Tensor {
  const op = gradient ? 'adaptiveAvgPool2d gradient' : 'adaptiveAvgPool2d';
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const y = empty(x.device, [n, ...size, c], 'float32', op);
  const { vector, aliases } = channelVectors({ x: x.shape });
  inSlices(op, n, [x], [y], (_, images, [xs, ys]) => {
    const elements = (images * size[0] * size[1] * c) / vector;
    run(x.device, adaptiveAvgPool2d, {
      op,
      consts: { SIZE, GRADIENT: gradient },
      aliases: { V: aliases.V },
      bind: { x: xs!, y: ys! },
      params: { elements, h, w, p: size[0], q: size[1], c: c / vector },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}
