import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AnomalyError } from '../../src/autograd/anomaly.ts';
import { DivergedError } from '../../src/common/errors.ts';
import { describeSample, type Dataset } from '../../src/data/types.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import type { TrainOptions } from '../../src/train/run-options.ts';
import { decodeSafetensors } from '../../src/weights/safetensors.ts';
import { errorOf, testDevice } from '../support/device.ts';
import { squares, tinySpec, trainRuns } from './support.ts';

await testDevice();
const test = suite('trainDetector when something fails');

const dataset: Dataset = { ...squares, describe: (index) => describeSample(squares, index) };
const split = { train: [0, 1, 2, 3], heldOut: [9, 10] };
const { run } = trainRuns('', { dataset, split, spec: tinySpec() });

const warnings: string[] = [];
/** Trains for two epochs of two steps. */
const train = (folder: MemoryRun, options: Partial<TrainOptions> = {}) =>
  run('', { folder, epochs: 2, batchSize: 2, onWarning: (text) => void warnings.push(text), ...options });
const computed = ({ records, files }: MemoryRun): unknown => [
  records.map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 })),
  files.get('last'),
  files.get('best'),
];

const whole = new MemoryRun();
/** The same run, as a kill after its first step would leave it. */
const killed = new MemoryRun();
const saveState = whole.saveState.bind(whole);
whole.saveState = (...state): void => {
  saveState(...state);
  if (killed.hasState) return;
  killed.files.set('state', whole.files.get('state')!);
  for (const record of whole.records) killed.append(record);
};
await train(whole, { saveMinutes: 0 });

test('a run that was killed within an epoch continues after its last step, bit for bit', async () => {
  assert.equal(
    killed.records.map(({ step }) => step),
    [1, 2],
    'the state of a step is written when the loss of the next is known',
  );
  assert.is((await train(killed, { resume: true, saveMinutes: 0 })).end, 'finished');
  assert.equal(computed(killed), computed(whole));
  assert.equal(warnings, []);
});

test('data that vanish end the run with its state saved; once they are back, nothing is lost', async () => {
  const folder = new MemoryRun('memory');
  let reads = 0;
  const get = (index: number) => (++reads > 2 ? Promise.reject(new Error('no such file')) : dataset.get(index));
  const error = await errorOf(() => train(folder, { dataset: { ...dataset, get } }));
  assert.match(error.message, /sample \d \(image-\d\): no such file/);
  assert.equal(warnings.splice(0), [
    'The run stops at step 1 of 4. memory holds its state of step 1: resume it when the cause of the error is removed.',
  ]);
  await train(folder, { resume: true });
  assert.equal(computed(folder), computed(whole));
});

test('changed settings and labels are refused with each difference; changes that are allowed are warnings', async () => {
  const describe = async (index: number) => {
    const { boxes, ...others } = await describeSample(squares, index);
    return { ...others, boxes: boxes.map((value) => value + 1) };
  };
  const changes = { dataset: { ...dataset, describe }, seed: 2, decoding: { bands: [3, 2, 1] } } as const;
  const { message } = await errorOf(() => train(killed, { resume: true, ...changes }));
  assert.match(message, /because settings or data have changed:\n {2}seed was 1 and is now 2\n/);
  assert.match(message, /\n {2}labels was "12 boxes; .*hash to \w+" and is now "12 boxes; .*hash to \w+"\n/);
  assert.match(message, /\n {2}decoding was the default and is now \{"bands":\[3,2,1\]\}\n/);
  killed.files.delete('best');
  await train(killed, { resume: true, patience: 5 });
  const [changed, best] = warnings.splice(0);
  assert.match(changed!, /resumed with changed settings: .*patience was 10 and is now 5/);
  assert.match(best!, /the best weights in memory, of step \d, are missing or damaged/);
  assert.ok(killed.files.has('best'), 'they are saved again');
});

test('weights in the place of a state are named as what they are', async () => {
  const folder = new MemoryRun('memory');
  folder.files.set('state', whole.files.get('best')!);
  const { message } = await errorOf(() => train(folder, { resume: true }));
  assert.match(message, /the state in memory holds weights, but no optimizer and no progress/);
  assert.match(message, /from these weights \(model\.weights\)/);
});

test('a training that diverges keeps its last good state', async () => {
  const folder = new MemoryRun();
  const schedule = (step: number): number => (step < 3 ? 1e-7 : 1e30);
  const options = { optimizer: 'sgd', learningRate: 10, schedule, clipNorm: null } as const;
  const error = await errorOf(() => train(folder, { ...options, saveMinutes: 0 }));
  assert.instance(error, DivergedError);
  assert.match(error.message, /training diverged (?:in|by) step 4\b/);
  assert.match(error.message, /memory keeps the weights of step 3 as last\.safetensors: a new run with a lower/);
  for (const { data } of decodeSafetensors(folder.files.get('state')!).tensors.values())
    assert.ok(data.every((value) => Number.isFinite(value)));
  assert.equal(warnings, []);
});

test('a step whose loss is not finite is repeated, and the error names its first operation with such values', async () => {
  const folder = new MemoryRun();
  // The update of step 2 makes the weights huge but finite.
  const schedule = (step: number): number => (step < 1 ? 1e-7 : 1e30);
  const options = { optimizer: 'sgd', learningRate: 10, schedule, clipNorm: null, evaluateEvery: 2 } as const;
  const error = await errorOf(() => train(folder, { ...options, saveMinutes: 0 }));
  assert.instance(error, DivergedError);
  assert.match(error.message, /training diverged in step 3 /);
  assert.match(error.message, /\n {2}Samples of the step: image-\d, image-\d\.\n/);
  assert.match(error.message, /memory keeps the weights of step 1 as last\.safetensors/);
  assert.instance(error.cause, AnomalyError);
  const { summary, phase, inputs } = error.cause as AnomalyError;
  assert.is(phase, 'forward');
  assert.ok(inputs.some(({ name }) => name !== undefined));
  assert.ok(error.message.includes(summary.split('\n')[0]!), error.message);
});

test.run();
