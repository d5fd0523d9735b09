import { checkChoice, checkInteger, described, isRecord } from '../common/check.ts';

// Which kernels run on an adapter, and with which shapes. The tables are in src/kernels/tuning.ts; `retinagrad tune` measures others.

/** Adapters with a table of their own; `cpu` and `gpu` are any others. */
export const tuningNames = ['llvmpipe', 'swiftshader', 'cpu', 'nvidia', 'amd', 'apple', 'intel', 'gpu'] as const;
export type TuningName = (typeof tuningNames)[number];

/** gemm_subgroup.wgsl, for adapters where subgroup shuffles are free and loads are expensive. Needs subgroups of eight. */
interface SubgroupTuning {
  readonly family: 'subgroup';
  /** Pixels per invocation: 16 or 32. */
  readonly pixels: number;
  /** Vectors of a span per invocation of the transposed product: 4. */
  readonly vectors: number;
}

/** gemm_broadcast.wgsl, for subgroups of four where broadcasts from a constant lane are cheap. Its shapes are fixed. */
interface BroadcastTuning {
  readonly family: 'broadcast';
}

/** gemm_lane.wgsl, where every lane loads what it needs. Its 8 pixels and 2 vectors per invocation are fixed. */
interface LaneTuning {
  readonly family: 'lane';
  /** Invocations per workgroup: 16, 32 or 64. */
  readonly size: number;
}

/** gemm_tile.wgsl, with operands in workgroup memory. */
export interface TileTuning {
  readonly family: 'tile';
  /** Invocations [TX, TY] of a workgroup, of 8 TX channels and 8 TY pixels; the largest first. */
  readonly shapes: readonly (readonly [tx: 8 | 16, ty: 8 | 16])[];
}

/** How a value, once loaded, is used many times: the kernel of products, and its shapes. */
export type KernelFamily = SubgroupTuning | BroadcastTuning | LaneTuning | TileTuning;

/** The kernels of matrix products and convolutions for an adapter. */
export type Tuning = KernelFamily & {
  /** Workgroups that keep the adapter busy: with fewer, smaller tiles are taken and long sums are split. */
  readonly minWorkgroups: number;
  /**
   * Multiply-adds of the direct sum below which Winograd's algorithm is not used: it saves half of them, but takes three launches
   * more.
   */
  readonly winogradMinWork: number;
  /** What Winograd's F(4x4, 3x3) needs to fill the rows of a product. */
  readonly winograd4x4: { readonly minTiles: number };
  /** What F(2x2, 3x3) needs: enough tiles, and that they fill blocks of `rows` rows of a product. */
  readonly winograd2x2: { readonly minTiles: number; readonly rows: number };
};

/** A threshold of `Tuning` that nothing reaches. (JSON has no infinity.) */
export const NEVER = Number.MAX_SAFE_INTEGER;

const families = {
  subgroup: ({ pixels, vectors }: Readonly<Record<string, unknown>>) =>
    [16, 32].includes(pixels as number) && vectors === 4,
  broadcast: () => true,
  lane: ({ size }: Readonly<Record<string, unknown>>) => [16, 32, 64].includes(size as number),
  tile: ({ shapes }: Readonly<Record<string, unknown>>) =>
    Array.isArray(shapes) && shapes.length > 0 && shapes.every((shape) => tileNames.has(String(shape))),
};
const tileNames = new Set(['16,16', '8,16', '8,8']);

/**
 * Throws unless `tuning` is the name of a table, or a table as `tune` returns it: one read from a file may be anything.
 *
 * @throws TypeError, RangeError
 */
export function checkTuning(op: string, tuning: unknown): asserts tuning is TuningName | Tuning {
  if (typeof tuning === 'string') return checkChoice(op, 'tuning', tuning, tuningNames);
  if (!isRecord(tuning)) {
    throw new TypeError(
      `${op}: tuning is ${described(tuning)}, expected one of ${tuningNames.join(', ')}, or a table of tune()`,
    );
  }
  const { family, minWorkgroups, winogradMinWork, winograd4x4, winograd2x2 } = tuning;
  checkChoice(op, 'tuning.family', family as string, Object.keys(families));
  if (!families[family as keyof typeof families](tuning)) {
    throw new RangeError(
      `${op}: tuning is ${JSON.stringify(tuning)}, whose shapes its family ${String(family)} does not have`,
    );
  }
  const counts: Readonly<Record<string, unknown>> = {
    minWorkgroups,
    winogradMinWork,
    'winograd4x4.minTiles': isRecord(winograd4x4) ? winograd4x4['minTiles'] : undefined,
    'winograd2x2.minTiles': isRecord(winograd2x2) ? winograd2x2['minTiles'] : undefined,
    'winograd2x2.rows': isRecord(winograd2x2) ? winograd2x2['rows'] : undefined,
  };
  for (const [name, value] of Object.entries(counts)) {
    checkInteger(op, `tuning.${name}`, value as number, { min: name === 'winogradMinWork' ? 0 : 1 });
  }
}
