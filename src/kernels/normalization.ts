import { empty, type Tensor } from '../tensor/tensor.ts';
import { reduce, reduceAxis } from './reduce.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { channelAffine as affineKernel } from './wgsl/channel_affine.wgsl.ts';
import { channelSums as sumsKernel } from './wgsl/channel_sums.wgsl.ts';
import { reluScaleGrad as reluScaleKernel } from './wgsl/relu_scale_grad.wgsl.ts';

const SIZE = 64;
/** Rows per invocation of channel_affine.wgsl. */
const EACH = 8;
/** Maximum number of rows that one invocation adds in sequence. */
const CHAIN = 128;

const sumCodes = { sum: 0, squares: 1, products: 2, distances: 3 } as const;
type SumKind = keyof typeof sumCodes;

/** A tensor [N, ..., C] read as N images of rows of channels; a matrix [N, C] is one image of N rows. */
export function channelLayout(x: Tensor): {
  readonly images: number;
  readonly rows: number;
  readonly channels: number;
} {
  const channels = x.shape.at(-1)!;
  const images = x.shape.length > 2 ? x.shape[0]! : 1;
  return { images, rows: images * channels === 0 ? 0 : x.size / images / channels, channels };
}

/**
 * Sums over the rows of each image: of v (`sum`), (v - mean)^2 (`squares`), u (v - mean) (`products`) or v - mean (`distances`).
 *
 * @param mean [C] or [N, C]; any tensor for `sum`
 * @returns [N, C]
 */
export function channelSums(op: string, kind: SumKind, v: Tensor, mean: Tensor, u: Tensor = v): Tensor {
  const { images, channels } = channelLayout(v);
  const partial = partialSums(op, kind, v, mean, u);
  const sums = reduceAxis('sum', partial, images, partial.shape[1]!, channels);
  partial.dispose();
  const result = sums.alias([images, channels]);
  sums.dispose();
  return result;
}

/** The same sums over the rows of all images, [C]. */
export function channelTotals(op: string, kind: SumKind, v: Tensor, mean: Tensor, u: Tensor = v): Tensor {
  const { images, channels } = channelLayout(v);
  const partial = partialSums(op, kind, v, mean, u);
  const rows = partial.alias([images * partial.shape[1]!, channels]);
  const sums = reduce('sum', rows, 0);
  for (const used of [partial, rows]) used.dispose();
  return sums;
}

/** [N, splits, C]: the rows of each image in parts, which keeps the chains of additions short. */
function partialSums(op: string, kind: SumKind, v: Tensor, mean: Tensor, u: Tensor): Tensor {
  const { images, rows, channels } = channelLayout(v);
  const splits = Math.max(1, Math.ceil(rows / CHAIN));
  const width = channels % 4 === 0 ? 4 : 1;
  const partial = empty(v.device, [images, splits, channels], 'float32', op);
  const perImage = mean.shape.length > 1;
  inSlices(op, images, [v, u, ...(perImage ? [mean] : [])], [partial], (_, count, slices) => {
    const elements = (count * splits * channels) / width;
    run(v.device, sumsKernel, {
      op,
      consts: { OP: sumCodes[kind], SIZE },
      aliases: { V: width === 4 ? 'vec4f' : 'f32' },
      bind: { v: slices[0]!, u: slices[1]!, mean: perImage ? slices[2]! : mean, y: slices.at(-1)! },
      params: { images: count, rows, channels: channels / width, splits, meanStride: perImage ? channels / width : 0 },
      groups: linearGroups(v.device, elements, SIZE),
    });
  });
  return partial;
}

/** Factors per channel, all [C] or all [N, C]. */
export interface AffineFactors {
  readonly mean: Tensor;
  readonly q: Tensor;
  readonly r: Tensor;
}

/** What `channelAffine` adds, and what it does at the end. */
interface AffineOptions {
  readonly u?: Tensor | null;
  readonly p?: Tensor | null;
  /** The result of a ReLU, of which u is the gradient: u counts only where it is positive. */
  readonly mask?: Tensor | null;
  readonly relu?: boolean;
}

/** relu(p u + q (v - mean) + r). Without p, u is added unscaled; without u, that term is dropped. */
export function channelAffine(
  op: string,
  v: Tensor,
  { mean, q, r }: AffineFactors,
  { u = null, p = null, mask = null, relu = false }: AffineOptions = {},
): Tensor {
  const { images, rows, channels } = channelLayout(v);
  const width = channels % 4 === 0 ? 4 : 1;
  const y = empty(v.device, v.shape, 'float32', op);
  const perImage = q.shape.length > 1;
  const inputs = [v, u ?? v, mask ?? v, ...(perImage ? [mean, q, r, p ?? q] : [])];
  inSlices(op, images, inputs, [y], (_, count, slices) => {
    const [ms, qs, rs, ps] = perImage ? slices.slice(3, 7) : [mean, q, r, p ?? q];
    const blocks = Math.ceil(rows / EACH);
    run(v.device, affineKernel, {
      op,
      consts: { HAS_U: u !== null, HAS_P: p !== null, RELU: relu, MASK: mask !== null, SIZE, EACH },
      aliases: { V: width === 4 ? 'vec4f' : 'f32' },
      bind: { u: slices[1]!, p: ps!, v: slices[0]!, mean: ms!, q: qs!, r: rs!, m: slices[2]!, y: slices.at(-1)! },
      params: {
        images: count,
        rows,
        blocks,
        channels: channels / width,
        stride: perImage ? channels / width : 0,
      },
      groups: linearGroups(v.device, (count * blocks * channels) / width, SIZE),
    });
  });
  return y;
}

/** The gradient of x, given that of y = relu(scale x + ...) [N, ..., C] with one factor per channel, [C]. */
export function reluScaleGrad(op: string, dy: Tensor, y: Tensor, scale: Tensor): Tensor {
  const { images, rows, channels } = channelLayout(y);
  const width = channels % 4 === 0 ? 4 : 1;
  const dx = empty(y.device, y.shape, 'float32', op);
  inSlices(op, images, [dy, y], [dx], (_, count, [dys, ys, dxs]) => {
    run(y.device, reluScaleKernel, {
      op,
      consts: { SIZE, EACH },
      aliases: { V: width === 4 ? 'vec4f' : 'f32' },
      bind: { dy: dys!, y: ys!, scale, dx: dxs! },
      params: { rows: count * rows, channels: channels / width },
      groups: linearGroups(y.device, (Math.ceil((count * rows) / EACH) * channels) / width, SIZE),
    });
  });
  return dx;
}
