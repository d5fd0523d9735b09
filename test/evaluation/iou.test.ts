import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boxIou, pairwiseIou } from '../../src/evaluation/iou.ts';
import { refuses } from './support.ts';

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

test.run();
