import type { Shape } from '../../tensor/shape.ts';
import { linearGroups } from '../run.ts';
import { flipFilter } from '../wgsl/flip_filter.wgsl.ts';
import type { Geometry } from './conv2d-geometry.ts';
import type { Gather, Scatter, Taps } from './gemm.ts';
import { temporary, type Planned, type Planner } from './plan.ts';

// The input gradient of a convolution with a stride. Input pixels fall into phases, those that leave the same remainder
// when divided by the stride: they meet the same taps. Each phase is a convolution of dy with those taps in reverse
// order, so that no zero is ever multiplied.

const SIZE = 64;

/** Input pixels along an axis that leave one remainder by the stride, and the taps that reach them. */
interface Axis {
  /** First pixel, and how many there are, a stride apart. */
  readonly phase: number;
  readonly count: number;
  /** The taps, last first: the last one, the distance to the one before, and how many there are. */
  readonly last: number;
  readonly every: number;
  readonly taps: number;
  /** Row or column of dy that the first pixel reads with the last tap, and the distance to that of the tap before. */
  readonly start: number;
  readonly step: number;
}

/** Input pixels that meet the same taps. */
export interface Phase {
  readonly down: Axis;
  readonly right: Axis;
}

/** All phases of an input with `height` rows and `width` columns under a filter [R, S, ...]. */
export function phasesOf([r, s]: Shape, geometry: Geometry, [height, width]: readonly [number, number]): Phase[] {
  return axisPhases(geometry, 0, height, r!).flatMap((down) =>
    axisPhases(geometry, 1, width, s!).map((right) => ({ down, right })),
  );
}

/** The taps of a phase within the filter [R, S, ...]. */
export const tapsOf = ({ down, right }: Phase, [, s]: Shape): Taps => ({
  last: down.last * s! + right.last,
  down: down.every * s!,
  across: right.every,
});

/** What the input pixels of a phase read of dy, and where they lie in dx [N, H, W, C]. */
export function phaseRows(
  { down, right }: Phase,
  { stride }: Geometry,
  dyShape: Shape,
  [, h, width]: Shape,
): { readonly gather: Gather; readonly scatter: Scatter } {
  const isJoined = right.step === 1;
  return {
    gather: {
      height: dyShape[1]!,
      width: dyShape[2]!,
      channels: dyShape[3]!,
      down: { start: down.start, scale: 1, step: down.step, spans: down.taps },
      right: { start: right.start, scale: 1, step: right.step, spans: isJoined ? 1 : right.taps },
      span: isJoined ? right.taps : 1,
    },
    scatter: {
      p: h!,
      q: width!,
      phase: [down.phase, right.phase],
      every: stride,
      rows: down.count,
      cols: right.count,
    },
  };
}

/** Phases of an axis (0 rows, 1 columns) of the input with `extent` pixels and a filter of `size` taps. */
function axisPhases({ stride, padding, dilation }: Geometry, axis: 0 | 1, extent: number, size: number): Axis[] {
  const [div, offset, dilated] = [stride[axis], padding[axis], dilation[axis]];
  return Array.from({ length: Math.min(div, extent) }, (_, phase) => {
    // Pixel h lies under tap r of output (h + padding - r dilation) / stride.
    const reads = (tap: number): number => phase + offset - tap * dilated;
    const taps = Array.from({ length: size }, (_, tap) => tap).filter((tap) => reads(tap) % div === 0);
    const last = taps.at(-1) ?? 0;
    const every = last - (taps.at(-2) ?? last - 1);
    const count = Math.ceil((extent - phase) / div);
    const start = taps.length === 0 ? 0 : reads(last) / div;
    return { phase, count, last, every, taps: taps.length, start, step: (every * dilated) / div };
  });
}

/** Plans the taps of a phase in reverse order, with channels swapped: [taps, taps, K / groups, C]. */
export function addFlippedFilter(plan: Planner, w: Planned, groups: number, { down, right }: Phase): Planned {
  const [, s, c, k] = w.shape as [number, number, number, number];
  if (down.taps * right.taps === 0) return w; // Nothing reaches these pixels.
  const y = temporary('flipped filter', [down.taps, right.taps, k / groups, groups * c]);
  plan.launch(flipFilter, {
    consts: { SIZE },
    bind: { w, y },
    params: {
      s,
      c4: c / 4,
      k4: k / 4,
      groupK4: k / 4 / groups,
      lastR: down.last,
      everyR: down.every,
      tapsR: down.taps,
      lastS: right.last,
      everyS: right.every,
      tapsS: right.taps,
    },
    groups: linearGroups(plan.adapter, y.size / 16, SIZE),
  });
  return y;
}
