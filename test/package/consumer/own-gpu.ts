// For programs that have types of WebGPU: the device is one of theirs.
import { init } from 'retinagrad';

export async function ownDevice(): Promise<GPUDevice> {
  const device: GPUDevice = (await init()).gpu;
  const buffer: GPUBuffer = device.createBuffer({ size: 16, usage: 8 });
  buffer.destroy();
  return device;
}
