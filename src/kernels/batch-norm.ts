import { empty, type Tensor } from '../tensor/tensor.ts';
import { channelLayout } from './normalization.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { batchNormFinish } from './wgsl/batch_norm_finish.wgsl.ts';
import { batchNormGradFinish } from './wgsl/batch_norm_grad_finish.wgsl.ts';
import { batchNormGradSums } from './wgsl/batch_norm_grad_sums.wgsl.ts';
import { batchNormStatistics } from './wgsl/batch_norm_statistics.wgsl.ts';

// Statistics of batch normalisation and their gradient: one pass over the images, whose rows are split between
// invocations, and one small kernel that combines the splits and derives what the caller needs for each channel.

const SIZE = 64;
/** Minimum number of rows that one invocation adds. */
const CHAIN = 64;
/** Approximate maximum number of splits of all images: the finishing kernels read them in sequence. */
const MAX_SPLITS = 256;

interface Layout {
  readonly images: number;
  /** Of each image. */
  readonly rows: number;
  readonly splits: number;
  readonly perSplit: number;
  /** In units of the vector. */
  readonly channels: number;
}

/** How the rows of x [N, ..., C] are split, and the vector in which its channels are read. */
function layoutOf(x: Tensor): { readonly layout: Layout; readonly V: 'vec4f' | 'f32' } {
  const { images, rows, channels } = channelLayout(x);
  const perSplit = Math.max(CHAIN, Math.ceil((images * rows) / MAX_SPLITS));
  const isVector = channels % 4 === 0;
  return {
    layout: {
      images,
      rows,
      splits: Math.ceil(rows / perSplit),
      perSplit,
      channels: isVector ? channels / 4 : channels,
    },
    V: isVector ? 'vec4f' : 'f32',
  };
}

/** What batch normalisation takes from its input, each [C]. */
export interface BatchStatistics {
  readonly mean: Tensor;
  /** Divided by the number of values (not one less). */
  readonly variance: Tensor;
  /** 1 / sqrt(variance + eps) */
  readonly inverse: Tensor;
  /** gamma * inverse */
  readonly scale: Tensor;
}

/** Running statistics, each [C]: `old` times what they are plus weights times those of the batch. */
export interface RunningStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly old: number;
  readonly meanWeight: number;
  readonly varWeight: number;
}

/** Statistics of each channel of x [N, ..., C] over all rows of all images. `running` is updated with them in place. */
export function batchStatistics(
  op: string,
  x: Tensor,
  gamma: Tensor,
  eps: number,
  running: RunningStatistics | null,
): BatchStatistics {
  const { device } = x;
  const { layout, V } = layoutOf(x);
  const { images, splits, channels } = layout;
  const c = x.shape.at(-1)!;
  const make = (...shape: number[]): Tensor => empty(device, shape, 'float32', op);
  const moments = make(images, splits, 2, c);
  inSlices(op, images, [x], [moments], (_, count, [xs, ms]) => {
    run(device, batchNormStatistics, {
      op,
      consts: { SIZE },
      aliases: { V },
      bind: { x: xs!, moments: ms! },
      params: { ...layout, images: count },
      groups: linearGroups(device, count * splits * channels, SIZE),
    });
  });
  const result = { mean: make(c), variance: make(c), inverse: make(c), scale: make(c) };
  // Where there are none, the kernel does not write, but two bindings must not be the same buffer.
  const unused = running === null ? [make(1), make(1)] : [];
  run(device, batchNormFinish, {
    op,
    consts: { UPDATE: running !== null, SIZE },
    aliases: { V },
    bind: {
      moments,
      gamma,
      ...result,
      runningMean: running?.mean ?? unused[0]!,
      runningVar: running?.variance ?? unused[1]!,
    },
    params: {
      ...layout,
      eps,
      old: running?.old ?? 1,
      meanWeight: running?.meanWeight ?? 0,
      varWeight: running?.varWeight ?? 0,
    },
    groups: [Math.ceil(channels / SIZE)],
  });
  for (const used of [moments, ...unused]) used.dispose();
  return result;
}

/** Gradients of gamma and beta, and the factors of dx = scale dy + q (x - mean) + r, each [C]. */
export interface BatchNormGradient {
  readonly dgamma: Tensor;
  readonly dbeta: Tensor;
  readonly q: Tensor;
  readonly r: Tensor;
}

/**
 * Sums up what the gradients of batch normalisation need, over all rows of all images.
 *
 * @param y result of a ReLU after it, whose gradient dy is; null if there is none
 */
export function batchNormGradient(
  op: string,
  dy: Tensor,
  y: Tensor | null,
  x: Tensor,
  { mean, inverse, scale }: Omit<BatchStatistics, 'variance'>,
): BatchNormGradient {
  const { device } = x;
  const { layout, V } = layoutOf(x);
  const { images, splits, channels, rows } = layout;
  const c = x.shape.at(-1)!;
  const make = (...shape: number[]): Tensor => empty(device, shape, 'float32', op);
  const [sums, products] = [make(images, splits, c), make(images, splits, c)];
  inSlices(op, images, [dy, y ?? dy, x], [sums, products], (_, count, [dys, ys, xs, ss, ps]) => {
    run(device, batchNormGradSums, {
      op,
      consts: { RELU: y !== null, SIZE },
      aliases: { V },
      bind: { dy: dys!, x: xs!, mean, sums: ss!, products: ps!, y: ys! },
      params: { ...layout, images: count },
      groups: linearGroups(device, count * splits * channels, SIZE),
    });
  });
  const result = { dgamma: make(c), dbeta: make(c), q: make(c), r: make(c) };
  run(device, batchNormGradFinish, {
    op,
    consts: { SIZE },
    aliases: { V },
    bind: { sums, products, inverse, scale, ...result },
    params: { rows: images * rows, channels, splits: images * splits },
    groups: [Math.ceil(channels / SIZE)],
  });
  sums.dispose();
  products.dispose();
  return result;
}
