import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { boxIou, boxIouFloat32, coveredFraction, pairwiseIou, suppress } from '../../src/imagery/boxes.ts';
import { refuses } from '../evaluation/support.ts';
import { boundsOf } from '../../src/imagery/geometry.ts';

const iou = (a: number[], b: number[]) => boxIou(Float32Array.from(a), 0, Float32Array.from(b), 0);

test('IoU of boxes worked out by hand', () => {
  assert.is(iou([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  assert.is(iou([0, 0, 10, 10], [0, 0, 10, 5]), 0.5);
  assert.is(iou([0, 0, 2, 2], [1, 1, 3, 3]), 1 / 7);
  assert.is(iou([0, 0, 4, 4], [1, 1, 2, 3]), 2 / 16);
  assert.is(iou([-3, -3, 0.5, 1], [-1, 0, 0.5, 2]), 1.5 / (14 + 3 - 1.5));
});

test('boxes that touch, lie apart or have no area have an IoU of 0', () => {
  assert.is(iou([0, 0, 1, 1], [1, 0, 2, 1]), 0);
  assert.is(iou([0, 0, 1, 1], [0, 1, 1, 2]), 0);
  assert.is(iou([0, 0, 1, 1], [5, 5, 6, 6]), 0);
  assert.is(iou([1, 1, 1, 1], [1, 1, 1, 1]), 0);
  assert.is(iou([0, 0, 0, 9], [0, 0, 9, 9]), 0);
  assert.is(iou([2, 0, 1, 1], [0, 0, 4, 4]), 0, 'corners in the wrong order');
});

test('areas are taken in float64', () => {
  // In float32 the area 4097 * 4097 = 16785409 would be rounded to 16785408.
  assert.is(iou([0, 0, 4097, 4097], [0, 0, 4097, 1]), 4097 / 16785409);
});

test('pairwise IoU has the boxes of the first list as rows', () => {
  const a = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3);
  const b = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3, 9, 9, 10, 10);
  assert.equal([...pairwiseIou(a, b)], [1, 1 / 7, 0, 1 / 7, 1, 0]);
  assert.equal([...pairwiseIou(new Float32Array(0), b)], []);
  refuses(() => pairwiseIou(new Float32Array(5), b), 'pairwiseIou: 5 box numbers, expected four per box');
});

test('IoU in float32 rounds after each operation, and is NaN for two boxes without area', () => {
  // The area 16785409 is rounded to 16785408.
  assert.is(boxIouFloat32([0, 0, 4097, 4097], [0, 0, 4097, 1]), Math.fround(4097 / 16785408));
  assert.ok(Number.isNaN(boxIouFloat32([1, 1, 1, 1], [2, 2, 2, 2])));
  assert.is(boxIouFloat32([0, 0, 1, 1], [5, 5, 6, 6]), 0);
});

test('the covered fraction is relative to the first box', () => {
  assert.is(coveredFraction([0, 0, 4, 4], [2, 0, 9, 9]), 0.5);
  assert.is(coveredFraction([2, 0, 9, 9], [0, 0, 4, 4]), 8 / 63);
  assert.is(coveredFraction([1, 1, 1, 5], [0, 0, 9, 9]), 0);
});

test('bounds hold all points', () => {
  assert.equal(
    boundsOf([
      [3, -1],
      [-2, 5],
      [0, 0],
    ]),
    [-2, -1, 3, 5],
  );
});

test('suppression keeps the highest score of each group, and a grid changes nothing', () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random('suppress', seed);
    const boxes = Array.from({ length: 60 }, () => {
      const [x, y] = [random.uniform(-20, 80), random.uniform(-20, 80)];
      const box = Float32Array.of(x, y, x + random.uniform(1, 30), y + random.uniform(1, 30));
      return { box, score: random.int(20) / 20, label: random.int(2) };
    });
    const iou = (a: Float32Array, b: Float32Array) => boxIou(a, 0, b, 0);
    const kept = suppress(boxes, 0.3, iou);
    for (const cell of [7, 50]) assert.equal(suppress(boxes, 0.3, iou, cell), kept);
    const rank = (one: (typeof boxes)[number]) => kept.indexOf(one);
    kept.forEach(({ score }, i) => assert.ok(i === 0 || kept[i - 1]!.score >= score));
    for (const one of boxes) {
      const rivals = kept.filter((k) => k !== one && k.label === one.label && iou(k.box, one.box) > 0.3);
      // Kept boxes do not overlap; each dropped one overlaps a kept one with at least its score.
      if (rank(one) >= 0) assert.is(rivals.length, 0);
      else assert.ok(rivals.some(({ score }) => score >= one.score));
    }
  }
});

test.run();
