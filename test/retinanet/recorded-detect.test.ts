// `detect` with recorded launches: the same boxes and scores as without.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import { manualSeed, readStateDict, RetinaNet, write, type BatchNorm2d, type Detections } from '../../src/index.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';
import { unrecorded } from '../support/recorded.ts';
import { tinySpec } from '../train/support.ts';

const device = await testDevice();

const image = (seed: number, side = 64): RgbImage => {
  const random = new Random('noise', seed);
  return rgbImage(
    side,
    side,
    Uint8Array.from({ length: side * side * 3 }, () => random.uniform() * 255),
  );
};
const makeModel = (): RetinaNet => {
  manualSeed(2);
  // Without a threshold every anchor is a candidate.
  return new RetinaNet(2, tinySpec({ postprocess: { scoreThreshold: 0, maxDetections: 20 } })).eval();
};

test('several images, weights that change, other shapes, and training in between', async () => {
  await leavesNothing(device, async () => {
    const model = makeModel();
    const same = async (...images: RgbImage[]): Promise<Detections[]> => {
      const found = await model.detect(images);
      assert.equal(found, await unrecorded(device, () => model.detect(images)));
      return found;
    };
    const results: Detections[][] = [];
    for (const seed of [1, 2, 3, 4]) results.push(await same(image(seed)));
    assert.is(results[3]![0]!.scores.length, 20);
    assert.not.equal(results[2], results[3]);
    assert.ok(device.memory().recordedBytes > 0);
    const { bias } = model.head.classificationHead.clsLogits;
    write(bias!, new Float32Array(bias!.size).fill(1));
    assert.not.equal(await same(image(4)), results[3]);
    // Scale and shift of a normalisation are computed once, until it changes.
    const norm = model.backbone.body.bn1 as BatchNorm2d;
    write(norm.runningVar, new Float32Array(norm.runningVar.size).fill(4));
    const normed = await same(image(4));
    write(norm.weight, new Float32Array(norm.weight.size).fill(2));
    assert.not.equal(await same(image(4)), normed);
    await same(image(1));
    assert.ok(device.memory().recordedBytes > 0);
    // One image of another shape is not worth a recording.
    await same(image(5, 96));
    await same(image(6), image(7));
    assert.ok(device.memory().recordedBytes > 0);
    await same(image(4));
    model.train();
    assert.is(device.memory().recordedBytes, 0);
    model.eval();
    for (const seed of [1, 2, 3]) await same(image(seed));
    model.dispose();
  });
});

test('calls that overlap', async () => {
  const model = makeModel();
  for (let i = 0; i < 3; i++) await model.detect([image(i)]);
  const found = await Promise.all([1, 2, 3].map((seed) => model.detect([image(seed)])));
  for (const [i, seed] of [1, 2, 3].entries()) {
    assert.equal(found[i], await unrecorded(device, () => model.detect([image(seed)])));
  }
  model.dispose();
});

test('a model that moves to another device is recorded there', async () => {
  const model = makeModel();
  const state = await readStateDict(model.stateDict());
  const expected: Detections[][] = [];
  for (let i = 0; i < 3; i++) expected.push(await model.detect([image(i)]));
  await withDevice({}, async (other) => {
    model.moveTo(other, state);
    assert.is(device.memory().recordedBytes, 0);
    for (let i = 0; i < 3; i++) assert.equal(await model.detect([image(i)]), expected[i]);
    assert.ok(other.memory().recordedBytes > 0);
  });
});

test.run();
