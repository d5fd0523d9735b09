import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  clipAnnotations,
  clipRing,
  packAnnotations,
  polygonBox,
  ringArea,
  type Ring,
} from '../../src/imagery/geometry.ts';
import { boxList } from '../data/support.ts';

const square: Ring = [
  [10, 20],
  [30, 20],
  [30, 50],
  [10, 50],
  [10, 20],
];

test('the box of a polygon inside the image is its bounds', () => {
  assert.equal(polygonBox([square], 100, 100), [10, 20, 30, 50]);
  const triangle: Ring = [
    [5, 5],
    [25, 5],
    [15, 40],
  ];
  assert.equal(polygonBox([triangle], 100, 100), [5, 5, 25, 40]);
});

test('a polygon across the edge is clipped before its box is computed', () => {
  assert.equal(polygonBox([square], 20, 40), [10, 20, 20, 40]);
  // Of this triangle only the tip is left of x = 10: its box is lower than the clipped box of the whole.
  const triangle: Ring = [
    [0, 50],
    [100, 0],
    [100, 100],
  ];
  assert.equal(polygonBox([triangle], 10, 100, { minSide: 1, minVisible: 0 }), [0, 45, 10, 55]);
  assert.is(Math.abs(ringArea(clipRing(triangle, 10, 100))), 50);
});

test('polygons outside, too thin, hardly visible or without area have no box', () => {
  assert.is(polygonBox([square], 10, 100), null);
  assert.is(polygonBox([square], 10.5, 100, { minSide: 1, minVisible: 0 }), null);
  assert.equal(polygonBox([square], 10.5, 100, { minSide: 0.5, minVisible: 0 }), [10, 20, 10.5, 50]);
  assert.is(polygonBox([square], 13, 100, { minSide: 1, minVisible: 0.2 }), null);
  assert.equal(polygonBox([square], 14, 100, { minSide: 1, minVisible: 0.2 }), [10, 20, 14, 50]);
  assert.is(
    polygonBox(
      [
        [
          [0, 0],
          [50, 50],
          [0, 0],
        ],
      ],
      100,
      100,
    ),
    null,
  );
  assert.is(polygonBox([], 100, 100), null);
  assert.throws(
    () =>
      polygonBox(
        [
          [
            [0, 0],
            [Number.NaN, 1],
            [1, 1],
          ],
        ],
        9,
        9,
      ),
    /corner \(NaN, 1\), expected finite/,
  );
});

test('the box of a polygon that contains the image is the image', () => {
  const around: Ring = [
    [-50, -50],
    [150, -50],
    [150, 150],
    [-50, 150],
  ];
  assert.equal(polygonBox([around], 100, 80, { minSide: 1, minVisible: 0.1 }), [0, 0, 100, 80]);
});

test('annotations are clipped and dropped with their labels', () => {
  const annotations = packAnnotations(
    [
      [-5, -5, 5, 5],
      [90, 90, 190, 190],
      [20, 20, 40, 40],
    ],
    [3, 4, 5],
  );
  const clipped = clipAnnotations(annotations, 100, 100, { minSide: 1, minVisible: 0.2 });
  assert.equal(boxList(clipped), [
    [0, 0, 5, 5],
    [20, 20, 40, 40],
  ]);
  assert.equal([...clipped.labels], [3, 5]);
  assert.throws(() => packAnnotations([[0, 0, 1, 1]], []), /1 boxes and 0 labels/);
});

test.run();
