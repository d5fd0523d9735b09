/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [height: number, width: number];

/** How a window moves over an image. */
export interface WindowOptions {
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Pair;
  /** Default 1. */
  readonly dilation?: Pair;
}

/** [height, width] of a pair. */
export const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

/** The positions of a window along one axis, and which input each of its taps reads there. */
export interface Walk {
  /** Number of positions. */
  readonly count: number;
  /** Extent of the window. */
  readonly taps: number;
  /** The input that tap `tap` reads at position `position`, or -1 in the padding. */
  readonly input: (position: number, tap: number) => number;
}

function walk(extent: number, taps: number, stride: number, padding: number, dilation: number): Walk {
  return {
    count: Math.floor((extent + 2 * padding - dilation * (taps - 1) - 1) / stride) + 1,
    taps,
    input(position, tap) {
      const i = position * stride - padding + tap * dilation;
      return i < 0 || i >= extent ? -1 : i;
    },
  };
}

/** The walks of a window of [height, width] taps down and across an image of [height, width] pixels. */
export function walks(
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number],
  { stride = 1, padding = 0, dilation = 1 }: WindowOptions,
): readonly [down: Walk, across: Walk] {
  const [[sh, sw], [ph, pw], [dh, dw]] = [pair(stride), pair(padding), pair(dilation)];
  return [walk(height, rows, sh, ph, dh), walk(width, columns, sw, pw, dw)];
}
