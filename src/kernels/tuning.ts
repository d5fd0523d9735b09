import type { AdapterDescription, Device, TuningName } from '../tensor/device.ts';

// Which kernels run on which adapter, and with which shapes: the one place where adapters differ. docs/performance.md
// explains how the numbers were chosen.

/** Maximum bytes of a temporary operand; larger work is done in parts. */
export const WORKSPACE_BYTES = 32 * 2 ** 20;

/** gemm_subgroup.wgsl, for adapters where subgroup shuffles are free and loads are expensive. Needs subgroups of eight. */
interface SubgroupTuning {
  readonly family: 'subgroup';
  /** Pixels per invocation. */
  readonly pixels: number;
  /** Vectors of a span per invocation of the transposed product. */
  readonly vectors: number;
}

/** gemm_broadcast.wgsl, for subgroups of four where broadcasts from a constant lane are cheap. Its shapes are fixed. */
interface BroadcastTuning {
  readonly family: 'broadcast';
}

/** gemm_lane.wgsl, where every lane loads what it needs. Its 8 pixels and 2 vectors per invocation are fixed. */
interface LaneTuning {
  readonly family: 'lane';
  /** Invocations per workgroup. */
  readonly size: number;
}

/** gemm_tile.wgsl, with operands in workgroup memory. */
interface TileTuning {
  readonly family: 'tile';
  /** Invocations [TX, TY] of a workgroup, of 8 TX channels and 8 TY pixels; the largest first. */
  readonly shapes: readonly (readonly [tx: 8 | 16, ty: 8 | 16])[];
}

export type Tuning = (SubgroupTuning | BroadcastTuning | LaneTuning | TileTuning) & {
  /** Workgroups that keep the adapter busy: with fewer, smaller tiles are taken and long sums are split. */
  readonly minWorkgroups: number;
  /** What Winograd's F(4x4, 3x3) needs to fill the rows of a product. */
  readonly winograd4x4: { readonly minTiles: number };
  /** What F(2x2, 3x3) needs: enough tiles, and that they fill blocks of `rows` rows of a product. */
  readonly winograd2x2: { readonly minTiles: number; readonly rows: number };
};

const cpu = { minWorkgroups: 32, winograd4x4: { minTiles: 16 }, winograd2x2: { minTiles: 16, rows: 16 } };
/** The rows are those of the smallest tile of gemm_tile.wgsl. */
const gpu = { winograd2x2: { minTiles: 48, rows: 64 } };
const largeGpu = { ...gpu, winograd4x4: { minTiles: 64 } };
const smallGpu = { ...gpu, minWorkgroups: 64, winograd4x4: { minTiles: 32 } };
/** 8 x 8 values per invocation: [16, 16] is 128 pixels x 128 channels. */
const allTiles: TileTuning = {
  family: 'tile',
  shapes: [
    [16, 16],
    [8, 16],
    [8, 8],
  ],
};
/** For GPUs with few registers per invocation, or little workgroup memory. */
const smallTiles: TileTuning = {
  family: 'tile',
  shapes: [
    [8, 16],
    [8, 8],
  ],
};

/**
 * The table. The rows of software adapters were measured. Those of GPUs are estimates from their numbers of cores and from
 * published kernels; they have not been measured with this library.
 */
const tunings: Readonly<Record<TuningName, Tuning>> = {
  llvmpipe: { family: 'subgroup', pixels: 32, vectors: 4, ...cpu, winograd2x2: { minTiles: 25, rows: 32 } },
  swiftshader: { family: 'broadcast', ...cpu },
  cpu: { family: 'lane', size: 16, ...cpu },
  nvidia: { ...allTiles, ...largeGpu, minWorkgroups: 256 },
  amd: { ...allTiles, ...largeGpu, minWorkgroups: 192 },
  apple: { ...smallTiles, ...smallGpu },
  intel: { ...smallTiles, ...smallGpu },
  gpu: { ...smallTiles, ...smallGpu },
};

/** The kernels for an adapter, or those that `init({ tuning })` named. */
export function tuningOf(device: Device): Tuning {
  const tuning = tunings[device.tuning ?? nameFor(device.adapter)];
  const lanes = { subgroup: 8, broadcast: 4, lane: null, tile: null }[tuning.family];
  const { name, subgroupSize } = device.adapter;
  if (lanes !== null && subgroupSize !== lanes) {
    throw new RangeError(`tuning ${device.tuning}: needs subgroups of ${lanes}, ${name} has ${subgroupSize ?? 'none'}`);
  }
  return tuning;
}

/**
 * The kernels for channels in groups of `vectors` output vectors. Those that use a loaded value for several output channels need
 * all of them in one group; where groups are too small for that, every lane loads what it needs.
 */
export function tuningForGroups(tuning: Tuning, vectors: number): Tuning {
  if (tuning.family === 'lane' || (tuning.family === 'subgroup' && vectors % 8 === 0)) return tuning;
  if (tuning.family !== 'tile') return { ...tuning, family: 'lane', size: 16 };
  const shapes = tuning.shapes.filter(([tx]) => vectors % (2 * tx) === 0);
  return shapes.length > 0 ? { ...tuning, shapes } : { ...tuning, family: 'lane', size: 64 };
}

function nameFor({ kind, vendor, subgroupSize }: AdapterDescription): TuningName {
  if (kind === 'software') return subgroupSize === 8 ? 'llvmpipe' : subgroupSize === 4 ? 'swiftshader' : 'cpu';
  const name = vendor.toLowerCase();
  return name === 'nvidia' || name === 'amd' || name === 'apple' || name === 'intel' ? name : 'gpu';
}
