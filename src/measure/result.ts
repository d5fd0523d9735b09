import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { AdapterDescription, Device } from '../tensor/device.ts';
import type { Timing } from './measure.ts';

/** One measured case. */
export interface Measured {
  readonly name: string;
  readonly timing: Timing;
  /** GFLOP/s of the direct algorithm, or GB/s; absent where a case has no such measure. */
  readonly rate?: {
    readonly value: number;
    readonly unit: 'GFLOP/s' | 'GB/s';
    /** Of the ceiling. */ readonly share: number;
  };
  /** What is wrong with its result; null if it was checked and is right. Absent if it has none to check. */
  readonly wrong?: string | null;
  /** Further figures, such as images per second or peak bytes. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A run of the suite. */
export interface BenchResult {
  readonly schema: 1;
  readonly date: string;
  readonly commit: string | null;
  readonly versions: { readonly retinagrad: string; readonly node: string };
  readonly adapter: AdapterDescription;
  readonly processor: { readonly model: string; readonly cores: number };
  /** What the machine can do at most, by its own kernels: multiply-adds, and a copy. */
  readonly ceiling: { readonly gflops: number; readonly gbps: number };
  readonly cases: Measured[];
}

/** The head of a result, without cases. */
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
