import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../tensor/device.ts';
import { bestOf, measure } from './measure.ts';
import type { Measured } from './result.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const nameOf = ({ depth, size, batch }: WorkloadOptions): string => `ResNet-${depth} ${size} px, batch ${batch}`;

/** Times training steps and inference of one network, and notes the most memory that a step holds. */
export async function measureWhole(device: Device, options: WorkloadOptions, seconds: number): Promise<Measured[]> {
  const workload = new Workload(device, options);
  try {
    await workload.trainStep();
    await workload.trainStep(); // The optimiser has its memory now.
    device.resetPeak();
    await workload.trainStep();
    const { peakBytes } = device.memory();
    const step = await measure(device, async () => void (await workload.trainStep()), seconds);
    const detect = await measure(device, () => workload.detect(), seconds);
    const perSecond = (milliseconds: number): number => (1000 * options.batch) / milliseconds;
    return [
      {
        name: `${nameOf(options)}, training step`,
        timing: step,
        figures: { imagesPerSecond: perSecond(bestOf(step)), peakBytes },
      },
      {
        name: `${nameOf(options)}, inference`,
        timing: detect,
        figures: { imagesPerSecond: perSecond(bestOf(detect)) },
      },
    ];
  } finally {
    workload.dispose();
  }
}

/** Milliseconds from opening the device to the end of the first training step, in a process of its own. */
export interface FirstStep {
  /** With nothing in the driver's cache of compiled kernels. */
  readonly cold: number;
  /** With what the cold run left there. */
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
