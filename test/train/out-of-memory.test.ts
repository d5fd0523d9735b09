import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed } from '../../src/autograd/seeds.ts';
import { Random } from '../../src/common/random.ts';
import type { Dataset, Sample } from '../../src/data/types.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { init } from '../../src/node/init.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { GpuOutOfMemoryError } from '../../src/tensor/errors.ts';
import { MemoryRun } from '../../src/train/memory-run.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import { errorOf, leavesNothing } from '../support/device.ts';
import { tinySpec } from './support.ts';

const SIDE = 224;
const random = new Random('noise');
const samples = Array.from({ length: 6 }, (_, i): Sample => {
  const image = rgbImage(SIDE, SIDE);
  for (let k = 0; k < image.data.length; k++) image.data[k] = random.bits() & 255;
  return { id: `${i}`, image, boxes: Float32Array.of(20, 20, 110, 130), labels: new Int32Array(1) };
});
const dataset: Dataset = { classes: ['a'], ids: samples.map(({ id }) => id), get: async (index) => samples[index]! };

async function train(batchSize: number): Promise<MemoryRun> {
  manualSeed(3);
  const model = new RetinaNet(1, tinySpec());
  const folder = new MemoryRun();
  try {
    await trainDetector(model, {
      dataset,
      split: { train: [0, 1, 2, 3], heldOut: [4, 5] },
      folder,
      epochs: 1,
      batchSize,
    });
    return folder;
  } finally {
    model.dispose();
  }
}

/** Peak memory of trainings with one and two images in a batch. */
const roomy = await init();
const peaks: number[] = [];
for (const batchSize of [1, 2]) {
  roomy.resetPeak();
  await train(batchSize);
  peaks.push(roomy.memory().peakBytes);
}
roomy.destroy();

/** Holds a step of two images, but not of four. */
const device = await init({ memoryLimit: peaks[1]! + (peaks[1]! - peaks[0]!) / 2 });
const test = suite('a training that runs out of memory');

test('the error says what is held and which settings to lower; a smaller batch then works', async () => {
  await leavesNothing(device, async () => {
    const error = await errorOf(() => train(4));
    assert.instance(error, GpuOutOfMemoryError);
    const { message, held } = error as GpuOutOfMemoryError;
    assert.match(message, /more would exceed the memory limit of .*\. In use are .* of activations saved for backward/);
    assert.match(message, /now train\.batchSize=4, train\.accumulate=1/);
    assert.match(
      message,
      /- process fewer images together: train\.batchSize=2 train\.accumulate=2, or train\.batchSize=1 /,
    );
    assert.match(message, /- model\.checkpoint=true .*\n.*data\.tile.*model\.imageSize\n.*model\.network\n/);
    assert.ok(held!.activations > held!.weights && held!.weights > 0);
  });
  const { records } = await train(2);
  assert.is(records.filter(({ kind }) => kind === 'step').length, 2);
});

test.run();
