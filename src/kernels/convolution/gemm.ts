import type { Shape } from '../../tensor/shape.ts';
import type { Tuning } from '../../tensor/tuning.ts';
import { linearGroups, type Launch, type Params, type Slice } from '../run.ts';
import { WORKSPACE_BYTES, tuningForGroups, type AdapterFacts } from '../tuning.ts';
import { gemmBroadcast } from '../wgsl/gemm_broadcast.wgsl.ts';
import { gemmLane } from '../wgsl/gemm_lane.wgsl.ts';
import { gemmSubgroup } from '../wgsl/gemm_subgroup.wgsl.ts';
import { gemmTile } from '../wgsl/gemm_tile.wgsl.ts';
import { gemmTnBroadcast } from '../wgsl/gemm_tn_broadcast.wgsl.ts';
import { gemmTnLane } from '../wgsl/gemm_tn_lane.wgsl.ts';
import { gemmTnSubgroup } from '../wgsl/gemm_tn_subgroup.wgsl.ts';
import { gemmTnTile } from '../wgsl/gemm_tn_tile.wgsl.ts';
import type { Consts, WgslSource } from '../wgsl.ts';
import type { Pair } from '../window.ts';
import { temporary, type Planned, type Planner } from './plan.ts';

// The matrix products behind every convolution and large matmul. The left operand is never written out: each of its rows
// is gathered from an image while it is multiplied (implicit GEMM). Adapters differ in how a value, once loaded, is best
// used many times: there are four kernels, and tuning.ts chooses one.

/** How one axis of an image is read: output i reads span t from `start + i scale + t step` on. */
interface AxisWalk {
  readonly start: number;
  readonly scale: number;
  readonly step: number;
  readonly spans: number;
}

/** An image of vectors of four channels, and which spans of neighbouring values each row of the left operand takes from it. */
export interface Gather {
  readonly height: number;
  readonly width: number;
  /** Channels; a multiple of four. */
  readonly channels: number;
  readonly down: AxisWalk;
  readonly right: AxisWalk;
  /** Pixels per span. */
  readonly span: number;
}

/** Rows of a matrix with `columns` values: one span of one pixel each. */
export function matrixRows(rows: number, columns: number): Gather {
  const down = { start: 0, scale: 1, step: 1, spans: 1 };
  return { height: 1, width: rows, channels: columns, down, right: down, span: 1 };
}

/** Where the rows of a product are written: outputs (phase + i * every) of an image [P, Q]. */
export interface Scatter {
  readonly p: number;
  readonly q: number;
  readonly phase: Pair;
  readonly every: Pair;
  /** Outputs per image of this launch. */
  readonly rows: number;
  readonly cols: number;
}

/** A matrix [rows, ...] as it is. */
export function allRows(rows: number): Scatter {
  return { p: 1, q: rows, phase: [0, 0], every: [1, 1], rows: 1, cols: rows };
}

/** Where the rows of the left operand come from, and where those of the product go, in each of `images` images. */
export interface Rows {
  readonly images: number;
  readonly gather: Gather;
  readonly scatter: Scatter;
}

/** What is done to a value of a product before it is written: relu(scale[k] value + bias[k] + add[m, k]). */
export interface ProductEpilogue<T> {
  /** [K]. Default none. */
  readonly scale?: T | null;
  /** [K]. Default none. */
  readonly bias?: T | null;
  /** Of the product's shape. Default none. */
  readonly add?: T | null;
  /** Default false. */
  readonly relu?: boolean;
}

/** Products of one launch, and the distance between their operands in elements; 0 shares one operand. */
interface Batch {
  readonly count: number;
  readonly x: number;
  readonly w: number;
  readonly y: number;
}

/** The shapes of y = epilogue(A W): the rows of A are gathered from x, and W has the shape [spans, 4 span, K]. */
export interface Product extends Rows {
  /** Columns of W and channels of y; a multiple of four for each group. */
  readonly k: number;
  /**
   * Groups of neighbouring channels: those of a group in y are computed from those in x only, and W has only the rows of one
   * group. Default 1.
   */
  readonly groups?: number;
  /** Of which only what it has counts here. */
  readonly epilogue?: ProductEpilogue<unknown>;
  /** Default: one product. */
  readonly batch?: Batch;
  /**
   * Reads w as a filter [R, S, K, channels], from which it takes each tap transposed, for a product without groups. Only where
   * `readsTransposed`. Default null.
   */
  readonly taps?: Taps | null;
}

/** Which tap of a filter [R, S, ...] is span (i, j) of a product: number `last` - i `down` - j `across`, counted along the rows. */
export interface Taps {
  readonly last: number;
  readonly down: number;
  readonly across: number;
}

/** Whether the kernel of an adapter reads filters transposed. On software adapters a launch that transposes costs little. */
export const readsTransposed = ({ tuning }: AdapterFacts): boolean => tuning.family === 'tile';

/** The shapes of A^T Z: the rows of A are gathered from x as for `Product`, and Z has the shape [rows, K]. */
export interface TransposedProduct {
  readonly images: number;
  readonly gather: Gather;
  /** Rows and columns per image of z. */
  readonly outputs: Pair;
  /** Channels of z; a multiple of four for each group. */
  readonly k: number;
  /** As for `Product`. Default 1. */
  readonly groups?: number;
  /** Distances of x and z (as `y`). Default: one product. */
  readonly batch?: Omit<Batch, 'w'>;
}

const single: Batch = { count: 1, x: 0, w: 0, y: 0 };

type ProductKernel = typeof gemmBroadcast | typeof gemmLane | typeof gemmSubgroup | typeof gemmTile;
type TransposedKernel = typeof gemmTnBroadcast | typeof gemmTnLane | typeof gemmTnSubgroup | typeof gemmTnTile;

/** A kernel with its constants, and how a product is divided among its workgroups. */
interface Choice<S extends WgslSource> {
  readonly kernel: S;
  readonly consts: Consts<S>;
  readonly rowBlocks: number;
  readonly columnBlocks: number;
}

/** A choice whose constants are those of its kernel, where several kernels are possible. */
const choice = <S extends WgslSource>(kernel: S, consts: Consts<S>, blocks: Omit<Choice<S>, 'kernel' | 'consts'>) => ({
  kernel,
  consts,
  ...blocks,
});

/** A launch without its operands. */
type Plan<S extends WgslSource> = Pick<Choice<S>, 'kernel' | 'consts'> &
  Pick<Launch<S>, 'groups'> & { readonly params: Params<S> };

/** Lanes of a workgroup along `vectors` of channels: the power of two from `min` to `max` that fits the work. */
const lanesFor = (vectors: number, min: number, max: number): number =>
  Math.max(min, Math.min(max, 2 ** Math.ceil(Math.log2(vectors))));

/**
 * The largest tile that is not much wider than the product and leaves enough workgroups to keep the adapter busy.
 *
 * @param rows pixels, or values of the transposed product
 * @param k4 vectors of channels
 * @param copies products of a batch, times the maximum number of parts of a sum that can be split
 */
function tileFor(
  { shapes, minWorkgroups }: Tuning & { readonly family: 'tile' },
  rows: number,
  k4: number,
  copies: number,
): { readonly TX: number; readonly TY: number; readonly rowBlocks: number; readonly columnBlocks: number } {
  const tiles = shapes.map(([TX, TY]) => {
    return { TX, TY, rowBlocks: Math.ceil(rows / (8 * TY)), columnBlocks: Math.ceil(k4 / (2 * TX)) };
  });
  const fits = ({ TX, rowBlocks, columnBlocks }: (typeof tiles)[number]): boolean =>
    k4 > TX && rowBlocks * columnBlocks * copies >= minWorkgroups;
  return tiles.find(fits) ?? tiles.at(-1)!;
}

type Operand = Planned | Slice<Planned>;

/** Plans y = epilogue(A W), which is written into y, for each product of the batch. */
export function addProduct(
  plan: Planner,
  { x, w, y }: Readonly<Record<'x' | 'w' | 'y', Operand>>,
  product: Product & { readonly epilogue?: ProductEpilogue<Operand> },
): void {
  const { kernel, ...launch } = planProduct(plan.adapter, product);
  const { scale, bias, add } = product.epilogue ?? {};
  plan.launch(kernel, { bind: { x, w, scale: scale ?? w, bias: bias ?? w, add: add ?? w, y }, ...launch });
}

/** The launch of a product: a function of shapes and adapter only. */
export function planProduct(adapter: AdapterFacts, product: Product): Plan<ProductKernel> {
  const params = gemmParams(product);
  const batches = product.batch?.count ?? 1;
  const tuning = groupTuning(adapter.tuning, product);
  const { kernel, consts, rowBlocks, columnBlocks } = chooseProduct(tuning, params.pixels, product, batches);
  // Blocks of pixels fold over x and y; blocks of channels and products of the batch go along z.
  const [across, fold = 1] = linearGroups(adapter, rowBlocks, 1);
  return { kernel, consts, params, groups: [across, fold, columnBlocks * batches] };
}

function gemmParams(product: Product): Params<ProductKernel> {
  const { images, gather, scatter, k, groups = 1, epilogue = {}, batch = single, taps = null } = product;
  const { down, right } = gather;
  const { scale = null, bias = null, add = null, relu = false } = epilogue;
  return {
    h: gather.height,
    w: gather.width,
    c4: gather.channels / 4,
    p: scatter.p,
    q: scatter.q,
    k4: k / 4,
    rows: scatter.rows,
    cols: scatter.cols,
    pixels: images * scatter.rows * scatter.cols,
    phaseY: scatter.phase[0],
    phaseX: scatter.phase[1],
    divY: scatter.every[0],
    divX: scatter.every[1],
    rowStart: down.start,
    rowScale: down.scale,
    rowStep: down.step,
    spansY: down.spans,
    colStart: right.start,
    colScale: right.scale,
    colStep: right.step,
    spansX: right.spans,
    span: (gather.span * gather.channels) / 4 / groups,
    ...groupParams(product),
    xBatch: batch.x / 4,
    wBatch: batch.w / 4,
    yBatch: batch.y / 4,
    lastTap: taps?.last ?? 0,
    tapDown: taps?.down ?? 0,
    tapAcross: taps?.across ?? 0,
    hasScale: Number(scale !== null),
    hasBias: Number(bias !== null),
    hasAdd: Number(add !== null),
    relu: Number(relu),
  };
}

/** The channels of a group, in vectors. */
function groupParams({ gather, k, groups = 1 }: Pick<Product, 'gather' | 'k' | 'groups'>) {
  return { groupC4: gather.channels / 4 / groups, groupK4: k / 4 / groups };
}

const groupTuning = (tuning: Tuning, { groups = 1, k }: Pick<Product, 'groups' | 'k'>): Tuning =>
  groups === 1 ? tuning : tuningForGroups(tuning, k / 4 / groups);

function chooseProduct(
  tuning: Tuning,
  pixels: number,
  { k, taps = null }: Pick<Product, 'k' | 'taps'>,
  batches: number,
): Choice<ProductKernel> {
  const k4 = k / 4;
  const TRANSPOSED = taps !== null;
  switch (tuning.family) {
    case 'subgroup': {
      const SIZE = SUBGROUP;
      const LANES = lanesFor(k4, 4, SIZE);
      // With few pixels, half of the rows would have no work.
      const ROWS = pixels <= tuning.pixels / 2 ? tuning.pixels / 2 : tuning.pixels;
      return choice(
        gemmSubgroup,
        { LANES, SIZE, ROWS },
        { rowBlocks: Math.ceil((pixels * LANES) / (ROWS * SIZE)), columnBlocks: Math.ceil(k4 / LANES) },
      );
    }
    case 'broadcast':
      return choice(gemmBroadcast, {}, { rowBlocks: Math.ceil(pixels / 16), columnBlocks: Math.ceil(k4 / 8) });
    case 'lane': {
      const SIZE = tuning.size;
      const LANES = lanesFor(k4, 1, SIZE);
      return choice(
        gemmLane,
        { LANES, SIZE },
        { rowBlocks: Math.ceil((pixels * LANES) / (LANE_PIXELS * SIZE)), columnBlocks: Math.ceil(k4 / LANES) },
      );
    }
    case 'tile': {
      const { TX, TY, ...blocks } = tileFor(tuning, pixels, k4, batches);
      return choice(gemmTile, { TX, TY, TRANSPOSED }, blocks);
    }
  }
}

/** Lanes that share what they load in gemm_subgroup.wgsl. */
const SUBGROUP = 8;
/** Pixels per invocation of gemm_lane.wgsl, and vectors per invocation of gemm_tn_lane.wgsl. */
const LANE_PIXELS = 8;
const LANE_VECTORS = 2;

/**
 * Rows up to which a sum is not split on GPUs: an invocation of gemm_tn_tile.wgsl needs about 40 microseconds for them (64
 * multiply-adds a cycle and workgroup of 4,096 a row), as long as a launch that adds parts.
 */
const UNSPLIT = 1024;

/**
 * Plans A^T Z, [batch, spans, 4 span, K], as a tensor of a given shape. Long sums are split into parts, which are then added in a
 * fixed order, so that results are the same every time.
 */
export function addTransposed(
  plan: Planner,
  { x, z }: Readonly<Record<'x' | 'z', Operand>>,
  product: TransposedProduct,
  shape: Shape,
): Planned {
  const { kernel, partial, ...launch } = planTransposed(plan.adapter, product);
  const splits = partial[1];
  const y = temporary('transposed product', shape);
  const parts = splits === 1 ? y : temporary('parts of sums', partial);
  plan.launch(kernel, { bind: { x, z, y: parts }, ...launch });
  if (splits > 1) plan.sum(parts, y, partial);
  return y;
}

/** The launch of a transposed product, and the shape of what it writes: products, parts of each sum, values. */
export function planTransposed(
  adapter: AdapterFacts,
  product: TransposedProduct,
): Plan<TransposedKernel> & { readonly partial: readonly [batch: number, splits: number, elements: number] } {
  const tuning = groupTuning(adapter.tuning, product);
  const { images, gather, outputs, k, groups = 1, batch = single } = product;
  const { down, right } = gather;
  const spanVectors = (gather.span * gather.channels) / 4 / groups;
  const spans = down.spans * right.spans;
  const elements = spans * spanVectors * 4 * k;
  const pixels = images * outputs[0] * outputs[1];
  const maxSplits = tuning.family === 'tile' && pixels <= UNSPLIT ? 1 : Math.ceil(pixels / 64);
  const chosen = chooseTransposed(tuning, [spans, spanVectors], k / 4, batch.count * maxSplits);
  const { kernel, consts, rowBlocks, columnBlocks } = chosen;
  const room = Math.min(WORKSPACE_BYTES, adapter.bindingLimit) / (4 * elements * batch.count);
  const wanted = Math.ceil(tuning.minWorkgroups / (columnBlocks * rowBlocks * batch.count));
  const splits = Math.max(1, Math.floor(Math.min(room, wanted, maxSplits)));
  return {
    kernel,
    consts,
    partial: [batch.count, splits, elements],
    params: {
      h: gather.height,
      w: gather.width,
      c4: gather.channels / 4,
      p: outputs[0],
      q: outputs[1],
      k4: k / 4,
      rowStart: down.start,
      rowScale: down.scale,
      rowStep: down.step,
      colStart: right.start,
      colScale: right.scale,
      colStep: right.step,
      spansX: right.spans,
      spans,
      span: spanVectors,
      ...groupParams(product),
      pixels,
      splits,
      perSplit: Math.ceil(pixels / splits),
      xBatch: batch.x / 4,
      zBatch: batch.y / 4,
    },
    groups: [columnBlocks, rowBlocks, splits * batch.count],
  };
}

function chooseTransposed(
  tuning: Tuning,
  [spans, spanVectors]: Pair,
  k4: number,
  copies: number,
): Choice<TransposedKernel> {
  switch (tuning.family) {
    case 'subgroup': {
      const SIZE = SUBGROUP;
      const LANES = lanesFor(k4, 4, SIZE);
      const VECTORS = tuning.vectors;
      return choice(
        gemmTnSubgroup,
        { LANES, SIZE, VECTORS },
        {
          rowBlocks: Math.ceil((spans * Math.ceil(spanVectors / VECTORS) * LANES) / SIZE),
          columnBlocks: Math.ceil(k4 / LANES),
        },
      );
    }
    case 'broadcast':
      return choice(
        gemmTnBroadcast,
        {},
        { rowBlocks: spans * Math.ceil(spanVectors / 4), columnBlocks: Math.ceil(k4 / 8) },
      );
    case 'lane': {
      const SIZE = tuning.size;
      const LANES = lanesFor(k4, 1, SIZE);
      return choice(
        gemmTnLane,
        { LANES, SIZE },
        {
          rowBlocks: Math.ceil((spans * Math.ceil(spanVectors / LANE_VECTORS) * LANES) / SIZE),
          columnBlocks: Math.ceil(k4 / LANES),
        },
      );
    }
    case 'tile': {
      const { TX, TY, ...blocks } = tileFor(tuning, 4 * spans * spanVectors, k4, copies);
      return choice(gemmTnTile, { TX, TY }, blocks);
    }
  }
}
