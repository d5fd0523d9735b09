// What the page of gpu-loss.built.test.ts runs: two trainings of the same, of which the second goes on after the test has killed
// Chromium's GPU process.
import { defaultDevice, init } from 'retinagrad';
import {
  chooseAuto,
  MemoryRun,
  prepareTraining,
  prepareTrainingData,
  resolveSettings,
  runTraining,
} from 'retinagrad/detector';
import { dataset } from '../package/consumer/detector.ts';

/** What the page has found. */
export interface LossOutcome {
  readonly adapter: string;
  readonly warnings: readonly string[];
  /** For each training, its steps and hashes of its last and best weights. */
  readonly whole: Ended;
  readonly disturbed: Ended;
  /** Whether the default device is another one than at the start. */
  readonly isNew: boolean;
}

interface Ended {
  readonly steps: number;
  readonly last: string;
  readonly best: string;
  readonly losses: readonly number[];
}

/** Read and written by the test. */
const signals = globalThis as { isToBeKilled?: boolean; outcome?: LossOutcome | { error: string } };

async function hashOf(bytes: Uint8Array | undefined): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes!));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const warnings: string[] = [];

/** Trains for four epochs. */
async function train(onStep?: (step: number) => void): Promise<Ended> {
  const given = { model: { network: 'tiny' }, train: { epochs: 4, evaluateEvery: 2 }, augment: { on: false } } as const;
  const settings = chooseAuto(resolveSettings(given), false);
  const training = await prepareTraining(settings, await prepareTrainingData(dataset, settings));
  const store = new MemoryRun();
  const { steps } = await runTraining(training, store, {
    onStep: ({ step }) => onStep?.(step),
    onWarning: (text) => warnings.push(text),
  });
  training.model.dispose();
  const losses = store.records.flatMap((record) => (record.kind === 'step' ? [record.loss] : []));
  return { steps, losses, last: await hashOf(store.files.get('last')), best: await hashOf(store.files.get('best')) };
}

async function compare(): Promise<LossOutcome> {
  const before = await init();
  const whole = await train();
  const disturbed = await train((step) => {
    // In the middle of the second half.
    if (step === Math.floor((3 * whole.steps) / 4)) signals.isToBeKilled = true;
  });
  const isNew = defaultDevice() !== before;
  return { adapter: before.adapter.name, warnings, whole, disturbed, isNew };
}

compare().then(
  (outcome) => (signals.outcome = outcome),
  (error: unknown) => (signals.outcome = { error: error instanceof Error ? `${error.stack}` : String(error) }),
);
