import type { Device } from '../tensor/device.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { reduceAxis } from './reduce.ts';
import { linearGroups, run, type Bindable, type Launch } from './run.ts';
import { tuningOf, type Tuning } from './tuning.ts';
import { gemmBroadcast } from './wgsl/gemm_broadcast.wgsl.ts';
import { gemmLane } from './wgsl/gemm_lane.wgsl.ts';
import { gemmSubgroup } from './wgsl/gemm_subgroup.wgsl.ts';
import { gemmTile } from './wgsl/gemm_tile.wgsl.ts';
import { gemmTnBroadcast } from './wgsl/gemm_tn_broadcast.wgsl.ts';
import { gemmTnLane } from './wgsl/gemm_tn_lane.wgsl.ts';
import { gemmTnSubgroup } from './wgsl/gemm_tn_subgroup.wgsl.ts';
import { gemmTnTile } from './wgsl/gemm_tn_tile.wgsl.ts';

// The matrix products behind every convolution and large matmul. The left operand is never written out: each of its rows
// is gathered from an image while it is multiplied (implicit GEMM). What differs between adapters is how a value, once
// loaded, is used many times: there are four kernels for that, and tuning.ts chooses one.

/** How one axis of an image is read: output i reads run t from `start + i scale + t step` on. */
export interface AxisWalk {
  readonly start: number;
  readonly scale: number;
  readonly step: number;
  readonly runs: number;
}

/** An image of vectors of four channels, and which runs of neighbouring values each row of the left operand takes from it. */
export interface Gather {
  readonly height: number;
  readonly width: number;
  /** Channels; a multiple of four. */
  readonly channels: number;
  readonly down: AxisWalk;
  readonly right: AxisWalk;
  /** Pixels per run. */
  readonly run: number;
}

/** Rows of a matrix with `columns` values: one run of one pixel each. */
export function matrixRows(rows: number, columns: number): Gather {
  const down = { start: 0, scale: 1, step: 1, runs: 1 };
  return { height: 1, width: rows, channels: columns, down, right: down, run: 1 };
}

/** Where the rows of a product are written: outputs (phase + i * every) of an image [P, Q]. */
export interface Scatter {
  readonly p: number;
  readonly q: number;
  readonly phase: readonly [number, number];
  readonly every: readonly [number, number];
  /** Outputs per image of this launch. */
  readonly rows: number;
  readonly cols: number;
}

/** A matrix [rows, ...] as it is. */
export function allRows(rows: number): Scatter {
  return { p: 1, q: rows, phase: [0, 0], every: [1, 1], rows: 1, cols: rows };
}

/** What is done to a value before it is written: relu(scale[k] value + bias[k] + add[m, k]). */
export interface Epilogue {
  readonly scale?: Bindable | null;
  readonly bias?: Bindable | null;
  readonly add?: Bindable | null;
  readonly relu?: boolean;
}

/** Products of one launch, and how far apart their operands are, in elements; 0 shares one. */
export interface Batch {
  readonly count: number;
  readonly x: number;
  readonly w: number;
  readonly y: number;
}

const single: Batch = { count: 1, x: 0, w: 0, y: 0 };

/** How a product is divided among workgroups, and how it is started. */
interface Plan<L> {
  readonly rowBlocks: number;
  readonly columnBlocks: number;
  readonly start: (launch: L) => void;
}

/** Lanes of a workgroup along `vectors` of channels: a power of two, and no more than there is work for. */
const lanesFor = (vectors: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, 2 ** Math.ceil(Math.log2(vectors))));

/**
 * The largest tile of which there are enough to keep the adapter busy, and that is not much wider than the product.
 *
 * @param rows pixels, or values of the transposed product
 * @param k4 vectors of channels
 * @param copies products of a batch, and most parts of a sum that can be split
 */
function tileFor(
  { shapes, enough }: Tuning & { readonly family: 'tile' },
  rows: number,
  k4: number,
  copies: number,
): { readonly TX: number; readonly TY: number; readonly rowBlocks: number; readonly columnBlocks: number } {
  const tiles = shapes.map(([TX, TY]) => {
    return { TX, TY, rowBlocks: Math.ceil(rows / (8 * TY)), columnBlocks: Math.ceil(k4 / (2 * TX)) };
  });
  const fits = ({ TX, rowBlocks, columnBlocks }: (typeof tiles)[number]): boolean =>
    k4 > TX && rowBlocks * columnBlocks * copies >= enough;
  return tiles.find(fits) ?? tiles.at(-1)!;
}

/**
 * y = epilogue(A W): rows of A gathered from x, W of shape [runs, 4 run, K]. Writes into y, for one batch entry per
 * `batch.count`, and `images` images in each.
 *
 * @param k columns of W and channels of y; a multiple of four
 */
export function gemm(
  device: Device,
  op: string,
  images: number,
  gather: Gather,
  scatter: Scatter,
  k: number,
  { x, w, y }: { readonly x: Bindable; readonly w: Bindable; readonly y: Bindable },
  { scale = null, bias = null, add = null, relu = false }: Epilogue = {},
  batch: Batch = single,
): void {
  const tuning = tuningOf(device);
  const k4 = k / 4;
  const pixels = images * scatter.rows * scatter.cols;
  const plan = gemmPlan(device, tuning, pixels, k4, batch.count);
  // Blocks of pixels fold over x and y; blocks of channels and products of the batch go along z.
  const [across, fold = 1] = linearGroups(device, plan.rowBlocks, 1);
  const { down, right } = gather;
  plan.start({
    op,
    bind: { x, w, scale: scale ?? w, bias: bias ?? w, add: add ?? w, y },
    params: {
      h: gather.height,
      w: gather.width,
      c4: gather.channels / 4,
      p: scatter.p,
      q: scatter.q,
      k4,
      rows: scatter.rows,
      cols: scatter.cols,
      pixels,
      phaseY: scatter.phase[0],
      phaseX: scatter.phase[1],
      divY: scatter.every[0],
      divX: scatter.every[1],
      rowStart: down.start,
      rowScale: down.scale,
      rowStep: down.step,
      runsY: down.runs,
      colStart: right.start,
      colScale: right.scale,
      colStep: right.step,
      runsX: right.runs,
      run: (gather.run * gather.channels) / 4,
      xBatch: batch.x / 4,
      wBatch: batch.w / 4,
      yBatch: batch.y / 4,
      hasScale: Number(scale !== null),
      hasBias: Number(bias !== null),
      hasAdd: Number(add !== null),
      relu: Number(relu),
    },
    groups: [across, fold, plan.columnBlocks * batch.count],
  });
}

/** What all kernels of the product take. */
type GemmLaunch = Omit<Launch<typeof gemmTile>, 'consts'>;

function gemmPlan(device: Device, tuning: Tuning, pixels: number, k4: number, batches: number): Plan<GemmLaunch> {
  switch (tuning.family) {
    case 'subgroup': {
      const SIZE = SUBGROUP;
      const LANES = lanesFor(k4, 4, SIZE);
      // A few pixels would leave half of the rows without work.
      const ROWS = pixels <= tuning.pixels / 2 ? tuning.pixels / 2 : tuning.pixels;
      return {
        rowBlocks: Math.ceil((pixels * LANES) / (ROWS * SIZE)),
        columnBlocks: Math.ceil(k4 / LANES),
        start: (launch) => run(device, gemmSubgroup, { ...launch, consts: { LANES, SIZE, ROWS } }),
      };
    }
    case 'broadcast':
      return {
        rowBlocks: Math.ceil(pixels / 16),
        columnBlocks: Math.ceil(k4 / 8),
        start: (launch) => run(device, gemmBroadcast, launch),
      };
    case 'lane': {
      const SIZE = tuning.size;
      const LANES = lanesFor(k4, 1, SIZE);
      return {
        rowBlocks: Math.ceil((pixels * LANES) / (LANE_PIXELS * SIZE)),
        columnBlocks: Math.ceil(k4 / LANES),
        start: (launch) => run(device, gemmLane, { ...launch, consts: { LANES, SIZE } }),
      };
    }
    case 'tile': {
      const { TX, TY, ...blocks } = tileFor(tuning, pixels, k4, batches);
      return { ...blocks, start: (launch) => run(device, gemmTile, { ...launch, consts: { TX, TY } }) };
    }
  }
}

/** Lanes that share what they load in gemm_subgroup.wgsl. */
const SUBGROUP = 8;
/** Pixels per invocation of gemm_lane.wgsl, and vectors per invocation of gemm_tn_lane.wgsl. */
const LANE_PIXELS = 8;
const LANE_VECTORS = 2;

/**
 * A^T Z: [batch, runs, 4 run, K] flat, for A gathered from x as in `gemm` and Z of shape [rows, K]. Long sums are split
 * into parts that are added afterwards in a fixed order, so that results are the same every time.
 *
 * @param outputs rows and columns per image of z
 */
export function gemmTransposed(
  device: Device,
  op: string,
  images: number,
  gather: Gather,
  outputs: readonly [number, number],
  k: number,
  { x, z }: { readonly x: Bindable; readonly z: Bindable },
  batch: Omit<Batch, 'w'> = single,
): Tensor {
  const tuning = tuningOf(device);
  const k4 = k / 4;
  const { down, right } = gather;
  const runVectors = (gather.run * gather.channels) / 4;
  const runs = down.runs * right.runs;
  const elements = runs * runVectors * 4 * k;
  const pixels = images * outputs[0] * outputs[1];
  const mostSplits = Math.ceil(pixels / 64);
  const plan = transposedPlan(device, tuning, [runs, runVectors], k4, batch.count * mostSplits);
  const room = Math.min(WORKSPACE_BYTES, device.bindingLimit) / (4 * elements * batch.count);
  const wanted = Math.ceil(tuning.enough / (plan.columnBlocks * plan.rowBlocks * batch.count));
  const splits = Math.max(1, Math.floor(Math.min(room, wanted, mostSplits)));
  const partial = empty(device, [batch.count, splits, elements], 'float32', op);
  plan.start({
    op,
    bind: { x, z, y: partial },
    params: {
      h: gather.height,
      w: gather.width,
      c4: gather.channels / 4,
      p: outputs[0],
      q: outputs[1],
      k4,
      rowStart: down.start,
      rowScale: down.scale,
      rowStep: down.step,
      colStart: right.start,
      colScale: right.scale,
      colStep: right.step,
      runsX: right.runs,
      runs,
      run: runVectors,
      pixels,
      splits,
      perSplit: Math.ceil(pixels / splits),
      xBatch: batch.x / 4,
      zBatch: batch.y / 4,
    },
    groups: [plan.columnBlocks, plan.rowBlocks, splits * batch.count],
  });
  if (splits === 1) return partial;
  const sum = reduceAxis('sum', partial, batch.count, splits, elements);
  partial.dispose();
  return sum;
}

/** Most bytes of the parts of a split sum. */
const WORKSPACE_BYTES = 32 * 2 ** 20;

type TransposedLaunch = Omit<Launch<typeof gemmTnTile>, 'consts'>;

function transposedPlan(
  device: Device,
  tuning: Tuning,
  [runs, runVectors]: readonly [number, number],
  k4: number,
  copies: number,
): Plan<TransposedLaunch> {
  switch (tuning.family) {
    case 'subgroup': {
      const SIZE = SUBGROUP;
      const LANES = lanesFor(k4, 4, SIZE);
      const VECTORS = tuning.vectors;
      return {
        rowBlocks: Math.ceil((runs * Math.ceil(runVectors / VECTORS) * LANES) / SIZE),
        columnBlocks: Math.ceil(k4 / LANES),
        start: (launch) => run(device, gemmTnSubgroup, { ...launch, consts: { LANES, SIZE, VECTORS } }),
      };
    }
    case 'broadcast':
      return {
        rowBlocks: runs * Math.ceil(runVectors / 4),
        columnBlocks: Math.ceil(k4 / 8),
        start: (launch) => run(device, gemmTnBroadcast, launch),
      };
    case 'lane': {
      const SIZE = tuning.size;
      const LANES = lanesFor(k4, 1, SIZE);
      return {
        rowBlocks: Math.ceil((runs * Math.ceil(runVectors / LANE_VECTORS) * LANES) / SIZE),
        columnBlocks: Math.ceil(k4 / LANES),
        start: (launch) => run(device, gemmTnLane, { ...launch, consts: { LANES, SIZE } }),
      };
    }
    case 'tile': {
      const { TX, TY, ...blocks } = tileFor(tuning, 4 * runs * runVectors, k4, copies);
      return { ...blocks, start: (launch) => run(device, gemmTnTile, { ...launch, consts: { TX, TY } }) };
    }
  }
}
