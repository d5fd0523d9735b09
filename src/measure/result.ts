import type { Device } from '../tensor/device.ts';
import type { AdapterDescription } from '../tensor/device-options.ts';
import type { Timing } from './measure.ts';

/** One measured case. */
export interface Measured {
  readonly name: string;
  readonly timing: Timing;
  /** GFLOP/s of the direct algorithm, or GB/s; absent if a case has no such measure. */
  readonly rate?: {
    readonly value: number;
    readonly unit: 'GFLOP/s' | 'GB/s';
    /** Fraction of the ceiling. */
    readonly share: number;
  };
  /** What is wrong with its result, or null if the result is correct. Absent if there is nothing to check. */
  readonly wrong?: string | null;
  /** Further figures: images per second, peak bytes, ratios to another case. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** What a run says of the computer beside its GPU. */
export interface BenchHost {
  /** Of the library's repository, if the run is made there. */
  readonly commit: string | null;
  /** `node` is absent in browsers, `browser` elsewhere. */
  readonly versions: { readonly node?: string; readonly browser?: string };
  readonly processor: { readonly model: string; readonly cores: number };
}

/** The result of a run. */
export interface BenchResult extends BenchHost {
  readonly schema: 1;
  readonly date: string;
  readonly versions: BenchHost['versions'] & { readonly retinagrad: string };
  readonly adapter: AdapterDescription;
  /** The maximum rates of the machine, measured with kernels of multiply-adds and of a copy. */
  readonly ceiling: { readonly gflops: number; readonly gbps: number };
  readonly cases: Measured[];
}

/** What a page knows of the computer. */
interface PageNavigator {
  readonly userAgent: string;
  readonly hardwareConcurrency: number;
}

/** A result without cases, of a run in a browser. (In Node, the entry has another `newResult`, which describes that host.) */
export function newResult(device: Device, version: string, ceiling: BenchResult['ceiling']): BenchResult {
  const { userAgent, hardwareConcurrency } = (globalThis as unknown as { navigator: PageNavigator }).navigator;
  // Browsers also name those that they want to be taken for: the first found here is the browser itself.
  const browser = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Version'].flatMap(
    (name) => new RegExp(`\\b${name}/[\\d.]+`).exec(userAgent) ?? [],
  )[0];
  return resultOf(device, version, ceiling, {
    commit: null,
    versions: { browser: browser ?? userAgent },
    processor: { model: 'unknown', cores: hardwareConcurrency },
  });
}

/** A result without cases. */
export function resultOf(
  { adapter }: Device,
  version: string,
  ceiling: BenchResult['ceiling'],
  { commit, versions, processor }: BenchHost,
): BenchResult {
  return {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    commit,
    versions: { retinagrad: version, ...versions },
    adapter,
    processor,
    ceiling,
    cases: [],
  };
}
