import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { augment } from '../../src/data/augment.ts';
import { brightness, contrast } from '../../src/data/augment/colour.ts';
import { flipX, flipY, rescale, rotate90 } from '../../src/data/augment/geometric.ts';
import type { Box } from '../../src/imagery/geometry.ts';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import { boxList, findMarks, markedSample, rejects } from './support.ts';

const marks: Box[] = [
  [1, 2, 5, 4],
  [6, 5, 9, 7],
  [0, 6, 2, 7],
];
const sample = markedSample(7, 9, marks);

test('the marks of a sample are found where its boxes are', () => {
  assert.equal(findMarks(sample, 3), marks);
});

test('flips and turns move boxes as they move pixels', () => {
  const variants = { x: flipX(sample), y: flipY(sample), both: flipX(flipY(sample)) };
  for (const [name, variant] of Object.entries(variants)) {
    assert.equal(variant.image.shape, [7, 9, 3], name);
    assert.equal(boxList(variant), findMarks(variant, 3), name);
    assert.is(variant.image.data, sample.image.data, `${name} is a view`);
  }
  for (let quarters = -4; quarters <= 4; quarters++) {
    const turned = rotate90(sample, quarters);
    assert.equal(turned.image.shape, quarters % 2 === 0 ? [7, 9, 3] : [9, 7, 3]);
    assert.equal(boxList(turned), findMarks(turned, 3), `rotated by ${quarters}`);
    assert.is(turned.image.data, sample.image.data);
    for (const then of [flipX, flipY]) {
      const both = then(turned);
      assert.equal(boxList(both), findMarks(both, 3), `${then.name} after rotation by ${quarters}`);
    }
  }
});

test('a clockwise rotation moves the upper left corner to the upper right', () => {
  const turned = rotate90(sample, 1);
  for (let c = 0; c < 3; c++) {
    assert.is(turned.image.get(0, 6, c), sample.image.get(0, 0, c));
    assert.is(turned.image.get(8, 0, c), sample.image.get(6, 8, c));
  }
  assert.equal(packedBytes(rotate90(turned, 3).image), packedBytes(sample.image));
  assert.equal(packedBytes(rotate90(sample, 2).image), packedBytes(flipX(flipY(sample)).image));
  assert.throws(() => rotate90(sample, 0.5), /quarters is 0.5/);
});

test('doubling a window moves boxes as it moves pixels', () => {
  const flat = markedSample(16, 16, [[4, 4, 12, 12]]);
  const plain = { ...flat, image: rgbImage(16, 16) };
  for (let y = 4; y < 12; y++) for (let x = 4; x < 12; x++) plain.image.set(y, x, 0, 200);
  const middle = rescale(plain, 2);
  assert.equal(boxList(middle), [[0, 0, 16, 16]]);
  const corner = rescale(plain, 2, { x: 0, y: 1 });
  assert.equal(boxList(corner), [[8, 0, 16, 8]]);
  assert.is(corner.image.get(4, 12, 0), 200);
  assert.is(corner.image.get(12, 12, 0), 0);
  assert.is(corner.image.get(4, 4, 0), 0);
});

test('halving puts the picture on plain ground', () => {
  const plain = { ...markedSample(16, 16, [[4, 4, 12, 12]]), image: rgbImage(16, 16) };
  for (let y = 4; y < 12; y++) for (let x = 4; x < 12; x++) plain.image.set(y, x, 0, 200);
  const small = rescale(plain, 0.5, { x: 0, y: 0, fill: [9, 8, 7] });
  assert.equal(boxList(small), [[2, 2, 6, 6]]);
  assert.equal(findMarks(small, 1), [[2, 2, 6, 6]]);
  assert.equal(
    [0, 1, 2].map((c) => small.image.get(12, 3, c)),
    [9, 8, 7],
  );
  assert.equal(
    [0, 1, 2].map((c) => small.image.get(7, 7, c)),
    [0, 0, 0],
  );
});

test('boxes that scaling leaves with too little are dropped', () => {
  const at = { x: 0, y: 0 };
  const visibility = { minSide: 1, minVisible: 0.5 };
  const wide = markedSample(10, 10, [
    [4, 0, 8, 2],
    [0, 0, 2, 2],
  ]);
  assert.equal(boxList(rescale(wide, 2, { ...at, visibility })), [[0, 0, 4, 4]]);
  assert.equal(boxList(rescale(wide, 2, { ...at, visibility: { minSide: 1, minVisible: 0.2 } })), [
    [8, 0, 10, 4],
    [0, 0, 4, 4],
  ]);
});

test('a factor of 1 changes nothing', () => {
  const same = rescale(sample, 1);
  assert.equal(packedBytes(same.image), packedBytes(sample.image));
  assert.equal(boxList(same), boxList(sample));
  assert.throws(() => rescale(sample, 0), /factor is 0/);
});

test('brightness and contrast', () => {
  const image = rgbImage(1, 2, Uint8Array.of(10, 100, 200, 50, 100, 150));
  const plain = { ...sample, image };
  assert.equal([...packedBytes(brightness(plain, 1.5).image)], [15, 150, 255, 75, 150, 225]);
  assert.equal([...packedBytes(contrast(plain, 1).image)], [10, 100, 200, 50, 100, 150]);
  const mean = (0.299 * 60 + 0.587 * 200 + 0.114 * 350) / 2;
  assert.equal(
    [...packedBytes(contrast(plain, 0).image)],
    Array.from({ length: 6 }, () => Math.round(mean)),
  );
  assert.equal(
    [...packedBytes(contrast(plain, 2).image)].map((v) => Math.min(255, v)),
    [10, 100, 200, 50, 100, 150].map((v) => Math.min(255, Math.max(0, Math.round(2 * v - mean)))),
  );
  assert.equal([...image.data], [10, 100, 200, 50, 100, 150], 'the sample itself stays');
  assert.throws(() => brightness(plain, -1), /factor is -1/);
});

test('augmentation depends on the seed alone, keeps size and sample, and uses every symmetry', async () => {
  const square = markedSample(8, 8, [[1, 2, 5, 4]]);
  const before = packedBytes(square.image).slice();
  const only = { scale: null, brightness: null, contrast: null, hue: null, saturation: null, gain: null };
  const seen = new Set<string>();
  for (let seed = 0; seed < 64; seed++) {
    const once = await augment(square, {}, new Random(seed));
    const again = await augment(square, {}, new Random(seed));
    assert.equal(packedBytes(once.image), packedBytes(again.image));
    assert.equal(once.boxes, again.boxes);
    assert.equal(once.image.shape, [8, 8, 3]);
    const moved = await augment(square, only, new Random(seed));
    assert.equal(boxList(moved), findMarks(moved, 1));
    seen.add(packedBytes(moved.image).join());
  }
  assert.is(seen.size, 8);
  assert.equal(packedBytes(square.image), before);
  const none = await augment(square, { ...only, flipX: false, flipY: false, turn: false }, new Random(3));
  assert.is(none, square);
  for (let seed = 0; seed < 16; seed++)
    assert.equal((await augment(sample, {}, new Random(seed))).image.shape, [7, 9, 3]);
  await rejects(augment(square, { scale: [1.2, 0.8] }, new Random(0)), /scale is \[1.2, 0.8\]/);
});

test.run();
