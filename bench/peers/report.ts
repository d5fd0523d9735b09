import type { Spread } from '../../src/measure/measure.ts';
import type { Work } from '../../src/measure/tasks.ts';

/** The result of one library for one case. */
export interface PeerMeasured {
  readonly timing?: {
    readonly wall: Spread;
    /** On a software adapter: CPU time of the computing threads, divided by the number of cores. */
    readonly cpu: Spread | null;
  };
  /** The first run, which compiles: milliseconds of wall time, with an empty driver cache for the whole network. */
  readonly first?: number;
  /** What is wrong with the result, or null if it is correct; absent if it was not checked. */
  readonly wrong?: string | null;
  /** Why there is no timing. */
  readonly unsupported?: string;
  readonly failed?: string;
  /** Peak bytes of GPU buffers, and of the process. */
  readonly gpuBytes?: number;
  readonly residentBytes?: number;
}

export interface PeerCaseResult {
  readonly name: string;
  readonly work?: Work;
  /** By the library's key. */
  readonly libraries: Record<string, PeerMeasured>;
}

export interface PeersResult {
  readonly schema: 1;
  readonly kind: 'peers';
  readonly date: string;
  readonly commit: string | null;
  readonly adapter: { readonly name: string; readonly kind: 'hardware' | 'software' };
  readonly processor: { readonly model: string; readonly cores: number };
  readonly versions: Readonly<Record<string, string>>;
  readonly libraries: readonly { readonly key: string; readonly title: string; readonly runsOn: string }[];
  readonly cases: PeerCaseResult[];
}

/** The median CPU time if it was measured, otherwise the median wall time. Null without a correct result. */
function timeOf({ timing, wrong }: PeerMeasured): number | null {
  if (timing === undefined || typeof wrong === 'string') return null;
  return (timing.cpu ?? timing.wall).median;
}

/**
 * The speed-up of the library `own` over the best of the others on the adapter. Null if no other has a correct result, or
 * if one of them was not measured, because it might be the best.
 */
export function ratioToBest(result: PeerCaseResult, own: string, others: readonly string[]): number | null {
  if (others.some((key) => result.libraries[key] === undefined)) return null;
  const ours = timeOf(result.libraries[own] ?? {});
  const times = others.map((key) => timeOf(result.libraries[key] ?? {})).filter((time) => time !== null);
  return ours === null || times.length === 0 ? null : Math.min(...times) / ours;
}

/** The result of a library as text: a rate or a time, or why there is none. */
export function describe(work: Work | undefined, measured: PeerMeasured): string {
  if (measured.unsupported !== undefined) return 'none';
  if (measured.failed !== undefined) return 'failed';
  if (typeof measured.wrong === 'string') return 'WRONG';
  const time = timeOf(measured);
  if (time === null) return 'not measured';
  if (work === undefined) return `${time.toFixed(0)} ms`;
  return 'flops' in work
    ? `${(work.flops / time / 1e6).toFixed(1)} GFLOP/s`
    : `${(work.bytes / time / 1e6).toFixed(2)} GB/s`;
}

/** The full result of a library on one line. */
export function lineOf(title: string, work: Work | undefined, measured: PeerMeasured): string {
  const columns = [`  ${title.padEnd(22)}`, describe(work, measured).padStart(14)];
  if (measured.timing !== undefined) {
    const spread = measured.timing.cpu ?? measured.timing.wall;
    columns.push(
      `${spread.median.toFixed(2)} ms (${spread.low.toFixed(2)} to ${spread.high.toFixed(2)})`.padStart(34),
      `wall ${measured.timing.wall.median.toFixed(2)} ms`.padStart(18),
      `first ${(measured.first ?? 0).toFixed(0)} ms`.padStart(14),
    );
  }
  if (work === undefined) {
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    if (measured.gpuBytes !== undefined) columns.push(`GPU ${megabytes(measured.gpuBytes)}`);
    if (measured.residentBytes !== undefined) columns.push(`process ${megabytes(measured.residentBytes)}`);
  }
  const reason = measured.unsupported ?? measured.failed ?? measured.wrong;
  if (typeof reason === 'string') columns.push(`: ${reason}`);
  return columns.join(' ');
}
