import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed } from '../../src/autograd/seeds.ts';
import type { Dataset, Sample } from '../../src/data/types.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { init } from '../../src/node/init.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { GpuOutOfMemoryError } from '../../src/tensor/errors.ts';
import { findBatchSize } from '../../src/train/find-batch-size.ts';
import { withMemoryAdvice } from '../../src/train/memory-advice.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import { noiseSamples } from '../../src/train/noise.ts';
import type { TrainOptions } from '../../src/train/run-options.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import { decodeSafetensors } from '../../src/weights/safetensors.ts';
import { errorOf, leavesNothing } from '../support/device.ts';
import { tinySpec, valuesOf } from './support.ts';

const spec = tinySpec();
const SIDE = 224;
const noise = noiseSamples(
  spec,
  Array.from({ length: 12 }, () => [SIDE, SIDE]),
);
const dataset: Dataset = { classes: ['a'], ids: noise.map(({ id }) => id), get: async (index) => noise[index]! };
const makeModel = (checkpoint = false): RetinaNet => {
  manualSeed(3);
  return new RetinaNet(1, { ...spec, backbone: { ...spec.backbone, checkpoint } });
};

/** Peak memory of a training step with a number of images of those. */
const roomy = await init();
const peaks = new Map<number, number>();
for (const images of [1, 2]) {
  const model = makeModel();
  peaks.set(images, (await findBatchSize(model, { images, sizes: [[SIDE, SIDE]] })).peakBytes);
  model.dispose();
}
roomy.destroy();

/** Holds a step of two images, but not of four. */
const limit = peaks.get(2)! + (peaks.get(2)! - peaks.get(1)!) / 2;
const device = await init({ memoryLimit: limit });
const test = suite('a training that runs out of memory');

const split = { train: [0, 1, 2, 3], heldOut: [9, 10] };
const warnings: string[] = [];
async function train(options: Partial<TrainOptions> & { checkpoint?: boolean }): Promise<MemoryRun> {
  const { folder = new MemoryRun(), checkpoint = false, ...others } = options;
  const model = makeModel(checkpoint);
  const onWarning = (text: string): void => void warnings.push(text);
  const common = { dataset, split, epochs: 2, batchSize: 2, onWarning };
  try {
    await trainDetector(model, { ...common, ...others, folder });
    return folder as MemoryRun;
  } finally {
    model.dispose();
  }
}

test('a batch that does not fit is an error with what is held and what to lower; a smaller one then works', async () => {
  await leavesNothing(device, async () => {
    const error = (await errorOf(() => train({ batchSize: 4 }))) as GpuOutOfMemoryError;
    assert.instance(error, GpuOutOfMemoryError);
    const { message, held } = error;
    assert.match(
      message,
      /^\w+ \[.*\]: .* more would exceed the memory limit of .*\. In use are .* of activations saved for/,
    );
    assert.match(
      message,
      /- process fewer images together, in steps of the same size: train\.batchSize=2 train\.accumulate=2, or train\.batchSize=1 /,
    );
    assert.match(
      message,
      /- model\.checkpoint=true .*; a run can be resumed with it\n.*data\.tile.*model\.imageSize\n.*model\.network\n.*train\.optimizer=sgd/,
    );
    assert.match(message, /; train\.batchSize=auto train\.stepImages=4 finds/);
    assert.ok(held!.activations > held!.weights && held!.weights > 0);
    assert.equal(warnings, []);
  });
  const whole = await train({});
  assert.is(whole.records.filter(({ kind }) => kind === 'step').length, 4);
});

test('the advice keeps the number of images of a step, whatever it is', () => {
  const model = makeModel();
  const advised = (batchSize: number, accumulate: number): number[][] => {
    const { message } = withMemoryAdvice(new GpuOutOfMemoryError('op', 1, 'no room'), model, { batchSize, accumulate });
    assert.is(message.includes('train.batchSize=auto'), batchSize > 1);
    return [...message.matchAll(/train\.batchSize=(\d+) train\.accumulate=(\d+)/g)].map(([, a, b]) => [+a!, +b!]);
  };
  assert.equal(advised(1, 4), []);
  assert.equal(advised(2, 1), [[1, 2]]);
  assert.equal(advised(3, 1), [[1, 3]]);
  assert.equal(advised(5, 2), [
    [2, 5],
    [1, 10],
  ]);
  assert.equal(advised(9, 2), [
    [3, 6],
    [1, 18],
  ]);
  model.dispose();
});

/** The data, whose images are twice as wide and high from some read on. */
const growing = (reads: number): Dataset => {
  let count = 0;
  const get = async (index: number): Promise<Sample> =>
    ++count <= reads ? noise[index]! : { ...noise[index]!, image: rgbImage(2 * SIDE, 2 * SIDE) };
  return { ...dataset, get };
};

test('a step in the middle that does not fit ends the run with a state, and checkpointing may be switched on', async () => {
  const folder = new MemoryRun();
  const error = await errorOf(() => train({ folder, dataset: growing(6), augment: null }));
  assert.instance(error, GpuOutOfMemoryError);
  const [warning] = warnings.splice(0);
  assert.match(warning!, /^The run stops at step \d of 4\. memory holds its state of step \d: resume it/);
  assert.ok(folder.hasDetector('last'));
  await train({ folder, augment: null, resume: true, checkpoint: true });
  const whole = await train({ augment: null });
  const computed = ({ records }: MemoryRun) =>
    records.map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 }));
  assert.equal(computed(folder), computed(whole));
  // The files differ in the setting.
  const weightsOf = ({ files }: MemoryRun) => decodeSafetensors(files.get('last')!).tensors;
  for (const [name, { data }] of weightsOf(folder)) {
    assert.ok(Buffer.from(data.buffer).equals(Buffer.from(weightsOf(whole).get(name)!.data.buffer)), name);
  }
});

test('a training with the batch that was found fits, with the peak that was measured', async () => {
  const model = makeModel();
  const { peakBytes, ...found } = await findBatchSize(model, { images: 4, sizes: [[SIDE, SIDE]] });
  model.dispose();
  device.resetPeak();
  await train({ ...found, augment: null });
  const { peakBytes: reached } = device.memory();
  assert.ok(Math.abs(reached / peakBytes - 1) < 0.05, `${peakBytes} bytes measured, ${reached} reached`);
});

test('images that do not fit together are detected on in smaller batches', async () => {
  await leavesNothing(device, async () => {
    const model = makeModel().eval();
    const images = noise.map(({ image }) => image);
    const one = await model.detect(images.slice(0, 1));
    for (let i = 0; i < 3; i++) {
      const found = await model.detect(images);
      assert.is(found.length, images.length);
      assert.equal(found[0]!.labels, one[0]!.labels);
    }
    assert.ok(device.memory().peakBytes <= limit);
    model.dispose();
  });
});

test('the largest batch that fits is found, accumulation keeps the images of a step, and the model is as before', async () => {
  await leavesNothing(device, async () => {
    const model = makeModel();
    const before = await valuesOf(model);
    const found = await findBatchSize(model, { images: 4, sizes: [[SIDE, SIDE]] });
    assert.equal([found.batchSize, found.accumulate], [2, 2]);
    assert.ok(found.peakBytes <= limit && found.peakBytes > peaks.get(1)!, `${found.peakBytes}`);
    assert.equal(await valuesOf(model), before);
    assert.ok(model.training);
    const error = await errorOf(() =>
      findBatchSize(model, {
        images: 2,
        sizes: [
          [SIDE, SIDE],
          [1000, 1000],
        ],
      }),
    );
    assert.instance(error, GpuOutOfMemoryError);
    assert.match(error.message, /now train\.batchSize=1, train\.accumulate=2\):\n  - model\.checkpoint=true/);
    assert.equal(await valuesOf(model), before);
    model.dispose();
  });
});

test('a batch holds images of different shapes: both sides count', async () => {
  const model = makeModel();
  const { batchSize } = await findBatchSize(model, {
    images: 2,
    sizes: [
      [32, 2 * SIDE],
      [2 * SIDE, 32],
    ],
  });
  assert.is(batchSize, 1, 'two are padded to a square of four times the pixels');
  assert.is((await findBatchSize(model, { images: 2, sizes: [[32, 2 * SIDE]] })).batchSize, 2);
  model.dispose();
});

test('trainDetector does not take auto, and says who does', async () => {
  const error = await errorOf(() => train({ batchSize: 'auto' }));
  assert.match(error.message, /^trainDetector: batchSize is auto, expected an integer >= 1: findBatchSize finds it$/);
});

test.run();
