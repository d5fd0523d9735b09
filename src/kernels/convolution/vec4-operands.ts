import { sameShape, stridesOf, type Shape } from '../../tensor/shape.ts';
import type { Walk } from '../copy.ts';
import { linearGroups } from '../run.ts';
import { padChannels } from '../wgsl/pad_channels.wgsl.ts';
import { temporary, type Planned, type Planner } from './plan.ts';

// Products read and write channels in vectors of four. Where four does not divide the number of channels, operands are
// copied with zeros for the missing ones, and the result is cut back.

const SIZE = 64;
/** Vectors per invocation of pad_channels.wgsl. */
const EACH = 4;

/** The number of channels that fills whole vectors of four in each group. */
export const groupsOfVec4 = (channels: number, groups: number): number => groups * 4 * Math.ceil(channels / groups / 4);

/** A shape whose last axis is divided into groups. */
const inGroups = (shape: Shape, groups: number): number[] => [...shape.slice(0, -1), groups, shape.at(-1)! / groups];

const rowMajor = (shape: Shape): Walk => ({ start: 0, strides: stridesOf(shape) });

/**
 * The tensor itself, or a planned copy whose `axes` are padded with zeros to `extents`.
 *
 * @param groups groups of the last axis, which are filled up one by one
 */
export function addPadding(
  plan: Planner,
  x: Planned,
  axes: readonly number[],
  extents: readonly number[],
  groups = 1,
): Planned {
  const shape = [...x.shape];
  axes.forEach((axis, i) => (shape[axis] = extents[i]!));
  if (sameShape(shape, x.shape)) return x;
  const y = temporary(`${x.name} in vectors of four`, shape);
  const [from, to] = [inGroups(x.shape, groups), inGroups(shape, groups)];
  if (!sameShape(from.slice(0, -1), to.slice(0, -1))) {
    plan.zero(y);
    plan.walk(x, rowMajor(from), y, rowMajor(to), from);
    return y;
  }
  // Rows of c values become rows of c4 vectors.
  const [c, c4] = [from.at(-1)!, to.at(-1)! / 4];
  plan.inSlices(y.size / (4 * c4), [x], [y], (rows, [xs, ys]) =>
    plan.launch(padChannels, {
      consts: { SIZE, EACH },
      bind: { x: xs!, y: ys! },
      params: { vectors: rows * c4, c, c4 },
      groups: linearGroups(plan.adapter, rows * c4, SIZE * EACH),
    }),
  );
  return y;
}

/** The tensor itself, or a planned copy of the part of it that has `shape`. */
export function addNarrowing(plan: Planner, x: Planned, shape: Shape, groups = 1): Planned {
  if (sameShape(x.shape, shape)) return x;
  const y = temporary('result', shape);
  const [from, to] = [inGroups(x.shape, groups), inGroups(shape, groups)];
  plan.walk(x, rowMajor(from), y, rowMajor(to), to);
  return y;
}
