import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../src/data-node.ts';
import {
  anchorFacts,
  boxSizesOf,
  Detector,
  detectSamples,
  judgeTraining,
  MemoryRun,
  networkSpec,
  prepareTraining,
  prepareTrainingData,
  runTraining,
  taskReport,
  titleOf,
  type PartialSettings,
  type RunRecord,
  type RunTrainingOptions,
  type Training,
} from '../../src/detector.ts';
import { DataParallel } from '../../src/distributed/data-parallel.ts';
import { evaluateDetector } from '../../src/detector/evaluate.ts';
import { ranksInProcess } from '../distributed/ranks.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { errorOf } from '../support/errors.ts';
import { changedNames, squaresAndNothing, valuesOf } from '../train/support.ts';
import { someSquares, tinySettings } from './support.ts';

const device = await testDevice();
const dataset = someSquares(12);

/** Settings that differ from the defaults where a test must see that they arrive. */
const given = {
  data: { heldOut: 0.4 },
  model: { network: 'tiny', imageSize: null, smallestAnchor: 8 },
  train: { epochs: 3, batchSize: 3, averageDecay: null, learningRate: 0.004, seed: 4 },
} as const satisfies PartialSettings;

async function prepare(
  changed: PartialSettings = {},
  from: Dataset = dataset,
  options?: Parameters<typeof prepareTraining>[2],
): Promise<Training> {
  const settings = tinySettings({ ...given, ...changed });
  const data = await prepareTrainingData(from, settings, { description: 'squares in memory' });
  return prepareTraining(settings, data, options);
}

/** A training from its beginning, or from what the store has. */
async function run(store: MemoryRun, options: RunTrainingOptions = {}, changed: PartialSettings = {}) {
  const training = await prepare(changed);
  const result = await runTraining(training, store, options);
  training.model.dispose();
  return result;
}

const computed = (records: readonly RunRecord[]): object[] =>
  records.map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 }));

// The run that several tests look at.
const store = new MemoryRun();
const training = await prepare();
const result = await runTraining(training, store);
test.after(() => training.model.dispose());

test('images without objects are refused, to learn from and to choose weights by', async () => {
  const settings = tinySettings(given);
  const without = (emptied: (index: number) => boolean): Dataset => ({
    ...dataset,
    get: async (index) => {
      const sample = await dataset.get(index);
      return emptied(index) ? { ...sample, boxes: new Float32Array(), labels: new Int32Array() } : sample;
    },
  });
  const { split } = await prepareTrainingData(dataset, settings);
  const nothing = await errorOf(() =>
    prepare(
      {},
      without(() => true),
    ),
  );
  assert.match(nothing.message, /^the \d+ training images have no objects: /);
  const unheld = await errorOf(() =>
    prepare(
      {},
      without((index) => split.heldOut.includes(index)),
    ),
  );
  assert.match(unheld.message, /^the \d+ held-out images have no objects: .*data\.validation$/);
});

test('the network fits the training samples, and its weights are those of the seed', async () => {
  const { settings, data, truth, model } = training;
  assert.equal(
    truth.images.map(({ file }) => file),
    data.split.train.map((index) => dataset.ids[index]),
  );
  assert.equal(model.spec, networkSpec(settings, truth));
  const [one, same, other] = [await prepare(), await prepare(), await prepare({ train: { ...given.train, seed: 5 } })];
  const values = await valuesOf(one.model);
  assert.equal(changedNames(values, await valuesOf(same.model)), []);
  assert.ok(changedNames(values, await valuesOf(other.model)).includes('head.classificationHead.conv.0.0.weight'));
  for (const { model: unused } of [one, same, other]) unused.dispose();
});

test('batchSize=auto finds a batch of stepImages, and leaves the initial weights as they are', async () => {
  const { settings, model } = await prepare({ train: { ...given.train, batchSize: 'auto', stepImages: 3 } });
  const { batchSize, accumulate, learningRate } = settings.train;
  assert.equal([batchSize, accumulate, learningRate], [3, 1, 0.004]);
  const plain = await prepare();
  assert.equal(changedNames(await valuesOf(plain.model), await valuesOf(model)), []);
  for (const unused of [model, plain.model]) unused.dispose();
});

test('batchSize=auto of ranks that cannot divide the images equally is a divisor of stepImages that fits into the memory of each', async () => {
  const [communicator] = ranksInProcess(1);
  // Of 8 images, the largest of 3 parts has 3.
  const replicas = Object.assign(new DataParallel(communicator!), { size: 3 });
  const train = { ...given.train, batchSize: 'auto', stepImages: 8 } as const;
  const { settings, model } = await prepare({ train }, dataset, { replicas });
  assert.equal([settings.train.batchSize, settings.train.accumulate], [2, 4]);
  model.dispose();
});

test('a training in memory takes the settings, and keeps the detector', async () => {
  assert.is(result.end, 'finished');
  const perEpoch = Math.floor(training.data.split.train.length / 3);
  assert.is(result.steps, 3 * perEpoch);
  assert.equal([...store.files.keys()].sort(), ['best', 'last', 'state']);
  const kinds = store.records.map(({ kind }) => kind);
  assert.is(kinds.filter((kind) => kind === 'step').length, result.steps);
  assert.is(kinds.filter((kind) => kind === 'evaluation').length, 3);
  await leavesNothing(device, async () => {
    const last = Detector.fromBytes(store.files.get('last')!);
    assert.equal(changedNames(await valuesOf(training.model), await valuesOf(last.model)), []);
    last.dispose();
    const best = Detector.fromBytes(store.files.get('best')!);
    assert.equal([best.classes, best.tile, best.decoding], [['square'], 64, {}]);
    assert.equal(best.spec, training.model.spec);
    assert.is(best.scoreThreshold, result.best!.threshold);
    best.dispose();
  });
});

test('judging the best weights gives the figures of the evaluation that chose them', async () => {
  const detector = Detector.fromBytes(store.files.get('best')!);
  const { heldOut } = training.data.split;
  const told: number[][] = [];
  const judged = await judgeTraining(training, detector, { onProgress: (...progress) => told.push(progress) });
  const { judgement, images } = judged!;
  assert.equal(told.at(-1), [heldOut.length, heldOut.length]);
  assert.equal(
    images.map(({ index }) => index),
    heldOut,
  );
  assert.ok(result.best!.f1 > 0, 'something is found');
  assert.equal(
    { f1: judgement.best.f1, threshold: judgement.best.threshold, truths: judgement.counts.truths },
    { f1: result.best!.f1, threshold: result.best!.threshold, truths: 2 * heldOut.length },
  );
  assert.is(judgement.intervals!.resampled, 'images');
  const inScenes = { ...training, data: { ...training.data, heldOutScenes: heldOut.map((_, k) => `${k % 2}`) } };
  const { intervals } = (await judgeTraining(inScenes, detector))!.judgement;
  assert.equal([intervals!.resampled, intervals!.scenes, intervals!.f1.low], ['scenes', 2, null]);
  const aborted = { signal: AbortSignal.abort() };
  assert.is(await judgeTraining(training, detector, aborted), null);
  assert.is(await detectSamples(detector.model, dataset, [0], aborted), null);

  const { data, settings, truth } = training;
  const html = taskReport({
    title: titleOf(detector.classes, data.description),
    summary: 'Trained without files.',
    judgement,
    training: store.records,
    boxSizes: boxSizesOf(truth, detector.spec),
    facts: [
      { heading: 'Settings', values: settings },
      { heading: 'Anchors', values: anchorFacts(detector.spec) },
    ],
    commands: [],
    seed: settings.train.seed,
  });
  assert.match(html, /^<!doctype html>/i);
  assert.match(html, '<title>square in squares in memory</title>');
  assert.match(html, 'Training loss');
  assert.match(html, new RegExp(`F1[^]*${judgement.best.f1!.toFixed(3)}`));
  detector.dispose();
});

test('an error that the signal did not cause is not hidden', async () => {
  const detector = Detector.fromBytes(store.files.get('best')!);
  const broken: Dataset = { ...dataset, get: () => Promise.reject(new Error('the disk is gone')) };
  let message = '';
  await detectSamples(detector.model, broken, [0], {}).catch((error: Error) => (message = error.message));
  assert.match(message, 'the disk is gone');
  detector.dispose();
});

test('a training that is aborted and resumed ends as one that was not, byte for byte', async () => {
  const parts = new MemoryRun();
  const controller = new AbortController();
  const first = await run(parts, {
    signal: controller.signal,
    onStep: ({ step }) => step === 3 && controller.abort(),
  });
  assert.is(first.end, 'interrupted');
  assert.ok(first.steps >= 3 && first.steps < result.steps, `stopped after ${first.steps} of ${result.steps} steps`);
  assert.not.ok(Buffer.from(parts.files.get('state')!).equals(store.files.get('state')!));
  assert.is((await run(parts, { resume: true })).end, 'finished');
  for (const name of ['best', 'last'] as const) assert.equal(parts.files.get(name), store.files.get(name), name);
  assert.equal(computed(parts.records), computed(store.records));
});

test('a run is not resumed with other settings of the task', async () => {
  const other = { ...given.train, seed: 5 };
  let message = '';
  await run(store, { resume: true }, { train: other }).catch((error: Error) => (message = error.message));
  assert.match(message, /resume with the same data and settings/);
});

test('tile, decoding, sampler and frozen stages reach the run', async () => {
  const decoding = { bands: [3, 2, 1] } as const;
  const sampled = await prepare(
    {
      data: { ...given.data, tile: 64, overlap: 0 },
      sampling: { emptyShare: 0.2, hardNegatives: true },
      model: { ...given.model, freeze: 2 },
      train: { ...given.train, epochs: 1 },
    },
    { ...squaresAndNothing, decoding },
  );
  const before = await valuesOf(sampled.model);
  const kept = new MemoryRun();
  const { totalSteps } = await runTraining(sampled, kept);
  assert.is(totalSteps, Math.floor(sampled.data.sampler!.length / 3));
  assert.ok(sampled.data.sampler!.length < sampled.data.split.train.length, 'empty images are left out');
  const evaluation = kept.records.find((record) => record.kind === 'evaluation');
  assert.type(evaluation?.hardness, 'number', 'empty samples were detected on');
  const changed = changedNames(before, await valuesOf(sampled.model));
  assert.ok(changed.some((name) => name.startsWith('backbone.body.layer2.')));
  assert.equal(
    changed.filter((name) => /^backbone\.body\.(conv1|layer1)\b.*weight/.test(name)),
    [],
  );
  const detector = Detector.fromBytes(kept.files.get('last')!);
  assert.is(detector.tile, 64);
  assert.equal(detector.decoding, decoding);
  const { evaluation: again } = await evaluateDetector(
    detector.model,
    sampled.data.dataset,
    sampled.data.split.heldOut,
  );
  assert.is(again.best.f1, evaluation!.f1);
  detector.dispose();
  sampled.model.dispose();
});

test('a run is resumed with the settings that decide what it computes, whichever group they are in', async () => {
  const interrupted = new MemoryRun();
  const controller = new AbortController();
  await run(interrupted, { signal: controller.signal, onStep: () => controller.abort() });
  for (const [changed, name] of [
    [{ augment: { on: false } }, /augment\.on was true and is now false/],
    [{ augment: { hue: null } }, /hue was \[-0\.02,0\.02\] and is now null/],
    [{ data: { ...given.data, minVisible: 0.5 } }, /minVisible was 0\.1 and is now 0\.5/],
    [{ model: { ...given.model, anchors: 'octaves' } }, /spec\.anchors was /],
  ] as const) {
    assert.match((await errorOf(() => run(interrupted, { resume: true }, changed))).message, name);
  }
  const elsewhere = await prepare();
  const limited = { ...elsewhere, data: { ...elsewhere.data, areaHash: '12ab' } };
  assert.match(
    (await errorOf(() => runTraining(limited, interrupted, { resume: true }))).message,
    /data\.area and exclude was the default and is now "polygons that hash to 12ab"/,
  );
  elsewhere.model.dispose();
  assert.is((await run(interrupted, { resume: true })).end, 'finished');
});

test.run();
