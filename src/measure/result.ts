import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { AdapterDescription, Device } from '../tensor/device.ts';
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

/** The result of a run. */
export interface BenchResult {
  readonly schema: 1;
  readonly date: string;
  readonly commit: string | null;
  readonly versions: { readonly retinagrad: string; readonly node: string };
  readonly adapter: AdapterDescription;
  readonly processor: { readonly model: string; readonly cores: number };
  /** The maximum rates of the machine, measured with kernels of multiply-adds and of a copy. */
  readonly ceiling: { readonly gflops: number; readonly gbps: number };
  readonly cases: Measured[];
}

/** A result without cases. */
export function newResult(device: Device, version: string, ceiling: BenchResult['ceiling']): BenchResult {
  const git = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  const [cpu] = cpus();
  return {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    commit: git.status === 0 ? git.stdout.trim() : null,
    versions: { retinagrad: version, node: process.version },
    adapter: device.adapter,
    processor: { model: cpu?.model.trim() ?? 'unknown', cores: cpus().length },
    ceiling,
    cases: [],
  };
}
