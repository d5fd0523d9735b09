// The synthetic data set in memory: reproducible, and one that a detector can be trained on.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes } from '../../src/imagery/image.ts';
import { generateChip } from '../../src/synthetic/chip.ts';
import { syntheticData } from '../../src/task/synthetic-data.ts';

test('has an image and a box per building of each chip, the same each time', async () => {
  const [one, two] = [syntheticData({ chips: 3, seed: 7 }), syntheticData({ chips: 3, seed: 7 })];
  assert.equal(one.classes, ['building']);
  assert.is(one.ids.length, 3);
  for (const index of one.ids.keys()) {
    const [first, second] = [await one.get(index), await two.get(index)];
    assert.equal(first.image.shape, [128, 128, 3]);
    assert.equal(packedBytes(first.image), packedBytes(second.image));
    assert.equal(first.boxes, second.boxes);
    assert.is(first.labels.length, generateChip(7, index).footprints.length);
    const { width, height, boxes } = await one.describe!(index);
    assert.equal([width, height], [128, 128]);
    assert.equal(boxes, first.boxes);
  }
});

test('stretches the levels to all of a byte', async () => {
  const { image } = await syntheticData({ chips: 1, size: 64 }).get(0);
  assert.equal(image.shape, [64, 64, 3]);
  const bytes = packedBytes(image);
  assert.is(Math.min(...bytes), 0);
  assert.is(Math.max(...bytes), 255);
});

test('refuses a number of images below one', () => {
  assert.throws(() => syntheticData({ chips: 0 }), /^syntheticData: chips is 0, expected an integer >= 1/);
});

test.run();
