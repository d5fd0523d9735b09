import { defined } from '../common/check.ts';
import type { Device } from '../tensor/device.ts';
import { bestOf, measure, measureInTurns, type Timing } from './measure.ts';
import type { Measured } from './result.ts';
import { checkWhole } from './whole-check.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const nameOf = ({ depth, size, batch }: WorkloadOptions): string => `ResNet-${depth} ${size} px, batch ${batch}`;
const perSecond = ({ batch }: WorkloadOptions, timing: Timing): number => (1000 * batch) / bestOf(timing);

/** A network after its first two steps, and their losses. */
interface Started {
  readonly workload: Workload;
  readonly losses: readonly number[];
  /** Peak of GPU memory in the second step, when the optimizer has allocated its state. */
  readonly peakBytes: number;
  /** What is wrong with the outputs before the first step (`checkWhole`). */
  readonly wrong: string | null | undefined;
}

async function start(device: Device, options: WorkloadOptions): Promise<Started> {
  const before = device.memory().bytes;
  const workload = new Workload(device, options);
  const outputs = workload.outputs();
  const wrong = await checkWhole(outputs, workload.model.spec.head.prior, options);
  for (const tensor of Object.values(outputs)) tensor.dispose();
  const losses: number[] = [];
  for (let i = 0; i < 2; i++) {
    device.resetPeak();
    losses.push(await workload.trainStep());
  }
  return { workload, losses, peakBytes: device.memory().peakBytes - before, wrong };
}

/** Kernels that a run launches. */
async function dispatchesOf(device: Device, run: () => Promise<unknown>): Promise<number> {
  const before = device.counters().dispatches;
  await run();
  return device.counters().dispatches - before;
}

/**
 * Times training steps and inference of one network, and records the launches and the peak memory of a step. Before the first step,
 * the outputs are compared with those of float64 where they are stored: batch 1 at 256 pixels.
 */
export async function measureWhole(device: Device, options: WorkloadOptions, seconds: number): Promise<Measured[]> {
  const { workload, peakBytes, wrong } = await start(device, options);
  const checked = defined({ wrong });
  const [train, infer] = [async () => void (await workload.trainStep()), () => workload.detect()];
  try {
    const step = await measure(device, train, seconds);
    const stepDispatches = await dispatchesOf(device, train);
    const detect = await measure(device, infer, seconds);
    const detectDispatches = await dispatchesOf(device, infer);
    return [
      {
        name: `${nameOf(options)}, training step`,
        timing: step,
        ...checked,
        figures: { imagesPerSecond: perSecond(options, step), dispatches: stepDispatches, peakBytes },
      },
      {
        name: `${nameOf(options)}, inference`,
        timing: detect,
        ...checked,
        figures: { imagesPerSecond: perSecond(options, detect), dispatches: detectDispatches },
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
