import type { Device } from '../tensor/device.ts';
import { bestOf, measure, measureInTurns, type Timing } from './measure.ts';
import type { Measured } from './result.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const nameOf = ({ depth, size, batch }: WorkloadOptions): string => `ResNet-${depth} ${size} px, batch ${batch}`;
const perSecond = ({ batch }: WorkloadOptions, timing: Timing): number => (1000 * batch) / bestOf(timing);

/** A network after its first two steps, and their losses. */
interface Started {
  readonly workload: Workload;
  readonly losses: readonly number[];
  /** Peak of GPU memory in the second step, when the optimizer has allocated its state. */
  readonly peakBytes: number;
}

async function start(device: Device, options: WorkloadOptions): Promise<Started> {
  const before = device.memory().bytes;
  const workload = new Workload(device, options);
  const losses: number[] = [];
  for (let i = 0; i < 2; i++) {
    device.resetPeak();
    losses.push(await workload.trainStep());
  }
  return { workload, losses, peakBytes: device.memory().peakBytes - before };
}

/** Times training steps and inference of one network, and records the peak memory of a step. */
export async function measureWhole(device: Device, options: WorkloadOptions, seconds: number): Promise<Measured[]> {
  const { workload, peakBytes } = await start(device, options);
  try {
    const step = await measure(device, async () => void (await workload.trainStep()), seconds);
    const detect = await measure(device, () => workload.detect(), seconds);
    return [
      {
        name: `${nameOf(options)}, training step`,
        timing: step,
        figures: { imagesPerSecond: perSecond(options, step), peakBytes },
      },
      {
        name: `${nameOf(options)}, inference`,
        timing: detect,
        figures: { imagesPerSecond: perSecond(options, detect) },
      },
    ];
  } finally {
    workload.dispose();
  }
}

/**
 * Times training steps of one network without and with checkpointed stages, alternately, and records the peak memory of
 * each. The second result has the ratios to the first among its figures, and is wrong if any loss differs.
 */
export async function measureCheckpoint(
  device: Device,
  options: WorkloadOptions,
  seconds: number,
): Promise<[plain: Measured, checkpointed: Measured]> {
  const plain = await start(device, options);
  const checkpointed = await start(device, { ...options, checkpoint: true });
  try {
    const works = [plain, checkpointed].map(
      ({ workload }) =>
        async () =>
          void (await workload.trainStep()),
    );
    const [before, after] = (await measureInTurns(device, works, seconds)) as [Timing, Timing];
    const rowOf = (name: string, timing: Timing, { peakBytes }: Started): Measured => ({
      name: `${nameOf(options)}, ${name}`,
      timing,
      figures: { imagesPerSecond: perSecond(options, timing), peakBytes },
    });
    const row = rowOf('with checkpoints', after, checkpointed);
    const figures = {
      ...row.figures,
      timeRatio: bestOf(after) / bestOf(before),
      memoryRatio: checkpointed.peakBytes / plain.peakBytes,
    };
    const isSame = plain.losses.every((loss, i) => loss === checkpointed.losses[i]);
    const wrong = isSame ? null : `losses ${checkpointed.losses.join(', ')} instead of ${plain.losses.join(', ')}`;
    return [rowOf('training step', before, plain), { ...row, figures, wrong }];
  } finally {
    for (const { workload } of [plain, checkpointed]) workload.dispose();
  }
}
