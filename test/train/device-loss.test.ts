import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { manualSeed } from '../../src/autograd/seeds.ts';
import { init } from '../../src/node/init.ts';
import { defaultDevice } from '../../src/tensor/device.ts';
import { DeviceLostError } from '../../src/tensor/errors.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import type { TrainOptions } from '../../src/train/run-options.ts';
import { errorOf } from '../support/device.ts';
import { squares, tinySpec, valuesOf } from './support.ts';

await init();
const test = suite('trainDetector when the device is lost');

const split = { train: [0, 1, 2, 3], heldOut: [9, 10] };
const warnings: string[] = [];

/** Trains for three epochs of two steps. Returns the last weights of the model, which then live on the device of the end. */
async function train(folder: MemoryRun, options: Partial<TrainOptions> = {}): Promise<Map<string, Float32Array>> {
  manualSeed(3);
  const model = new RetinaNet(1, tinySpec());
  const onWarning = (text: string): void => void warnings.push(text);
  try {
    await trainDetector(model, { folder, dataset: squares, split, epochs: 3, batchSize: 2, onWarning, ...options });
    return await valuesOf(model);
  } finally {
    model.dispose();
  }
}

const computed = ({ records, files }: MemoryRun): unknown => [
  records.map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 })),
  files.get('last'),
  files.get('best'),
];

/** Loses the device as a driver does: beside the library. */
const lose = (): void => defaultDevice().gpu.destroy();

const whole = new MemoryRun();
const wholeValues = await train(whole);

test('a run that loses its device four times goes on, and ends as one that does not, bit for bit', async () => {
  const before = defaultDevice();
  const folder = new MemoryRun();
  /** Moments that have not come yet. */
  const moments = new Set(['step 1', 'step 3', 'the evaluation after step 4', 'saving after step 6']);
  let steps = 0;
  const loseAt = (moment: string): void => void (moments.delete(moment) && lose());
  const values = await train(folder, {
    onStep({ step }) {
      steps = step;
      loseAt(`step ${step}`);
    },
    onEvaluationProgress: () => loseAt(`the evaluation after step ${steps}`),
    // The state is read when this has returned.
    onEvaluation: ({ step }) => loseAt(`saving after step ${step}`),
  });
  assert.equal([...moments], []);
  assert.equal(computed(folder), computed(whole));
  assert.equal(values, wholeValues);
  assert.is.not(defaultDevice(), before);
  assert.equal(
    warnings.splice(0).map((text) => text.replace(/\(.*?\)\./, '().').replace(/ on a new device of .*/, '')),
    [
      'The GPU was lost at step 1 (). The training goes on from its beginning',
      'The GPU was lost at step 3 (). The training goes on from step 2, its last saved state,',
      'The GPU was lost at step 4 (). The training goes on from step 2, its last saved state,',
      'The GPU was lost at step 6 (). The training goes on from step 4, its last saved state,',
    ],
  );
});

test('a device that is lost again at the same step ends the run, with a state to resume and advice', async () => {
  const folder = new MemoryRun();
  const error = await errorOf(() => train(folder, { onStep: ({ step }) => step === 3 && lose() }));
  assert.instance(error, DeviceLostError);
  assert.is((error as DeviceLostError).reason, 'destroyed');
  assert.match(error.message, /^trainDetector: the GPU was lost again at step 3, on a new device, too \(destroyed: /);
  assert.match(error.message, /memory holds its state of step 2: resume it\. If this .*lower train\.batchSize/);
  assert.is(warnings.splice(0).length, 1);
  await init();
  await train(folder, { resume: true });
  assert.equal(computed(folder), computed(whole));
});

test('a device of other code is not opened again: the error says who has to do that', async () => {
  const { gpu } = defaultDevice();
  await init({ gpu });
  const error = await errorOf(() => train(new MemoryRun(), { onStep: ({ step }) => step === 1 && lose() }));
  assert.instance(error, DeviceLostError);
  assert.match(error.message, /lost at step 1, and no new device could be opened \(reopen: .*other code, init/);
  assert.match(error.message, /Nothing was saved: start it again/);
  assert.equal(warnings, []);
});

test.run();
