import type { Device } from '../../src/tensor/device.ts';

/** Calls a function in which nothing is recorded and no recording runs. */
export async function unrecorded<T>(device: Device, work: () => Promise<T> | T): Promise<T> {
  Object.defineProperty(device, 'isProfiled', { value: true, configurable: true });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(device, 'isProfiled');
  }
}
