import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, RetinaNet } from '../../src/index.ts';
import { DataParallel } from '../../src/distributed/data-parallel.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import type { EvaluationRecord, StepRecord } from '../../src/train/run-store.ts';
import { ReplicaError } from '../../src/train/replicas.ts';
import type { TrainOptions, TrainResult } from '../../src/train/run-options.ts';
import type { EpochSampler } from '../../src/train/sampler.ts';
import type { Sample } from '../../src/data/types.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import { readLosses, Trainer } from '../../src/train/trainer.ts';
import { assertClose } from '../support/compare.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { changedNames, squares, tinySpec, valuesOf } from '../train/support.ts';
import { ranksInProcess } from './ranks.ts';

const device = await testDevice();
// A few steps on few images: each rank is a model of its own on the same device.
const split = { train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], heldOut: [10, 11, 0] };
const frozen = tinySpec({ backbone: { depth: 18, width: 8, norm: 'frozen' } });

interface Ended {
  readonly folder: MemoryRun;
  readonly result: TrainResult;
  readonly weights: Map<string, Float32Array>;
  /** Number of weights that are trained, and of bytes that were summed. */
  readonly trained: number;
  readonly bytes: number;
}

/** Starts the runs of all ranks, or of one process without a communicator. */
function start(
  size: number | null,
  options: Partial<TrainOptions>,
  ofRank: (rank: number) => Partial<TrainOptions> = () => ({}),
  spec = frozen,
): Promise<Ended>[] {
  const ranks = size === null ? [null] : ranksInProcess(size);
  return ranks.map(async (communicator, rank) => {
    manualSeed(3);
    const model = new RetinaNet(1, spec);
    const replicas = communicator === null ? null : new DataParallel(communicator, { bucketBytes: 100_000 });
    const folder = new MemoryRun(`rank ${rank}`);
    try {
      const result = await trainDetector(model, {
        folder,
        dataset: squares,
        split,
        epochs: 2,
        batchSize: 4,
        ...(replicas === null ? {} : { replicas }),
        ...options,
        ...ofRank(rank),
      });
      const trained = model.parameters().reduce((sum, { requiresGrad, size }) => sum + (requiresGrad ? size : 0), 0);
      return { folder, result, weights: await valuesOf(model), trained, bytes: replicas?.counts.bytes ?? 0 };
    } finally {
      replicas?.dispose();
      model.dispose();
    }
  });
}

const train = (...args: Parameters<typeof start>): Promise<Ended[]> => Promise.all(start(...args));

const steps = ({ folder }: Ended): StepRecord[] => folder.records.filter((record) => record.kind === 'step');
const losses = (run: Ended): number[] => steps(run).map(({ loss }) => loss);
const evaluations = ({ folder }: Ended): EvaluationRecord[] =>
  folder.records.filter((record) => record.kind === 'evaluation');

/** What one process does with the same batches: two epochs of two steps. */
let alone: Ended;
test.before(async () => {
  [alone] = (await train(null, {})) as [Ended];
});

for (const size of [2, 3, 4]) {
  test(`${size} ranks learn what one process learns from the same batches, and have the same weights, bit for bit`, async () => {
    await leavesNothing(device, async () => {
      const ranks = await train(size, {});
      const [first] = ranks;
      for (const { weights } of ranks) assert.equal(changedNames(first!.weights, weights), []);
      for (const rank of ranks) assert.equal(losses(rank), losses(first!));
      assertClose(losses(first!), losses(alone), { tolerance: { relative: 1e-4 }, label: 'losses' });
      const positives = (run: Ended): number[] => steps(run).map(({ positives }) => positives);
      assertClose(positives(first!), positives(alone), { tolerance: { relative: 1e-6 }, label: 'positives' });
      const counts = (run: Ended): number[][] => evaluations(run).map(({ images, truths }) => [images, truths]);
      assert.equal(counts(first!), counts(alone));
      assert.ok(first!.folder.hasState && first!.folder.hasDetector('best'));
      assert.not(ranks[1]!.folder.hasState);
      // Four losses and three flags travel with the gradients.
      assert.is(first!.bytes, 4 * (first!.trained + 7) * first!.result.steps);
      if (size > 2) return;
      assert.equal(changedNames(first!.weights, (await train(size, {}))[0]!.weights), [], 'the same bits again');
    });
  });
}

test('ranks are one process that accumulates as many batches, also with batch norms', async () => {
  const spec = tinySpec({ loss: { normalizer: 'batch' } });
  const [accumulated] = await train(null, { batchSize: 2, accumulate: 2, epochs: 1 }, undefined, spec);
  const [first, second] = await train(2, { batchSize: 2, accumulate: 2, epochs: 1 }, undefined, spec);
  assertClose(losses(first!), losses(accumulated!), { tolerance: { relative: 1e-4 }, label: 'losses' });
  assert.equal(changedNames(first!.weights, second!.weights), [], 'statistics of norms are shared');
});

/** Largest relative difference of the losses of ranks from those of one process with the same batches. */
async function differenceOfRanks(norm: 'batch' | 'group', size: number): Promise<number> {
  const spec = tinySpec({ backbone: { depth: 18, width: 8, norm } });
  const [one] = await train(null, { epochs: 1 }, undefined, spec);
  const ranks = await train(size, { epochs: 1 }, undefined, spec);
  for (const { weights } of ranks) assert.equal(changedNames(ranks[0]!.weights, weights), []);
  const expected = losses(one!);
  return losses(ranks[0]!).reduce((most, loss, i) => Math.max(most, Math.abs(loss / expected[i]! - 1)), 0);
}

test('group norms see each image by itself, so that ranks learn what one process learns; batch norms do not', async () => {
  for (const size of [2, 4]) {
    const [group, batch] = [await differenceOfRanks('group', size), await differenceOfRanks('batch', size)];
    assert.ok(group < 1e-5, `${size} ranks with group norms differ by ${group}`);
    assert.ok(batch > 1e-4, `${size} ranks with batch norms differ by ${batch} only`);
  }
});

test('each rank accumulates what one process would process at once', async () => {
  const [first] = await train(2, { batchSize: 1, accumulate: 4, epochs: 1 });
  assertClose(losses(first!).slice(0, 1), losses(alone).slice(0, 1), {
    tolerance: { relative: 1e-4 },
    label: 'losses',
  });
});

test('a signal of one rank stops all after the same step, and another number of ranks resumes the run', async () => {
  const controller = new AbortController();
  const onStep = ({ step }: StepRecord): void => void (step === 1 && controller.abort(new Error('enough')));
  const stopped = await train(2, {}, (rank) => (rank === 1 ? { signal: controller.signal, onStep } : {}));
  const [first, second] = stopped;
  assert.equal([first!.result.end, second!.result.end], ['interrupted', 'interrupted']);
  assert.is(first!.result.steps, second!.result.steps);
  assert.ok(first!.result.steps < 4);
  for (const size of [null, 4]) {
    const copy = new MemoryRun();
    for (const [name, bytes] of first!.folder.files) copy.files.set(name, bytes);
    const [resumed] = await train(size, { resume: true }, (rank) => (rank === 0 ? { folder: copy } : {}));
    assert.is(resumed!.result.end, 'finished');
    const since = copy.records.flatMap((record) => (record.kind === 'step' ? [record.loss] : []));
    const expected = losses(alone).slice(first!.result.steps);
    assertClose(since, expected, { tolerance: { relative: 1e-3 }, label: `losses on ${size ?? 1}` });
  }
});

/** The same order in each epoch. */
const inOrder = (order: readonly number[]): EpochSampler => ({
  length: order.length,
  indices: () => order,
  state: () => '',
  restore: () => undefined,
});

test('an image that one rank cannot read ends all, with its reason and a state to resume', async () => {
  const get = (index: number): Promise<Sample> =>
    index === 6 ? Promise.reject(new Error('disk on fire')) : squares.get(index);
  const folder = new MemoryRun();
  const warnings: string[] = [];
  const options = { dataset: { ...squares, get }, sampler: inOrder([0, 1, 2, 3, 4, 5, 6, 7]) };
  const runs = start(2, options, (rank) => (rank === 0 ? { folder, onWarning: (text) => warnings.push(text) } : {}));
  const [first, second] = await Promise.all(runs.map((run) => errorOf(() => run)));
  // Of the second step, rank 0 has images 4 and 5, and rank 1 has 6 and 7.
  assert.instance(first, ReplicaError);
  assert.match(first!.message, /^trainDetector: rank 1 failed: .*image-6.*disk on fire/);
  assert.match(second!.message, /disk on fire/);
  assert.match(warnings.join(), /stops at step 1 of 4. memory holds its state of step 1/);
  assert.ok(folder.hasState);
});

test('ranks with other settings or data are refused', async () => {
  const error = await errorOf(() =>
    train(2, {}, (rank) => ({ seed: 5 + rank, learningRate: rank === 0 ? 1e-3 : 2e-3 })),
  );
  assert.instance(error, ReplicaError);
  assert.match(error.message, /learningRate is 0.001 on rank 0 and 0.002 on rank 1/);
  assert.match(error.message, /seed is 5 on rank 0 and 6 on rank 1/);
  const other = await errorOf(() =>
    train(2, {}, (rank) => ({ split: { ...split, train: split.train.slice(0, 9 + rank) } })),
  );
  assert.match(other.message, /samples is .* on rank 0 and .* on rank 1/);
});

test('more ranks than images of a step or of an epoch are refused', async () => {
  assert.match((await errorOf(() => train(5, {}))).message, /a step has 4 images .* fewer than the 5 ranks/);
  assert.match(
    (await errorOf(() => train(2, { batchSize: 16 }))).message,
    /an epoch has 10 images, fewer than the 16 of a step/,
  );
});

/** The gradients of a step and the buffers after it, of ranks that have different samples. */
function gradientsOf(
  parts: readonly (readonly Sample[])[],
  images: number,
): Promise<{ gradients: Map<string, Float32Array>; buffers: Map<string, Float32Array>; loss: number }[]> {
  const communicators = ranksInProcess(parts.length);
  return Promise.all(
    parts.map(async (samples, rank) => {
      manualSeed(3);
      const model = new RetinaNet(1, tinySpec());
      const trainer = new Trainer(model, { totalSteps: 10, clipNorm: null, averageDecay: null });
      const replicas = new DataParallel(communicators[rank]!);
      try {
        const { numbers } = await trainer.sharedGradients(samples, replicas, { images, isStopping: false });
        const { loss } = await readLosses(numbers);
        const gradients = new Map<string, Float32Array>();
        for (const [name, { grad }] of model.namedParameters())
          gradients.set(name, (await grad!.data()) as Float32Array);
        const buffers = new Map<string, Float32Array>();
        for (const [name, buffer] of model.namedBuffers()) buffers.set(name, (await buffer.data()) as Float32Array);
        return { gradients, buffers, loss };
      } finally {
        replicas.dispose();
        trainer.dispose();
        model.dispose();
      }
    }),
  );
}

test('a rank counts by its number of images, in gradients, losses and statistics of norms', async () => {
  const samples = await Promise.all([0, 1, 2].map((index) => squares.get(index)));
  const parts = [samples.slice(0, 1), samples.slice(1)];
  const [[shared], [one], [two]] = await Promise.all([
    gradientsOf(parts, 3),
    gradientsOf([parts[0]!], 1),
    gradientsOf([parts[1]!], 2),
  ]);
  assertClose([shared!.loss], [(one!.loss + 2 * two!.loss) / 3], { tolerance: { relative: 1e-5 }, label: 'loss' });
  for (const kind of ['gradients', 'buffers'] as const) {
    for (const [name, values] of shared![kind]) {
      const [first, second] = [one![kind].get(name)!, two![kind].get(name)!];
      const expected = values.map((_, i) => (first[i]! + 2 * second[i]!) / 3);
      const largest = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      assertClose(values, expected, { tolerance: { relative: 1e-4, absolute: 1e-5 * largest + 1e-9 }, label: name });
    }
  }
});

test('ranks that together have other images than a step are refused', async () => {
  const samples = await Promise.all([0, 1, 2].map((index) => squares.get(index)));
  const error = await errorOf(() => gradientsOf([samples.slice(0, 1), samples.slice(1)], 4));
  assert.instance(error, ReplicaError);
  assert.match(error.message, /the processes have 3 samples in this step, expected 4/);
});

test.run();
