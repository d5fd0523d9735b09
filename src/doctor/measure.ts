import { byteImage } from '../imagery/image.ts';
import { Random } from '../common/random.ts';
import type { Sample } from '../data/types.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import { setDefaultDevice, type Device } from '../tensor/device.ts';
import { inputChannels, type RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
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
  [height, width]: Size,
  batch: number,
): Promise<MeasuredStep> {
  setDefaultDevice(device);
  const random = new Random('measure');
  const samples = Array.from({ length: batch }, (_, i): Sample => {
    const image = byteImage({ height, width, channels: inputChannels(spec) });
    for (let k = 0; k < image.data.length; k++) image.data[k] = random.bits() & 255;
    const boxes = Float32Array.of(0.1 * width, 0.1 * height, 0.5 * width, 0.6 * height);
    return { id: `noise-${i}`, image, boxes, labels: new Int32Array(1) };
  });
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
