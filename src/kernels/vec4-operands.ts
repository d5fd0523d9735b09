import { sameShape, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { copyStrided, gatherStrided, type Walk } from './copy.ts';
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

/** The operands of one product with channels in whole vectors of four, and the copies that this takes. */
export class Vec4Operands {
  readonly #op: string;
  readonly #copies: Tensor[] = [];

  constructor(op: string) {
    this.#op = op;
  }

  /** The tensor itself, or a copy whose `axes` are padded with zeros to `extents`. */
  pad(x: Tensor, axes: readonly number[], extents: readonly number[]): Tensor {
    const shape = [...x.shape];
    axes.forEach((axis, i) => (shape[axis] = extents[i]!));
    if (sameShape(shape, x.shape)) return x;
    const copy = empty(x.device, shape, 'float32', this.#op);
    this.#copies.push(copy);
    if (sameShape(shape.slice(0, -1), x.shape.slice(0, -1))) {
      padChannels(this.#op, x, copy);
    } else {
      fill(copy, 0);
      copyStrided(this.#op, x, rowMajor(x.shape), copy, rowMajor(shape), x.shape);
    }
    return copy;
  }

  /** The part of the result that has `shape`. Disposes all copies. */
  narrow(result: Tensor, shape: Shape): Tensor {
    for (const copy of this.#copies) copy.dispose();
    if (sameShape(result.shape, shape)) return result;
    const narrowed = gatherStrided(this.#op, result, rowMajor(result.shape), shape);
    result.dispose();
    return narrowed;
  }
}

const rowMajor = (shape: Shape): Walk => ({ start: 0, strides: stridesOf(shape) });

/** Copies x to y, whose last axis is longer, and fills the rest of it with zeros. */
function padChannels(op: string, x: Tensor, y: Tensor): void {
  const [c, c4] = [x.shape.at(-1)!, y.shape.at(-1)! / 4];
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
