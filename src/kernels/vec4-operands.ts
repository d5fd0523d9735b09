import { sameShape, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { copyStrided, type Walk } from './copy.ts';
import { fill } from './elementwise.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { padChannels as padKernel } from './wgsl/pad_channels.wgsl.ts';

// Products read and write channels in vectors of four. Where four does not divide the number of channels, operands are
// copied with zeros for the missing ones, and the result is cut back.

const SIZE = 64;
/** Vectors per invocation of pad_channels.wgsl. */
const EACH = 4;

/** The number of channels that fills whole vectors of four. */
export const roundUpToVec4 = (channels: number): number => Math.ceil(channels / 4) * 4;

/** The number of channels in whole vectors of four for each group. */
export const groupsOfVec4 = (channels: number, groups: number): number => groups * roundUpToVec4(channels / groups);

/** The operands of one product with channels in whole vectors of four, and the copies that this takes. */
export class Vec4Operands {
  readonly #op: string;
  readonly #groups: number;
  readonly #copies: Tensor[] = [];

  /** @param groups groups of the last axis of each operand, which are filled up one by one */
  constructor(op: string, groups = 1) {
    this.#op = op;
    this.#groups = groups;
  }

  /** The tensor itself, or a copy whose `axes` are padded with zeros to `extents`. */
  pad(x: Tensor, axes: readonly number[], extents: readonly number[]): Tensor {
    const shape = [...x.shape];
    axes.forEach((axis, i) => (shape[axis] = extents[i]!));
    if (sameShape(shape, x.shape)) return x;
    const copy = empty(x.device, shape, 'float32', this.#op);
    this.#copies.push(copy);
    const [from, to] = [this.#inGroups(x.shape), this.#inGroups(shape)];
    if (sameShape(from.slice(0, -1), to.slice(0, -1))) {
      padChannels(this.#op, x, from.at(-1)!, copy, to.at(-1)!);
    } else {
      fill(copy, 0);
      copyStrided(this.#op, x, rowMajor(from), copy, rowMajor(to), from);
    }
    return copy;
  }

  /** The part of the result that has `shape`. Disposes all copies. */
  narrow(result: Tensor, shape: Shape): Tensor {
    for (const copy of this.#copies) copy.dispose();
    if (sameShape(result.shape, shape)) return result;
    const narrowed = empty(result.device, shape, 'float32', this.#op);
    const [from, to] = [this.#inGroups(result.shape), this.#inGroups(shape)];
    copyStrided(this.#op, result, rowMajor(from), narrowed, rowMajor(to), to);
    result.dispose();
    return narrowed;
  }

  /** A shape whose last axis is divided into groups. */
  #inGroups(shape: Shape): number[] {
    return [...shape.slice(0, -1), this.#groups, shape.at(-1)! / this.#groups];
  }
}

const rowMajor = (shape: Shape): Walk => ({ start: 0, strides: stridesOf(shape) });

/** Copies rows of `c` values of x to rows of `length`, a multiple of four, of y, and fills the rest of them with zeros. */
function padChannels(op: string, x: Tensor, c: number, y: Tensor, length: number): void {
  const c4 = length / 4;
  inSlices(op, y.size / (4 * c4), [x], [y], (_, rows, [xs, ys]) => {
    run(x.device, padKernel, {
      op,
      consts: { SIZE, EACH },
      bind: { x: xs!, y: ys! },
      params: { vectors: rows * c4, c, c4 },
      groups: linearGroups(x.device, rows * c4, SIZE * EACH),
    });
  });
}
