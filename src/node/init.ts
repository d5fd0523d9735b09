import { cpus, totalmem } from 'node:os';
import { checkInit, openDevice, softwareLimit, useDevice, type InitOptions } from '../tensor/init.ts';
import type { Device } from '../tensor/device.ts';
import { checkChoice } from '../common/check.ts';
import { tuningNames, type TuningName } from '../tensor/tuning.ts';
import { isSoftware, openAdapter } from './adapter.ts';
import { driverTime } from './driver-time.ts';
import { readTuning } from './tuning-file.ts';

/** Milliseconds to sleep between polls of the GPU: much shorter than a kernel, much longer than a poll. */
const POLL_SLEEP = 0.3;

/**
 * Opens a GPU in Node and makes it the default device: a hardware adapter if there is one, then a software driver of the
 * system, then a bundled one. If `options.adapter` is not given, the environment variable RETINAGRAD_ADAPTER selects one.
 * Kernels are chosen by the table that `retinagrad tune` measured for the adapter, if there is one.
 *
 * @throws NoAdapterError that lists the adapters tried and what to install
 */
export async function init(options: InitOptions = {}): Promise<Device> {
  checkInit(options);
  if (options.gpu !== undefined) {
    const { adapterInfo: info } = options.gpu;
    return useDevice(options.gpu, info, {
      ...options,
      ...chosenTuning(options),
      owner: null,
      ...inNode(isSoftware(info)),
    });
  }
  const name = options.adapter ?? (process.env['RETINAGRAD_ADAPTER'] || undefined);
  const { gpu, adapter } = await openAdapter(name);
  const software = isSoftware(adapter.info);
  return openDevice(adapter, {
    ...options,
    ...chosenTuning(options),
    memoryLimit: options.memoryLimit ?? (software ? softwareLimit(hostMemory()) : Infinity),
    owner: gpu,
    ...inNode(software),
    reopen: () => init({ ...options, ...(name === undefined ? {} : { adapter: name }) }),
  });
}

/** How kernels are chosen: by the options, else as the environment says, else by what was measured for the adapter. */
function chosenTuning({ tuning }: InitOptions) {
  const named = process.env['RETINAGRAD_TUNING'] || undefined;
  if (tuning !== undefined) return { tuning };
  if (named === undefined) return { tunedFor: readTuning };
  checkChoice('init', 'the environment variable RETINAGRAD_TUNING', named, [...tuningNames, 'built-in']);
  return named === 'built-in' ? {} : { tuning: named as TuningName };
}

/** What Node's devices have in common. */
const inNode = (isOnCpu: boolean) => ({
  kind: isOnCpu ? ('software' as const) : ('hardware' as const),
  wait: waitAsleep,
  ...(isOnCpu && process.platform === 'linux' ? { driverTime: () => driverTime() / cpus().length } : {}),
});

/** Bytes of memory that the process may use: those of the machine, or of the container that it runs in. */
function hostMemory(): number {
  // 0 or a huge number where there is no limit; Node 20.11 has no type for it.
  const limit = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(totalmem(), limit) : totalmem();
}

const never = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let polling = false;

/**
 * Waits for a promise of Dawn. While one is pending, Dawn polls in Node's event loop without a pause, which would occupy a
 * core that a software driver needs. A short sleep in each turn of the loop leaves the core free.
 */
export async function waitAsleep<T>(promise: Promise<T>): Promise<T> {
  waiting++;
  if (!polling) {
    polling = true;
    setImmediate(poll);
  }
  try {
    return await promise;
  } finally {
    waiting--;
  }
}

function poll(): void {
  if (waiting === 0) {
    polling = false;
    return;
  }
  Atomics.wait(never, 0, 0, POLL_SLEEP);
  setImmediate(poll);
}
