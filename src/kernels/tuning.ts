import type { AdapterDescription, Device, TuningName } from '../tensor/device.ts';

// Which kernels run on which adapter, and with which shapes: the one place where adapters differ. docs/performance.md
// says what the numbers were chosen by.

/** Products for adapters that shuffle between lanes for nothing and pay for loads: gemm_subgroup.wgsl, for subgroups of eight. */
interface SubgroupTuning {
  readonly family: 'subgroup';
  /** Pixels per invocation. */
  readonly pixels: number;
  /** Vectors of a run per invocation of the transposed product. */
  readonly vectors: number;
}

/** Products for subgroups of four with cheap broadcasts from known lanes: gemm_broadcast.wgsl, whose shapes are fixed. */
interface BroadcastTuning {
  readonly family: 'broadcast';
}

/** Products where every lane loads what it needs: gemm_lane.wgsl, whose 8 pixels and 2 vectors are fixed. */
interface LaneTuning {
  readonly family: 'lane';
  /** Invocations per workgroup. */
  readonly size: number;
}

/** Products with operands in workgroup memory: gemm_tile.wgsl. */
interface TileTuning {
  readonly family: 'tile';
  /** Invocations [TX, TY] of a workgroup, of 8 TX channels and 8 TY pixels; the largest first. */
  readonly shapes: readonly (readonly [tx: 8 | 16, ty: 8 | 16])[];
}

export type Tuning = (SubgroupTuning | BroadcastTuning | LaneTuning | TileTuning) & {
  /** Workgroups that keep the adapter busy: smaller tiles are taken, and long sums split, until there are as many. */
  readonly enough: number;
  /** Fewest tiles of Winograd's F(4x4, 3x3) that fill the rows of a product. */
  readonly winogradTiles: number;
  /** What F(2x2, 3x3) needs: so many tiles, and that they fill blocks of so many rows of a product. */
  readonly winograd2x2: { readonly tiles: number; readonly rows: number };
};

const cpu = { enough: 32, winogradTiles: 16, winograd2x2: { tiles: 16, rows: 16 } };
/** The rows are those of the smallest tile of gemm_tile.wgsl. */
const gpu = { winograd2x2: { tiles: 48, rows: 64 } };
/** 8 x 8 values per invocation: [16, 16] is 128 pixels x 128 channels. */
const allTiles: TileTuning = {
  family: 'tile',
  shapes: [
    [16, 16],
    [8, 16],
    [8, 8],
  ],
};
/** For GPUs with few registers per invocation, or memory that a workgroup of 256 fills. */
const smallTiles: TileTuning = {
  family: 'tile',
  shapes: [
    [8, 16],
    [8, 8],
  ],
};

/**
 * The table. Those of the software adapters were measured. Those of GPUs follow from their numbers of cores and from what
 * published kernels use; nobody has measured them with this library yet.
 */
const tunings: Readonly<Record<TuningName, Tuning>> = {
  llvmpipe: { family: 'subgroup', pixels: 32, vectors: 4, ...cpu, winograd2x2: { tiles: 25, rows: 32 } },
  swiftshader: { family: 'broadcast', ...cpu },
  cpu: { family: 'lane', size: 16, ...cpu },
  nvidia: { ...allTiles, enough: 256, winogradTiles: 64, ...gpu },
  amd: { ...allTiles, enough: 192, winogradTiles: 64, ...gpu },
  apple: { ...smallTiles, enough: 64, winogradTiles: 32, ...gpu },
  intel: { ...smallTiles, enough: 64, winogradTiles: 32, ...gpu },
  gpu: { ...smallTiles, enough: 64, winogradTiles: 32, ...gpu },
};

/** The choice for an adapter, or the one that `init({ tuning })` named. */
export function tuningOf(device: Device): Tuning {
  const tuning = tunings[device.tuning ?? nameFor(device.adapter)];
  const lanes = { subgroup: 8, broadcast: 4, lane: null, tile: null }[tuning.family];
  const { name, subgroupSize } = device.adapter;
  if (lanes !== null && subgroupSize !== lanes) {
    throw new RangeError(`tuning ${device.tuning}: needs subgroups of ${lanes}, ${name} has ${subgroupSize ?? 'none'}`);
  }
  return tuning;
}

function nameFor({ kind, vendor, subgroupSize }: AdapterDescription): TuningName {
  if (kind === 'software') return subgroupSize === 8 ? 'llvmpipe' : subgroupSize === 4 ? 'swiftshader' : 'cpu';
  const name = vendor.toLowerCase();
  return name === 'nvidia' || name === 'amd' || name === 'apple' || name === 'intel' ? name : 'gpu';
}
