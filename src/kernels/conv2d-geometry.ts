import type { Shape } from '../tensor/shape.ts';
import { allRows, matrixRows, type Gather, type Rows } from './gemm.ts';
import { pairOf, positionsOf, type Pair, type Window } from './window.ts';

export interface Conv2dOptions {
  /** Pixels between neighbouring windows, for both axes or [height, width]. Default 1. */
  readonly stride?: number | Pair;
  /** Zeros around the image. Default 0. */
  readonly padding?: number | Pair;
  /** Pixels between neighbouring taps of the filter. Default 1. */
  readonly dilation?: number | Pair;
}

/** How a filter moves over an image. */
export type Geometry = Omit<Window, 'kernel'>;

/** Checks options and fills in their defaults. */
export function geometryOf(op: string, { stride = 1, padding = 0, dilation = 1 }: Conv2dOptions): Geometry {
  return {
    stride: pairOf(op, 'stride', stride, 1),
    padding: pairOf(op, 'padding', padding, 0),
    dilation: pairOf(op, 'dilation', dilation, 1),
  };
}

/** Shape of the output for x [N, H, W, C] and w [R, S, C, K]; throws a RangeError if they do not fit. */
export function conv2dShape(x: Shape, w: Shape, options: Conv2dOptions = {}): [number, number, number, number] {
  if (x.length !== 4 || w.length !== 4 || x[3] !== w[2]) {
    throw new RangeError(
      `conv2d: input [${x}] and weight [${w}] do not fit: expected [N, H, W, C] and [R, S, C, K] with the same C`,
    );
  }
  const geometry = geometryOf('conv2d', options);
  const [p, q] = positionsOf(x, { kernel: [w[0]!, w[1]!], ...geometry });
  if (p < 1 || q < 1) {
    const { padding, dilation } = geometry;
    throw new RangeError(
      `conv2d: a filter [${w}] with dilation [${dilation}] is larger than the input [${x}] with padding [${padding}]`,
    );
  }
  return [x[0]!, p, q, w[3]!];
}

/** Whether a convolution multiplies every pixel by one matrix, wherever it lies. */
export const isPointwise = (w: Shape, { stride, padding }: Geometry): boolean =>
  [w[0], w[1], ...stride].every((value) => value === 1) && padding[0] === 0 && padding[1] === 0;

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
