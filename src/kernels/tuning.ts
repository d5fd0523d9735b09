import type { Device } from '../tensor/device.ts';
import type { AdapterDescription } from '../tensor/device-options.ts';
import type { KernelFamily, TileTuning, Tuning, TuningName } from '../tensor/tuning.ts';

// Which kernels run on which adapter, and with which shapes: the one place where adapters differ. docs/performance.md
// explains how the numbers were chosen.

/** Maximum bytes of a temporary operand; larger work is done in parts. */
export const WORKSPACE_BYTES = 32 * 2 ** 20;

const cpu = {
  minWorkgroups: 32,
  winogradMinWork: 0,
  winograd4x4: { minTiles: 16 },
  winograd2x2: { minTiles: 16, rows: 16 },
};
/**
 * The rows are those of the smallest tile of gemm_tile.wgsl. Winograd's algorithm saves at most half of the work, and at 10 TFLOP/s half
 * of 2^30 multiply-adds takes as long as three launches of 36 microseconds.
 */
const gpu = { winogradMinWork: 2 ** 30, winograd2x2: { minTiles: 48, rows: 64 } };
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

/** Size of the subgroups that the kernels of a family need. */
const LANES = { subgroup: 8, broadcast: 4, lane: null, tile: null };

/** The kernels for an adapter, or those that `init({ tuning })` chose. */
export function tuningOf(device: Device): Tuning {
  const chosen = device.tuning ?? nameFor(device.adapter);
  const tuning = typeof chosen === 'string' ? tunings[chosen] : chosen;
  const lanes = LANES[tuning.family];
  const { name, subgroupSize } = device.adapter;
  if (lanes !== null && subgroupSize !== lanes) {
    const which = typeof chosen === 'string' ? chosen : `of the family ${tuning.family}`;
    throw new RangeError(`tuning ${which}: needs subgroups of ${lanes}, ${name} has ${subgroupSize ?? 'none'}`);
  }
  return tuning;
}

/** What the launches of a product depend on besides its shapes. */
export interface AdapterFacts extends Pick<Device, 'bindingLimit' | 'winograd'> {
  readonly tuning: Tuning;
  readonly limits: Pick<Device['limits'], 'maxComputeWorkgroupsPerDimension' | 'minStorageBufferOffsetAlignment'>;
}

export function factsOf(device: Device): AdapterFacts {
  const { bindingLimit, winograd, limits } = device;
  return { tuning: tuningOf(device), bindingLimit, winograd, limits };
}

/** The library's table for an adapter. */
export const builtInTuning = (adapter: AdapterDescription): Tuning => tunings[nameFor(adapter)];

/** The kernels that run on an adapter, with the shapes that they have: what a measurement can choose from. */
export function familiesFor({ adapter, limits }: Device): KernelFamily[] {
  const { maxComputeInvocationsPerWorkgroup: invocations, maxComputeWorkgroupStorageSize: storage } = limits;
  const tiles: readonly TileTuning[] = [allTiles, smallTiles, { family: 'tile', shapes: [[8, 8]] }];
  return [
    ...[32, 16].map((pixels) => ({ family: 'subgroup', pixels, vectors: 4 }) as const),
    { family: 'broadcast' } as const,
    ...[16, 64].map((size) => ({ family: 'lane', size }) as const),
    // The largest tile holds 16 columns of 128 pixels and of 128 channels.
    ...tiles.filter(({ shapes: [largest] }) => {
      const [tx, ty] = largest!;
      return tx * ty <= invocations && 8 * (tx + ty) * 16 * 4 <= storage;
    }),
  ].filter(({ family }) => LANES[family] === null || LANES[family] === adapter.subgroupSize);
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
