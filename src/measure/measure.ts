import type { Device } from '../tensor/device.ts';

/** Distribution of several samples, in milliseconds. */
export interface Spread {
  readonly median: number;
  /** Quartiles. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** Time in milliseconds per run. */
export interface Timing {
  readonly wall: Spread;
  /**
   * On a software adapter in Node on Linux: the CPU time of the driver's threads, divided by the number of cores. This is the
   * time of the run on an idle machine; other processes disturb it less than wall time.
   */
  readonly cpu: Spread | null;
  /** Sum over the dispatches of one run, measured by the GPU; null if the adapter has no timestamps. */
  readonly gpu: number | null;
}

/** Median and quartiles. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (fraction: number): number => {
    const position = fraction * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
    return below + (above - below) * (position % 1);
  };
  return { median: quantile(0.5), low: quantile(0.25), high: quantile(0.75), samples: values.length };
}

/** The figure that counts: the median CPU time if it was measured, otherwise the median wall time. */
export const bestOf = (timing: Timing): number => timing.cpu?.median ?? timing.wall.median;

/** Minimum length of a sample in milliseconds; shorter runs are repeated within a sample. */
const SAMPLE = 20;

/**
 * Times `work`, which queues commands and need not wait for them. Runs it twice first, because drivers compile kernels
 * when they are first used.
 *
 * @param seconds about how long to measure
 */
export async function measure(device: Device, work: Work, seconds: number): Promise<Timing> {
  return (await measureInTurns(device, [work], seconds))[0]!;
}

type Work = () => Promise<void> | void;

/** Like `measure` for several works. Their samples alternate, so that other processes disturb all of them equally. */
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
  const { driverTime } = device;
  for (let i = 0; i < samples; i++) {
    for (const { work, count, wall, cpu } of runs) {
      const before = driverTime?.() ?? 0;
      wall.push((await once(work, count)) / count);
      if (driverTime !== undefined) cpu.push((driverTime() - before) / count);
    }
  }
  const timings: Timing[] = [];
  for (const { work, wall, cpu } of runs) {
    let gpu: number | null = null;
    if (device.features.has('timestamp-query')) {
      gpu = (await device.profile(work)).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    }
    timings.push({ wall: spread(wall), cpu: driverTime === undefined ? null : spread(cpu), gpu });
  }
  return timings;
}
