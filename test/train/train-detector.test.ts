import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateDetector } from '../../src/detector/evaluate.ts';
import type { TrainOptions } from '../../src/train/run-options.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { squares, tinySpec, trainRuns } from './support.ts';
import { Detector } from '../../src/detector/detector.ts';
import { atLeast } from '../../src/detector/detections-table.ts';
import { RunFolder } from '../../src/train/node/run-folder.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import { loadDetector } from '../../src/detector/node/detector-file.ts';

const device = await testDevice();
const root = mkdtempSync(join(tmpdir(), 'retinagrad-train-'));
const test = suite('trainDetector');
test.after(() => rmSync(root, { recursive: true }));

const dataset = squares;
const split = { train: [0, 1, 2, 3, 4, 5, 6, 7, 8], heldOut: [9, 10, 11, 12, 13, 14, 15, 16, 17] };
const spec = tinySpec();

const { run, fileOf, metrics, computed } = trainRuns(root, { dataset, split, spec });

test('a run learns, and leaves weights, metrics, charts and pictures', async () => {
  await leavesNothing(device, async () => {
    const result = await run('long', { epochs: 20, evaluateEvery: 10, learningRate: 1e-2 });
    assert.is(result.end, 'finished');
    assert.is(result.steps, 40, 'two full batches of four in each epoch');
    assert.ok(result.best!.f1 > 0.5, `F1 ${result.best!.f1}`);
  });
  const steps = metrics('long').filter((record) => record.kind === 'step');
  assert.equal(
    steps.map(({ step }) => step),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  assert.equal(
    metrics('long').flatMap((record) =>
      record.kind === 'evaluation' ? [[record.epoch, record.images, record.truths]] : [],
    ),
    [10, 20].map((epoch) => [epoch, 9, 18]),
  );
  assert.equal(
    readdirSync(join(root, 'long', 'predictions')).sort(),
    split.heldOut.map((i) => `image-${i}.png`).sort(),
  );
  for (const name of ['loss', 'precisionRecall'] as const)
    assert.match(readFileSync(fileOf('long', name), 'utf8'), /^<svg/);
});

test('the best weights reproduce their evaluation', async () => {
  await leavesNothing(device, async () => {
    const { model, classes, scoreThreshold, spec: saved } = loadDetector(fileOf('long', 'best'));
    assert.equal(classes, ['square']);
    assert.equal(saved, spec);
    const { evaluation } = await evaluateDetector(model, dataset, split.heldOut);
    const evaluations = metrics('long').filter((record) => record.kind === 'evaluation');
    const best = evaluations.reduce((a, b) => (b.f1 > a.f1 ? b : a));
    assert.equal(
      { f1: evaluation.best.f1, threshold: evaluation.best.threshold, ap: evaluation.meanAveragePrecision },
      { f1: best.f1, threshold: best.threshold, ap: best.averagePrecision },
    );
    assert.is(scoreThreshold, best.threshold);
    model.dispose();
  });
});

test('a run that is interrupted twice and resumed equals an uninterrupted one, bit for bit', async () => {
  assert.is((await run('whole')).end, 'finished');
  const first = await run('parts', {}, 3);
  assert.is(first.end, 'interrupted');
  assert.ok(first.steps >= 3 && first.steps < 6, `stopped after ${first.steps} steps`);
  // In the middle of an evaluation, which the next part then repeats.
  const controller = new AbortController();
  const second = await run('parts', {
    resume: true,
    signal: controller.signal,
    onEvaluationProgress: () => controller.abort(),
  });
  assert.is(second.end, 'interrupted');
  assert.is((await run('parts', { resume: true })).end, 'finished');
  assert.equal(computed('parts'), computed('whole'));
  for (const name of ['last', 'best'] as const)
    assert.ok(readFileSync(fileOf('parts', name)).equals(readFileSync(fileOf('whole', name))), name);
  assert.is((await run('parts', { resume: true })).steps, 6, 'a finished run stays finished');
});

test('a run that was killed before its first checkpoint restarts', async () => {
  mkdirSync(join(root, 'killed'));
  writeFileSync(fileOf('killed', 'metrics'), '{"kind":"step","step":1}\n{"kind":"st');
  assert.is((await run('killed', { resume: true })).end, 'finished');
  assert.equal(computed('killed'), computed('whole'));
});

test('a run ends early when F1 no longer rises', async () => {
  const { end, steps, best } = await run('early', { learningRate: 0, epochs: 9, patience: 2 });
  assert.is(end, 'early');
  assert.is(best!.epoch, 1);
  assert.is(steps, 6, 'the best epoch and two more');
});

test('a loss that is not finite ends the run and keeps the earlier weights', async () => {
  const error = await errorOf(() =>
    run('diverged', { optimizer: 'sgd', learningRate: 10, schedule: 'constant', clipNorm: 1e30, evaluateEvery: 3 }),
  );
  assert.match(
    error.message,
    /training diverged in step \d at learning rate [\d.e+]+: the loss is .* \(classification .*, boxes .*\), the norm of the gradients is .*\.\n/,
  );
  assert.match(error.message, /\d+ parameters are not finite; the closest to the loss is head\.\w+\.\w+\.bias/);
  assert.match(error.message, /in the pyramid or heads/);
  assert.match(error.message, /Samples of the step: (image-\d, ){3}image-\d\.\n/);
  assert.match(error.message, /Lower the learning rate/);
});

test('invalid options are rejected', async () => {
  const refused = async (name: string, options: Partial<TrainOptions>, reason: RegExp): Promise<void> => {
    assert.match((await errorOf(() => run(name, options))).message, reason);
  };
  await refused('whole', {}, /holds a run already/);
  await refused('whole', { resume: true, epochs: 4 }, /totalSteps was 6 and is now 8\n/);
  const release = new RunFolder(join(root, 'whole')).acquire();
  await refused('whole', { resume: true }, /is in use: process \d+ of this machine/);
  release();
  await refused('new', { epochs: 0 }, /epochs is 0/);
  await refused('new', { split: { train: [], heldOut: [1] } }, /split.train.length is 0, expected an integer >= 1/);
  await refused('new', { dataset: { ...dataset, classes: ['a', 'b'] } }, /the model has 1 class, the data set has 2/);
  assert.equal(readdirSync(join(root, 'new')), []);
});

test('a run in memory computes the same as one in a folder', async () => {
  const memory = new MemoryRun();
  // A split of blocks may leave out none.
  const blocks = { ...split, leftOut: [] };
  await run('unused', { folder: memory, resume: false, split: blocks }, 4);
  assert.is((await run('unused', { folder: memory, resume: true })).end, 'finished');
  for (const name of ['last', 'best'] as const)
    assert.ok(readFileSync(fileOf('whole', name)).equals(memory.files.get(name)!), name);
  assert.equal(
    memory.records.map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 })),
    computed('whole'),
  );
  const detector = Detector.fromBytes(memory.files.get('best')!);
  const { image } = await dataset.get(9);
  const [whole] = await detector.model.detect([image]);
  assert.equal(await detector.detect(image, { scoreThreshold: 0 }), whole);
  assert.equal(await detector.detect(image), atLeast(whole!, detector.scoreThreshold));
  assert.equal(await detector.toBytes(), memory.files.get('best'));
  detector.dispose();
});

test('looking at the network between steps changes no bit of the run', async () => {
  const [{ image }, counts] = [await dataset.get(9), new Array<number>()];
  const { steps } = await run('seen', {
    onStep: async (_record, _steps, peek) => {
      const [found] = await peek((network) => network.detect([image]));
      counts.push(found!.scores.length);
    },
  });
  assert.is(counts.length, steps);
  assert.equal(computed('seen'), computed('whole'));
  assert.ok(readFileSync(fileOf('seen', 'last')).equals(readFileSync(fileOf('whole', 'last'))));
});

test('a damaged detector file is rejected by name', async () => {
  const bytes = readFileSync(fileOf('whole', 'best'));
  const broken = join(root, 'broken.safetensors');
  writeFileSync(broken, bytes.subarray(0, bytes.length - 5));
  assert.throws(() => loadDetector(broken), /broken.safetensors: not a valid safetensors file/);
  assert.throws(
    () => loadDetector(fileOf('whole', 'state')),
    /state.safetensors: not a detector: its metadata names no format/,
  );
});

test.run();
