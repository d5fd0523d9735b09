import type { Device } from '../tensor/device.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { reduceAxis } from './reduce.ts';
import { linearGroups, run, type Bindable } from './run.ts';
import { gemmLane } from './wgsl/gemm_lane.wgsl.ts';
import { gemmSubgroup } from './wgsl/gemm_subgroup.wgsl.ts';
import { gemmTnLane } from './wgsl/gemm_tn_lane.wgsl.ts';
import { gemmTnSubgroup } from './wgsl/gemm_tn_subgroup.wgsl.ts';

// The matrix products behind every convolution and large matmul. The left operand is never written out: each of its rows
// is gathered from an image while it is multiplied (implicit GEMM). What differs between adapters is how a value, once
// loaded, is used many times: that is the choice of a family, made in one place here.

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

/** A family of kernels with its shape, as the table of adapters has it. The kernels without shuffles have theirs fixed. */
interface Family {
  /** Whether values are shared by subgroup shuffles, by this many lanes. Null: every lane loads what it needs. */
  readonly share: number | null;
  /** Rows per invocation. */
  readonly rows: number;
  /** Vectors of a run per invocation of the transposed product. */
  readonly vectors: number;
  /** Invocations per workgroup. */
  readonly size: number;
  /** Workgroups that keep the adapter busy: sums are split until there are about as many. */
  readonly enough: number;
}

/** Shuffles between the 8 lanes of llvmpipe cost nothing, loads 5 to 25 ns each. See docs/performance.md. */
const llvmpipe: Family = { share: 8, rows: 32, vectors: 4, size: 8, enough: 32 };
const software: Family = { share: null, rows: 8, vectors: 2, size: 16, enough: 32 };
const hardware: Family = { share: null, rows: 8, vectors: 2, size: 64, enough: 256 };

/** The choice of a family for an adapter. */
function familyOf(device: Device): Family {
  const { kind, subgroupSize } = device.adapter;
  if (kind === 'hardware') return hardware;
  return subgroupSize === 8 ? llvmpipe : software;
}

/** Invocations of a workgroup along `vectors` of channels. */
const lanesFor = (family: Family, vectors: number): number =>
  Math.max(4, Math.min(family.size, 2 ** Math.ceil(Math.log2(vectors))));

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
  const family = familyOf(device);
  const k4 = k / 4;
  const lanes = lanesFor(family, k4);
  const pixels = images * scatter.rows * scatter.cols;
  // A few pixels would leave half of the rows without work.
  const rows = family.share !== null && pixels <= family.rows / 2 ? family.rows / 2 : family.rows;
  const groups = linearGroups(device, Math.ceil(pixels / rows), family.size / lanes);
  const { down, right } = gather;
  const launch = {
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
    groups: [groups[0], groups[1] ?? 1, Math.ceil(k4 / lanes) * batch.count],
  } as const;
  const consts = { LANES: lanes, SIZE: family.size };
  if (family.share === null) {
    run(device, gemmLane, { ...launch, consts });
  } else {
    const GROUP = Math.min(family.share, lanes);
    run(device, gemmSubgroup, { ...launch, consts: { ...consts, ROWS: rows, GROUP } });
  }
}

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
  const family = familyOf(device);
  const k4 = k / 4;
  const lanes = lanesFor(family, k4);
  const { down, right } = gather;
  const runVectors = (gather.run * gather.channels) / 4;
  const runs = down.runs * right.runs;
  const jobs = runs * Math.ceil(runVectors / family.vectors);
  const elements = runs * runVectors * 4 * k;
  const pixels = images * outputs[0] * outputs[1];
  const room = Math.min(WORKSPACE_BYTES, device.bindingLimit) / (4 * elements * batch.count);
  const groups = Math.ceil(k4 / lanes) * Math.ceil((jobs * lanes) / family.size) * batch.count;
  const splits = Math.max(1, Math.floor(Math.min(room, Math.ceil(family.enough / groups), Math.ceil(pixels / 64))));
  const partial = empty(device, [batch.count, splits, elements], 'float32', op);
  const launch = {
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
    groups: [Math.ceil(k4 / lanes), Math.ceil((jobs * lanes) / family.size), splits * batch.count],
  } as const;
  const consts = { LANES: lanes, SIZE: family.size };
  if (family.share === null) {
    run(device, gemmTnLane, { ...launch, consts });
  } else {
    const GROUP = Math.min(family.share, lanes);
    run(device, gemmTnSubgroup, { ...launch, consts: { ...consts, VECTORS: family.vectors, GROUP } });
  }
  if (splits === 1) return partial;
  const sum = reduceAxis('sum', partial, batch.count, splits, elements);
  partial.dispose();
  return sum;
}

/** Most bytes of the parts of a split sum. */
const WORKSPACE_BYTES = 32 * 2 ** 20;
