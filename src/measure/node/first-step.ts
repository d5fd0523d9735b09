import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds from opening the device to the end of the first training step, in a process of its own. */
export interface FirstStep {
  /** With an empty driver cache of compiled kernels. */
  readonly cold: number;
  /** With the cache that the cold run left. */
  readonly warm: number;
}

/** Times the first training step twice. `command` are Node's arguments for a program that prints its milliseconds. */
export function measureFirstStep(command: readonly string[]): FirstStep {
  const cache = mkdtempSync(join(tmpdir(), 'retinagrad-bench-'));
  try {
    const once = (): number => {
      const { status, stdout, stderr } = spawnSync(process.execPath, command, {
        encoding: 'utf8',
        env: { ...process.env, MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache },
      });
      if (status !== 0) throw new Error(`the first step failed: ${stderr}`);
      return Number(stdout);
    };
    return { cold: once(), warm: once() };
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
