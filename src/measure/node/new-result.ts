import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { Device } from '../../tensor/device.ts';
import { resultOf, type BenchResult } from '../result.ts';

/** A result without cases, measured in Node. */
export function newResult(device: Device, version: string, ceiling: BenchResult['ceiling']): BenchResult {
  const git = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  const [cpu] = cpus();
  return resultOf(device, version, ceiling, {
    commit: git.status === 0 ? git.stdout.trim() : null,
    versions: { node: process.version },
    processor: { model: cpu?.model.trim() ?? 'unknown', cores: cpus().length },
  });
}
