import { RetinaNet } from '../retinanet/retinanet.ts';
import { setDefaultDevice, type Device } from '../tensor/device.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
import { noiseSamples } from '../train/noise.ts';
import { readLosses, Trainer } from '../train/trainer.ts';

/** Time and memory of a training step on a device. */
export interface MeasuredStep {
  /** The adapter's name. */
  readonly adapter: string;
  readonly batch: number;
  /** Duration of the second step: the first one also compiles the kernels. */
  readonly seconds: number;
  readonly firstSeconds: number;
  /** Peak memory of the second step, when the optimiser has allocated its state. */
  readonly peakBytes: number;
}

/**
 * Runs two training steps of a network, as `trainDetector` does, on noise of a size (before resizing), and frees all
 * memory. The device becomes the default device.
 *
 * @throws GpuOutOfMemoryError if a step does not fit into the memory of the device
 */
export async function measureTraining(
  device: Device,
  spec: RetinaNetSpec,
  classes: number,
  image: Size,
  batch: number,
): Promise<MeasuredStep> {
  setDefaultDevice(device);
  const samples = noiseSamples(spec, new Array<Size>(batch).fill(image));
  const before = device.memory().bytes;
  const model = new RetinaNet(classes, spec);
  const trainer = new Trainer(model, { totalSteps: 2 });
  try {
    const step = async (): Promise<number> => {
      const start = performance.now();
      device.resetPeak();
      await readLosses(trainer.step(samples));
      return (performance.now() - start) / 1000;
    };
    const firstSeconds = await step();
    const seconds = await step();
    const peakBytes = device.memory().peakBytes - before;
    return { adapter: device.adapter.name, batch, seconds, firstSeconds, peakBytes };
  } finally {
    trainer.dispose();
    model.dispose();
  }
}
