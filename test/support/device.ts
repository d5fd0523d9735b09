import * as assert from 'uvu/assert';
import { init } from '../../src/node/init.ts';
import { setDefaultDevice, type Device } from '../../src/tensor/device.ts';
import type { InitOptions } from '../../src/tensor/init.ts';

export { errorOf } from './errors.ts';

let shared: Promise<Device> | undefined;

/** The device that the tests of a file share, as the default device. Only the options of the first call are used. */
export async function testDevice(options: InitOptions = {}): Promise<Device> {
  shared ??= init(options);
  const device = await shared;
  setDefaultDevice(device);
  return device;
}

/** Runs a test on a separate device, which is the default device meanwhile. */
export async function withDevice(options: InitOptions, body: (device: Device) => Promise<void>): Promise<void> {
  const before = await testDevice();
  const device = await init(options);
  try {
    await body(device);
  } finally {
    device.destroy();
    setDefaultDevice(before);
  }
}

/** Fails if `body` leaves tensors behind. */
export async function leavesNothing(device: Device, body: () => Promise<void>): Promise<void> {
  const before = device.memory().tensors;
  await body();
  assert.is(device.memory().tensors, before, 'tensors left behind');
}
