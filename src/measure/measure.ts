import { readFileSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Device } from '../tensor/device.ts';

/** Milliseconds of several samples. */
export interface Spread {
  readonly median: number;
  /** Quartiles. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** How long something takes, in milliseconds per run. */
export interface Timing {
  readonly wall: Spread;
  /**
   * On a software adapter on Linux, the processor time of the driver's threads over the number of cores: what the run
   * would take with the machine to itself. Neighbours on a shared machine disturb it less than wall time.
   */
  readonly cpu: Spread | null;
  /** Sum over the dispatches of one run by the GPU's clock, where there is one. */
  readonly gpu: number | null;
}

/** Median and quartiles. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const position = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
    return below + (above - below) * (position % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75), samples: values.length };
}

/** The best single figure for a timing: the quiet machine's where it is known, otherwise wall time. */
export const bestOf = (timing: Timing): number => timing.cpu?.median ?? timing.wall.median;

/** Shortest sample, in milliseconds: runs that are shorter are repeated within one. */
const SAMPLE = 20;

/**
 * Times `work`, which only queues commands or waits for them itself. Runs it twice before, because drivers compile
 * kernels when they first run.
 *
 * @param seconds about how long to measure
 */
export async function measure(device: Device, work: Work, seconds: number): Promise<Timing> {
  return (await measureInTurns(device, [work], seconds))[0]!;
}

type Work = () => Promise<void> | void;

/** Times several works in one run, sample by sample in turn, so that what disturbs one disturbs all. As `measure`. */
export async function measureInTurns(device: Device, works: readonly Work[], seconds: number): Promise<Timing[]> {
  const once = async (work: Work, count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) await work();
    await device.idle();
    return performance.now() - start;
  };
  const runs: { work: Work; count: number; sample: number; wall: number[]; cpu: number[] }[] = [];
  for (const work of works) {
    await once(work, 1);
    const estimate = await once(work, 1);
    const count = Math.max(1, Math.ceil(SAMPLE / estimate));
    runs.push({ work, count, sample: count * estimate, wall: [], cpu: [] });
  }
  const turn = runs.reduce((sum, { sample }) => sum + sample, 0);
  const samples = Math.max(3, Math.min(100, Math.round((seconds * 1000 * works.length) / turn)));
  const isSoftware = device.adapter.kind === 'software' && process.platform === 'linux';
  for (let i = 0; i < samples; i++) {
    for (const { work, count, wall, cpu } of runs) {
      const before = isSoftware ? driverTime() : 0;
      wall.push((await once(work, count)) / count);
      if (isSoftware) cpu.push((driverTime() - before) / count / cpus().length);
    }
  }
  const timings: Timing[] = [];
  for (const { work, wall, cpu } of runs) {
    let gpu: number | null = null;
    if (device.features.has('timestamp-query')) {
      gpu = (await device.profile(work)).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    }
    timings.push({ wall: spread(wall), cpu: isSoftware ? spread(cpu) : null, gpu });
  }
  return timings;
}

/** Processor time of all threads but Node's main one, in milliseconds. Linux only. */
export function driverTime(): number {
  let nanoseconds = 0;
  for (const thread of readdirSync('/proc/self/task')) {
    if (Number(thread) === process.pid) continue;
    try {
      nanoseconds += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread has ended since.
    }
  }
  return nanoseconds / 1e6;
}
