import { checkInteger, described, pairOf } from '../../common/check.ts';
import type { Shape } from '../../tensor/shape.ts';
import { allRows, matrixRows, type Gather, type Rows } from './gemm.ts';
import { positionsOf, type Pair, type Window } from '../window.ts';

export interface Conv2dOptions {
  /** Pixels between neighbouring windows, for both axes or [height, width]. Default 1. */
  readonly stride?: number | Pair;
  /**
   * Zeros around the image: for all sides, as [height, width] for either side, or as [[top, bottom], [left, right]]. `'same'`
   * adds as many as keep the size; it takes a stride of 1, and an odd one comes at the end, as in PyTorch. Default 0.
   */
  readonly padding?: number | Pair | readonly [Pair, Pair] | 'same';
  /** Pixels between neighbouring taps of the filter. Default 1. */
  readonly dilation?: number | Pair;
  /**
   * Groups of neighbouring channels. Each group of the result is a convolution of the same group of the input; with as many
   * groups as channels the convolution is depthwise. Default 1.
   */
  readonly groups?: number;
}

export interface ConvTranspose2dOptions extends Omit<Conv2dOptions, 'padding'> {
  /** Pixels cut off the result on either side: the padding of the convolution whose gradient it is. Default 0. */
  readonly padding?: number | Pair;
  /**
   * Pixels added at the end of the result, less than the stride: a convolution with a stride makes the same size of several,
   * and this selects one of them. Default 0.
   */
  readonly outputPadding?: number | Pair;
}

/** How a filter moves over an image, and in how many groups its channels are. */
export interface Geometry extends Omit<Window, 'kernel'> {
  readonly groups: number;
}

/** Checks options against a filter [R, S, C / groups, K] and fills in their defaults. */
export function geometryOf(
  op: string,
  w: Shape,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions,
): Geometry {
  checkInteger(op, 'groups', groups, { min: 1 });
  const window = { stride: pairOf(op, 'stride', stride, 1), dilation: pairOf(op, 'dilation', dilation, 1) };
  return { ...window, ...paddingOf(op, w, padding, window), groups };
}

/** Padding before and after the image. */
function paddingOf(
  op: string,
  [r, s]: Shape,
  padding: NonNullable<Conv2dOptions['padding']>,
  { stride, dilation }: { readonly stride: Pair; readonly dilation: Pair },
): { readonly padding: Pair; readonly after: Pair } {
  if (padding === 'same') {
    if (stride[0] !== 1 || stride[1] !== 1) {
      throw new RangeError(`${op}: padding is "same" with stride [${stride}], expected stride 1`);
    }
    const [down, across] = [dilation[0] * (r! - 1), dilation[1] * (s! - 1)];
    return {
      padding: [Math.floor(down / 2), Math.floor(across / 2)],
      after: [Math.ceil(down / 2), Math.ceil(across / 2)],
    };
  }
  if (!isPerSide(padding)) {
    const both = pairOf(op, 'padding', padding, 0);
    return { padding: both, after: both };
  }
  if (padding.length !== 2) {
    throw new RangeError(`${op}: padding is ${described(padding)}, expected [[top, bottom], [left, right]]`);
  }
  const [down, across] = [pairOf(op, 'padding', padding[0], 0), pairOf(op, 'padding', padding[1], 0)];
  return { padding: [down[0], across[0]], after: [down[1], across[1]] };
}

const isPerSide = (padding: number | Pair | readonly [Pair, Pair]): padding is readonly [Pair, Pair] =>
  Array.isArray(padding) && typeof padding[0] === 'object';

/** Shape of the output for x [N, H, W, C] and w [R, S, C / groups, K]; throws a RangeError if they do not fit. */
export function conv2dShape(x: Shape, w: Shape, options: Conv2dOptions = {}): [number, number, number, number] {
  const geometry = geometryOf('conv2d', w, options);
  const { groups } = geometry;
  if (x.length !== 4 || w.length !== 4 || x[3] !== w[2]! * groups) {
    const expected = groups === 1 ? '[R, S, C, K] with the same C' : `[R, S, C / ${groups}, K] for ${groups} groups`;
    throw new RangeError(`conv2d: input [${x}] and weight [${w}] do not fit: expected [N, H, W, C] and ${expected}`);
  }
  if (w[3]! % groups !== 0) {
    throw new RangeError(`conv2d: ${w[3]} output channels of weight [${w}] do not divide into ${groups} groups`);
  }
  const [p, q] = positionsOf(x, { kernel: [w[0]!, w[1]!], ...geometry });
  if (p < 1 || q < 1) {
    const { padding, dilation } = geometry;
    throw new RangeError(
      `conv2d: a filter [${w}] with dilation [${dilation}] is larger than the input [${x}] with padding [${padding}]`,
    );
  }
  return [x[0]!, p, q, w[3]!];
}

/** Shape of the output of a transposed convolution for x [N, H, W, K] and w [R, S, C / groups, K]; throws if they do not fit. */
export function convTranspose2dShape(
  x: Shape,
  w: Shape,
  { outputPadding = 0, ...options }: ConvTranspose2dOptions,
): [number, number, number, number] {
  const op = 'convTranspose2d';
  const { stride, padding, after, dilation, groups } = geometryOf(op, w, options);
  if (x.length !== 4 || w.length !== 4 || x[3] !== w[3] || w[3]! % groups !== 0) {
    const divided = groups === 1 ? '' : ` that divides into ${groups} groups`;
    throw new RangeError(
      `${op}: input [${x}] and weight [${w}] do not fit: expected [N, H, W, K] and [R, S, C, K] with the same K${divided}`,
    );
  }
  const extra = pairOf(op, 'outputPadding', outputPadding, 0);
  const along = (axis: 0 | 1): number => {
    checkInteger(op, 'outputPadding', extra[axis], { min: 0, max: stride[axis] - 1 });
    const reach = dilation[axis] * (w[axis]! - 1) + 1;
    return (x[axis + 1]! - 1) * stride[axis] - padding[axis] - after[axis] + reach + extra[axis];
  };
  const [p, q] = [along(0), along(1)];
  if (p < 1 || q < 1) {
    throw new RangeError(`${op}: the result [${p},${q}] of input [${x}] with padding [${padding}] has no pixels`);
  }
  return [x[0]!, p, q, w[2]! * groups];
}

/** Whether a convolution multiplies every pixel by one matrix, wherever it lies. */
export const isPointwise = (w: Shape, { stride, padding, after }: Geometry): boolean =>
  [w[0], w[1], ...stride].every((value) => value === 1) && [...padding, ...after].every((value) => value === 0);

/**
 * The rows of the product that convolves `images` images of x [N, H, W, C]: one per output pixel, which reads its window.
 *
 * @param outputs rows and columns of the result
 */
export function convolutionRows(geometry: Geometry, x: Shape, w: Shape, [p, q]: Pair, images: number): Rows {
  const [, height, width, channels] = x as [number, number, number, number];
  if (isPointwise(w, geometry)) {
    const pixels = images * height * width;
    return { images: 1, gather: matrixRows(pixels, channels), scatter: allRows(pixels) };
  }
  return {
    images,
    gather: { height, width, channels, ...windows(geometry, w) },
    scatter: { p, q, phase: [0, 0], every: [1, 1], rows: p, cols: q },
  };
}

/** The windows that outputs read. Without dilation a row of the filter is one span: its taps lie side by side. */
function windows({ stride, padding, dilation }: Geometry, w: Shape): Pick<Gather, 'down' | 'right' | 'span'> {
  const [r, s] = w as [number, number];
  const isJoined = dilation[1] === 1;
  return {
    down: { start: -padding[0], scale: stride[0], step: dilation[0], spans: r },
    right: { start: -padding[1], scale: stride[1], step: dilation[1], spans: isJoined ? 1 : s },
    span: isJoined ? s : 1,
  };
}
