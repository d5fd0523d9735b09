import { totalmem } from 'node:os';
import { checkInit, openDevice, useDevice, type InitOptions } from '../tensor/init.ts';
import type { Device } from '../tensor/device.ts';
import { isSoftware, openAdapter } from './adapter.ts';

/** Software adapters use the host's memory; a larger fraction of it would cause swapping. */
const SOFTWARE_MEMORY_FRACTION = 0.6;
/** Milliseconds to sleep between polls of the GPU: much shorter than a kernel, much longer than a poll. */
const POLL_SLEEP = 0.3;

/**
 * Opens a GPU in Node and makes it the default device: a hardware adapter if there is one, then a software driver of the
 * system, then a bundled one. If `options.adapter` is not given, the environment variable RETINAGRAD_ADAPTER selects one.
 *
 * @throws NoAdapterError that lists the adapters tried and what to install
 */
export async function init(options: InitOptions = {}): Promise<Device> {
  checkInit(options);
  if (options.gpu !== undefined) {
    const { adapterInfo: info } = options.gpu;
    const kind = isSoftware(info) ? 'software' : 'hardware';
    return useDevice(options.gpu, info, { ...options, owner: null, kind, wait: waitAsleep });
  }
  const name = options.adapter ?? (process.env['RETINAGRAD_ADAPTER'] || undefined);
  const { gpu, adapter } = await openAdapter(name);
  const software = isSoftware(adapter.info);
  const memoryLimit = options.memoryLimit ?? (software ? totalmem() * SOFTWARE_MEMORY_FRACTION : undefined);
  return openDevice(adapter, {
    ...options,
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    owner: gpu,
    kind: software ? 'software' : 'hardware',
    wait: waitAsleep,
  });
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
