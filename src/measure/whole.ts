import { defined } from '../common/check.ts';
import type { Device } from '../tensor/device.ts';
import { bestOf, measure, measureInTurns, spread, type Timing } from './measure.ts';
import type { Measured } from './result.ts';
import { checkWhole } from './whole-check.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const nameOf = ({ depth, size, batch }: WorkloadOptions): string => `ResNet-${depth} ${size} px, batch ${batch}`;
const perSecond = ({ batch }: WorkloadOptions, timing: Timing): number => (1000 * batch) / bestOf(timing);

/** A network after its first three steps, and their losses. */
interface Started {
  readonly workload: Workload;
  readonly losses: readonly number[];
  /** Largest number of bytes in use at once in the last step. */
  readonly peakBytes: number;
  /** Bytes held after it: in use, kept by its recording, and free in the pool. */
  readonly heldBytes: number;
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
  // The first runs as usual, the second is recorded, the third is the recording.
  for (let i = 0; i < 3; i++) {
    device.resetPeak();
    losses.push(await workload.trainStep());
  }
  const { bytes, peakBytes, recordedBytes, pooledBytes } = device.memory();
  const heldBytes = bytes + recordedBytes + pooledBytes - before;
  return { workload, losses, peakBytes: peakBytes - before, heldBytes, wrong };
}

/** Steps whose time on the host is measured, of each kind. */
const HOST_STEPS = { min: 3, max: 20 };

/**
 * Microseconds of the host per launch, in steps that are recorded and in steps that are not: the time until a step is queued, while the
 * GPU has nothing else to do. Medians of steps in turns.
 */
async function hostTimes(device: Device, workload: Workload, step: Timing, dispatches: number, seconds: number) {
  const count = Math.round((seconds * 1000) / (2 * step.wall.median));
  const times = { recorded: [] as number[], eager: [] as number[] };
  for (let i = 0; i < Math.max(HOST_STEPS.min, Math.min(HOST_STEPS.max, count)); i++) {
    for (const kind of ['recorded', 'eager'] as const) {
      await device.idle();
      const start = performance.now();
      const loss = workload.queueStep({ isRecorded: kind === 'recorded' });
      device.flush();
      times[kind].push(performance.now() - start);
      loss.dispose();
    }
  }
  await device.idle();
  const perLaunch = (all: readonly number[]): number => (1000 * spread(all).median) / dispatches;
  return { hostMicroseconds: perLaunch(times.recorded), eagerHostMicroseconds: perLaunch(times.eager) };
}

/** Kernels that a run launches. */
async function dispatchesOf(device: Device, run: () => Promise<unknown>): Promise<number> {
  const before = device.counters().dispatches;
  await run();
  return device.counters().dispatches - before;
}

/**
 * Times training steps and inference of one network, and states the launches, the memory and the time on the host of a step, which is
 * recorded as those of a training are. Before the first step, the outputs are compared with those of float64 where they are
 * stored: batch 1 at 256 pixels.
 */
export async function measureWhole(device: Device, options: WorkloadOptions, seconds: number): Promise<Measured[]> {
  const { workload, peakBytes, heldBytes, wrong } = await start(device, options);
  const checked = defined({ wrong });
  const [train, infer] = [async () => void (await workload.trainStep()), () => workload.detect()];
  try {
    const step = await measure(device, train, seconds);
    const stepDispatches = await dispatchesOf(device, train);
    const host = await hostTimes(device, workload, step, stepDispatches, seconds);
    const detect = await measure(device, infer, seconds);
    const detectDispatches = await dispatchesOf(device, infer);
    return [
      {
        name: `${nameOf(options)}, training step`,
        timing: step,
        ...checked,
        figures: {
          imagesPerSecond: perSecond(options, step),
          dispatches: stepDispatches,
          peakBytes,
          heldBytes,
          ...host,
        },
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
