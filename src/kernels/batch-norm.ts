import { empty, type Tensor } from '../tensor/tensor.ts';
import { unaryGrad } from './elementwise.ts';
import { channelAffine, channelLayout } from './normalization.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { tuningOf } from './tuning.ts';
import { batchNormFewRows } from './wgsl/batch_norm_few_rows.wgsl.ts';
import { batchNormFewRowsGrad } from './wgsl/batch_norm_few_rows_grad.wgsl.ts';
import { batchNormFinish } from './wgsl/batch_norm_finish.wgsl.ts';
import { batchNormGradFinish } from './wgsl/batch_norm_grad_finish.wgsl.ts';
import { batchNormGradSums } from './wgsl/batch_norm_grad_sums.wgsl.ts';
import { batchNormStatistics } from './wgsl/batch_norm_statistics.wgsl.ts';

// Batch normalisation with the statistics of the batch, in one of two ways. In general: one pass over the images for the
// statistics, whose rows are split between invocations; one small kernel that combines the splits and derives what is needed
// for each channel; and a pass that normalises. On GPUs, where a launch takes longer than reading a small image: one kernel
// for all of it, if there are few rows.

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

/** Rows of all images up to which a workgroup has a few whole channels. */
const FEW_ROWS = 4096;
/** A workgroup has 256 invocations, as many as every adapter allows, and reads 32 neighbouring bytes of each row. */
const COLUMNS = { vec4f: 2, f32: 8 } as const;
const INVOCATIONS = 256;

/** Whether one launch normalises x, and another computes its gradients. */
function hasFewRows(x: Tensor): boolean {
  const { images, rows } = channelLayout(x);
  return tuningOf(x.device).family === 'tile' && images * rows <= FEW_ROWS && x.bytes <= x.device.bindingLimit;
}

/** How the kernels for few rows are specialised and launched for x. */
function fewRows(x: Tensor) {
  const { layout, V } = layoutOf(x);
  const { images, rows, channels } = layout;
  const columns = COLUMNS[V];
  return {
    consts: { COLUMNS: columns, LANES: INVOCATIONS / columns },
    aliases: { V },
    params: { rows: images * rows, channels },
    groups: [Math.ceil(channels / columns)],
  } as const;
}

/** Batch normalisation: what is normalised, by what, and what follows in the same pass. */
export interface BatchNorm {
  readonly x: Tensor;
  readonly gamma: Tensor;
  readonly beta: Tensor;
  readonly eps: number;
  /** Updated in place; null for none. */
  readonly running: RunningStatistics | null;
  /** A tensor to add, of the shape of x; null for none. */
  readonly add: Tensor | null;
  readonly relu: boolean;
}

/** y, and what `batchNormGradients` takes. */
export interface Normalized {
  readonly y: Tensor;
  /** Statistics of the batch, [C] each; null where running statistics took them. */
  readonly moments: { readonly mean: Tensor; readonly variance: Tensor } | null;
  /** One tensor where there are few rows, otherwise three. */
  readonly saved: readonly Tensor[];
}

/** y = relu(gamma (x - mean) / sqrt(variance + eps) + beta + add), with the statistics of each channel over all other axes. */
export function normalizeBatch(op: string, norm: BatchNorm): Normalized {
  const { x, beta, running, add, relu } = norm;
  if (hasFewRows(x)) return normalizeFewRows(op, norm);
  const { mean, variance, inverse, scale } = batchStatistics(op, norm);
  const y = channelAffine(op, x, { mean, q: scale, r: beta }, { u: add, relu });
  if (running !== null) variance.dispose();
  return {
    y,
    moments: running === null ? { mean: mean.alias(mean.shape), variance } : null,
    saved: [mean, inverse, scale],
  };
}

function normalizeFewRows(op: string, { x, gamma, beta, eps, running, add, relu }: BatchNorm): Normalized {
  const { device } = x;
  const { consts, aliases, params, groups } = fewRows(x);
  const make = (...shape: number[]): Tensor => empty(device, shape, 'float32', op);
  const c = x.shape.at(-1)!;
  const y = make(...x.shape);
  const stats = make(3, c);
  const moments = running === null ? { mean: make(c), variance: make(c) } : null;
  const { mean, variance } = running ?? moments!;
  run(device, batchNormFewRows, {
    op,
    consts: { UPDATE: running !== null, HAS_U: add !== null, RELU: relu, ...consts },
    aliases,
    bind: { x, gamma, beta, u: add ?? x, y, stats, a: mean, b: variance },
    params: {
      ...params,
      eps,
      old: running?.old ?? 0,
      meanWeight: running?.meanWeight ?? 0,
      varWeight: running?.varWeight ?? 0,
    },
    groups,
  });
  return { y, moments, saved: [stats] };
}

/** Gradients of x, gamma, beta, and of the tensor that was added. */
export interface BatchNormGradients {
  readonly dx: Tensor;
  readonly dgamma: Tensor;
  readonly dbeta: Tensor;
  /** Null if none was added. It may be dy itself. */
  readonly dadd: Tensor | null;
}

/**
 * The gradients of batch normalisation, given that of its result.
 *
 * @param y result of a ReLU after it, whose gradient dy is; null if there is none
 * @param saved that of `normalizeBatch`
 * @param hasAdd whether a tensor was added before the ReLU
 */
export function batchNormGradients(
  op: string,
  dy: Tensor,
  y: Tensor | null,
  x: Tensor,
  saved: readonly Tensor[],
  hasAdd: boolean,
): BatchNormGradients {
  const [mean, inverse, scale] = saved;
  if (inverse === undefined || scale === undefined) return fewRowsGradients(op, dy, y, x, mean!, hasAdd);
  const dadd = hasAdd ? (y === null ? dy : unaryGrad('relu', y, dy)) : null;
  const [u, mask] = hasAdd ? [dadd!, null] : [dy, y];
  const { q, r, dgamma, dbeta } = batchNormSums(op, u, mask, x, { mean: mean!, inverse, scale });
  const dx = channelAffine(op, x, { mean: mean!, q, r }, { u, mask, p: scale });
  q.dispose();
  r.dispose();
  return { dx, dgamma, dbeta, dadd };
}

function fewRowsGradients(
  op: string,
  dy: Tensor,
  y: Tensor | null,
  x: Tensor,
  stats: Tensor,
  hasAdd: boolean,
): BatchNormGradients {
  const { consts, ...launch } = fewRows(x);
  const make = (...shape: number[]): Tensor => empty(x.device, shape, 'float32', op);
  const c = x.shape.at(-1)!;
  const gradients = { dx: make(...x.shape), dgamma: make(c), dbeta: make(c) };
  const ADDED = hasAdd && y !== null;
  const du = make(...(ADDED ? x.shape : [1]));
  run(x.device, batchNormFewRowsGrad, {
    op,
    consts: { MASK: y !== null, ADDED, ...consts },
    ...launch,
    bind: { dy, y: y ?? dy, x, stats, ...gradients, du },
  });
  if (ADDED) return { ...gradients, dadd: du };
  du.dispose();
  return { ...gradients, dadd: hasAdd ? dy : null };
}

/** What batch normalisation takes from its input, each [C]. */
interface BatchStatistics {
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
function batchStatistics(op: string, { x, gamma, eps, running }: BatchNorm): BatchStatistics {
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
interface BatchNormSums {
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
function batchNormSums(
  op: string,
  dy: Tensor,
  y: Tensor | null,
  x: Tensor,
  { mean, inverse, scale }: Omit<BatchStatistics, 'variance'>,
): BatchNormSums {
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
