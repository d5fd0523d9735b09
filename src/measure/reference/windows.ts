/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [height: number, width: number];

/** How a window moves over an image. */
export interface WindowOptions {
  /** Default 1. */
  readonly stride?: Pair;
  /** As a pair, or [[top, bottom], [left, right]], or as much as keeps the size. Default 0. */
  readonly padding?: Pair | readonly [readonly [number, number], readonly [number, number]] | 'same';
  /** Default 1. */
  readonly dilation?: Pair;
  /** Whether a last window may reach over the end. Default false. */
  readonly ceilMode?: boolean;
}

/** [height, width] of a pair. */
export const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

/** The positions of a window along one axis, and which input each of its taps reads there. */
export interface Walk {
  /** Number of positions. */
  readonly count: number;
  /** Extent of the window. */
  readonly taps: number;
  /** The input that tap `tap` reads at position `position`, or -1 outside of the input. */
  readonly input: (position: number, tap: number) => number;
  /** Whether a tap lies on the input or its padding. */
  readonly isPadded: (position: number, tap: number) => boolean;
}

interface AxisOptions {
  readonly stride: number;
  readonly before: number;
  readonly after: number;
  readonly dilation: number;
  readonly ceilMode: boolean;
}

function walk(extent: number, taps: number, { stride, before, after, dilation, ceilMode }: AxisOptions): Walk {
  const padded = before + extent + after;
  const end = (position: number): number => position * stride + dilation * (taps - 1) + 1;
  let count = 0;
  while (end(count) <= padded) count++;
  // One more that reaches over the end, if there is something left for it and it does not start beyond the input.
  if (ceilMode && end(count - 1) < padded && count * stride < before + extent) count++;
  return {
    count,
    taps,
    input(position, tap) {
      const i = position * stride - before + tap * dilation;
      return i < 0 || i >= extent ? -1 : i;
    },
    isPadded: (position, tap) => position * stride + tap * dilation < padded,
  };
}

/** [before, after] along an axis. */
function paddingOf(padding: Required<WindowOptions>['padding'], axis: 0 | 1, reach: number): readonly [number, number] {
  if (padding === 'same') return [Math.floor(reach / 2), Math.ceil(reach / 2)];
  if (typeof padding === 'number') return [padding, padding];
  const amount = padding[axis];
  return typeof amount === 'number' ? [amount, amount] : amount;
}

/** The walks of a window of [height, width] taps down and across an image of [height, width] pixels. */
export function walks(
  size: readonly [number, number],
  taps: readonly [number, number],
  { stride = 1, padding = 0, dilation = 1, ceilMode = false }: WindowOptions,
): readonly [down: Walk, across: Walk] {
  const along = (axis: 0 | 1): Walk => {
    const dilated = pair(dilation)[axis];
    const [before, after] = paddingOf(padding, axis, dilated * (taps[axis] - 1));
    return walk(size[axis], taps[axis], { stride: pair(stride)[axis], before, after, dilation: dilated, ceilMode });
  };
  return [along(0), along(1)];
}
