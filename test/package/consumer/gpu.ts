// Uses the WebGPU device below the engine: typed in every program, with the program's own types of WebGPU or without any.
import { init, tensor, type Device } from 'retinagrad';

type IsAny<T> = 0 extends 1 & T ? true : false;
const isAny: IsAny<ReturnType<Device['gpu']['createBuffer']>> = false;

export async function copyOnTheGpu(): Promise<number> {
  const { gpu } = await init();
  const buffer = gpu.createBuffer({ size: 16, usage: 4 | 8 });
  gpu.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4));
  const encoder = gpu.createCommandEncoder({ label: 'copy' });
  gpu.queue.submit([encoder.finish()]);
  buffer.destroy();
  const values = tensor([1, 2]);
  values[Symbol.dispose]();
  return isAny ? 0 : gpu.limits.maxBufferSize;
}
