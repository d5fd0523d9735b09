import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { augment } from '../../src/data/augment.ts';
import { Random } from '../../src/common/random.ts';
import type { EvaluationRecord, StepRecord } from '../../src/train/run-store.ts';
import type { EpochSampler } from '../../src/train/sampler.ts';
import type { TrainOptions } from '../../src/train/run-options.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { squaresAndNothing as dataset, tinySpec, trainRuns } from './support.ts';
import { loadDetector } from '../../src/detector/node/detector-file.ts';

const device = await testDevice();
const root = mkdtempSync(join(tmpdir(), 'retinagrad-recipes-'));
const test = suite('trainDetector with other recipes');
test.after(() => rmSync(root, { recursive: true }));

const split = { train: [0, 1, 2, 3, 4, 5, 6, 7, 8], heldOut: [9, 10, 11, 12] };

/** Twelve samples per epoch, the most difficult empty one first. Records what `setDifficulty` receives. */
function makeSampler(received: ReadonlyMap<number, number>[] = []): EpochSampler {
  let difficulty = new Map<number, number>();
  return {
    length: 12,
    indices(epoch) {
      const list = new Random('sampler', epoch).shuffle([...split.train]);
      const [mostDifficult] = [...difficulty].sort((a, b) => b[1] - a[1])[0] ?? [4];
      return [mostDifficult, ...list, ...list.slice(0, 2)];
    },
    setDifficulty(found) {
      received.push(found);
      difficulty = new Map([...difficulty, ...found]);
    },
    state: () => JSON.stringify([...difficulty]),
    restore: (state) => (difficulty = new Map(JSON.parse(state) as [number, number][])),
  };
}

const recipe = {
  optimizer: 'sgd',
  learningRate: 0.02,
  backboneRate: 0.5,
  schedule: 'cosine',
  warmup: 2,
  accumulate: 2,
  batchSize: 2,
  averageDecay: null,
  freeze: 1,
  hardNegatives: 2,
  monitor: 'ap',
  tensorboard: true,
} as const satisfies Partial<TrainOptions>;

const { run, fileOf, metrics, computed } = trainRuns(root, { dataset, split, spec: tinySpec() });
const stepsOf = (run: string): StepRecord[] => metrics(run).filter((record) => record.kind === 'step');
const eventFiles = (run: string): string[] => readdirSync(join(root, run)).filter((name) => name.includes('tfevents'));

const received: ReadonlyMap<number, number>[] = [];

test('SGD, cosine, accumulation, frozen stages, no average and a sampler: an interrupted run equals an uninterrupted one, bit for bit', async () => {
  await leavesNothing(device, async () => {
    assert.is((await run('whole', { ...recipe, sampler: makeSampler(received) })).end, 'finished');
    const first = await run('parts', { ...recipe, sampler: makeSampler() }, 4);
    assert.equal([first.end, first.steps], ['interrupted', 5], 'within the second epoch');
    const second = await run('parts', { ...recipe, sampler: makeSampler(), resume: true }, 7);
    assert.equal([second.end, second.steps], ['interrupted', 8], 'within the third');
    assert.is((await run('parts', { ...recipe, sampler: makeSampler(), resume: true })).end, 'finished');
  });
  assert.equal(computed('parts'), computed('whole'));
  for (const name of ['last', 'best', 'state'] as const)
    assert.ok(readFileSync(fileOf('parts', name)).equals(readFileSync(fileOf('whole', name))), name);
  assert.is(eventFiles('whole').length, 1);
  assert.is(eventFiles('parts').length, 3);
  const events = readFileSync(join(root, 'whole', eventFiles('whole')[0]!), 'latin1');
  const tags = [...events.matchAll(/(?:train|held-out)\/\w+/g)].map(([tag]) => tag);
  const count = (tag: string): number => tags.filter((found) => found.startsWith(tag)).length;
  assert.equal(['train/loss', 'train/learningRate', 'train/positives', 'held-out/f1'].map(count), [9, 9, 9, 3]);
  assert.is(count('held-out/truths'), 0);
});

test('the rate is that of pyramid and heads, along the schedule', () => {
  const rates = stepsOf('whole').map(({ learningRate }) => learningRate);
  const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(
    (step) => 0.02 * (step < 2 ? 0.001 + (0.999 * step) / 2 : Math.cos((Math.PI * (step - 2)) / 14) ** 2),
  );
  assert.is(rates.length, 9);
  rates.forEach((rate, i) => assert.ok(Math.abs(rate - expected[i]!) < 1e-12, `${rates.join(' ')}`));
  for (const { positives, waitSeconds } of stepsOf('whole')) assert.ok(positives > 0 && waitSeconds >= 0);
});

test('hard negatives are training samples without objects, a different subset each time, with their highest score', () => {
  assert.is(received.length, 3);
  for (const found of received) {
    assert.is(found.size, 2);
    for (const [index, score] of found) assert.ok([0, 3, 6].includes(index) && score >= 0 && score < 1);
  }
  assert.ok(new Set(received.map((found) => [...found.keys()].join())).size > 1);
  const evaluations = metrics('whole').filter((record) => record.kind === 'evaluation');
  assert.equal(
    evaluations.map(({ hardness }) => hardness),
    received.map((found) => [...found.values()].reduce((a, b) => a + b) / 2),
  );
});

test('a run with other settings is not resumed, and the error names the difference', async () => {
  const refused = async (options: Partial<TrainOptions>, reason: RegExp): Promise<void> => {
    const all = { ...recipe, sampler: makeSampler(), resume: true, ...options };
    assert.match((await errorOf(() => run('whole', all))).message, reason);
  };
  await refused({ optimizer: 'adamw' }, /optimizer was "sgd" and is now "adamw"\n/);
  await refused({ learningRate: 0.01 }, /learningRate was 0.02 and is now 0.01\n/);
  await refused({ warmup: 0.5 }, /warmup was 2 and is now 0.5\n/);
  await refused({ freeze: 0 }, /freeze was 1 and is now 0\n/);
  await refused({ augment: null }, /augment was the default and is now null\n/);
});

test('the run folder records the environment, and each time the run is resumed', () => {
  const environment = JSON.parse(readFileSync(fileOf('parts', 'environment'), 'utf8')) as Record<string, unknown>;
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.is(environment['retinagrad'], version);
  assert.is(environment['node'], process.version);
  assert.is(environment['platform'], process.platform);
  assert.equal(environment['adapter'], { ...device.adapter });
  assert.ok(Math.abs(Date.parse(environment['date'] as string) - Date.now()) < 600_000);
  assert.is((environment['resumed'] as unknown[]).length, 2);
});

test('the best evaluation is that of the monitored metric, and each best so far is reported', async () => {
  for (const monitor of ['f1', 'ap'] as const) {
    const seen: EvaluationRecord[] = [];
    const { best } = await run(`monitor-${monitor}`, {
      monitor,
      learningRate: 4e-3,
      epochs: 4,
      onEvaluation(record, isBest, images) {
        assert.is(images.length, record.images);
        if (isBest) seen.push(record);
      },
    });
    const evaluations = metrics(`monitor-${monitor}`).filter((record) => record.kind === 'evaluation');
    const values = evaluations.map(({ f1, averagePrecision }) => (monitor === 'f1' ? f1 : averagePrecision!));
    assert.equal(best, evaluations[values.indexOf(Math.max(...values))]);
    // Each best so far, in order.
    const rising = values.filter((value, i) => i === 0 || value > Math.max(...values.slice(0, i)));
    assert.equal(
      seen.map(({ f1, averagePrecision }) => (monitor === 'f1' ? f1 : averagePrecision)),
      rising,
    );
    const { model, scoreThreshold } = loadDetector(fileOf(`monitor-${monitor}`, 'best'));
    assert.is(scoreThreshold, best!.threshold);
    model.dispose();
  }
});

test('a source reads instead of the data set, and gives the same run if it augments in the same way', async () => {
  const asked = new Set<string>();
  const options = { epochs: 1, learningRate: 1e-3 };
  await run('source', {
    ...options,
    source: {
      async read(index, seed, epoch) {
        asked.add(`${index} ${seed} ${epoch}`);
        return augment(await dataset.get(index), {}, new Random('augment', seed, epoch, index));
      },
    },
  });
  await run('thread', options);
  assert.equal(computed('source'), computed('thread'));
  assert.is(asked.size, 8);
  assert.ok([...asked].every((text) => text.endsWith(' 1 0')));
});

test('invalid options are rejected', async () => {
  const refused = async (options: Partial<TrainOptions>, reason: RegExp): Promise<void> => {
    assert.match((await errorOf(() => run('refused', options))).message, reason);
  };
  const sampler = makeSampler();
  await refused({ hardNegatives: true }, /hardNegatives needs a sampler with setDifficulty/);
  await refused({ hardNegatives: -1, sampler }, /hardNegatives is -1/);
  await refused({ monitor: 'loss' as never }, /monitor is "loss", expected one of f1, ap/);
  await refused({ patience: 0 }, /patience is 0/);
  await refused({ augment: {}, source: { read: (index) => dataset.get(index) } }, /leave out augment/);
  await refused({ sampler: { ...sampler, length: 0 } }, /sampler.length is 0/);
  assert.equal(readdirSync(join(root, 'refused')), []);
  await refused({ sampler: { ...sampler, length: 13 } }, /epoch 0 has 12 samples, expected 13 \(sampler.length\)/);
  const leaking = { ...sampler, length: 4, indices: () => [0, 1, 2, 12] };
  await refused({ sampler: leaking }, /epoch 0 has sample 12, which is not one of the 9 training samples/);
  const full = { train: [1, 2, 4, 5, 7, 8], heldOut: [10] };
  await refused({ hardNegatives: true, sampler, split: full }, /training samples without objects: there are none/);
  const nothing = { train: split.train, heldOut: [9, 12] };
  await refused(
    { monitor: 'ap', epochs: 1, split: nothing },
    /monitor is "ap", .* the held-out samples have no objects/,
  );
});

test.run();
