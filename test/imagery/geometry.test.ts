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
import { parseWkt } from '../../src/labels/wkt.ts';
import { boxList } from '../data/support.ts';

const square: Ring = [
  [10, 20],
  [30, 20],
  [30, 50],
  [10, 50],
  [10, 20],
];

test('a polygon inside the image has its bounds as box', () => {
  assert.equal(polygonBox([square], 100, 100), [10, 20, 30, 50]);
  const triangle: Ring = [
    [5, 5],
    [25, 5],
    [15, 40],
  ];
  assert.equal(polygonBox([triangle], 100, 100), [5, 5, 25, 40]);
});

test('a polygon over the edge is clipped before its box is taken', () => {
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

test('polygons outside, too thin, too little visible or without area have no box', () => {
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

test('a polygon that contains the image has the image as box', () => {
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

test('WKT: polygons, holes, Z, several parts, EMPTY', () => {
  assert.equal(parseWkt('POLYGON ((0 0, 10 0, 10 10, 0 0))'), [
    [
      [
        [0, 0],
        [10, 0],
        [10, 10],
        [0, 0],
      ],
    ],
  ]);
  assert.equal(parseWkt('POLYGON((1.5 -2e1 0,3 .5 0,4 4 0))'), [
    [
      [
        [1.5, -20],
        [3, 0.5],
        [4, 4],
      ],
    ],
  ]);
  assert.equal(parseWkt('polygon z ((1 2 3, 4 5 6, 7 8 9))'), [
    [
      [
        [1, 2],
        [4, 5],
        [7, 8],
      ],
    ],
  ]);
  assert.equal(parseWkt('POLYGON ((0 0, 9 0, 9 9), (1 1, 2 1, 2 2))')[0]?.length, 2);
  assert.equal(
    parseWkt('MULTIPOLYGON (((0 0, 1 0, 1 1)), EMPTY, ((5 5, 6 5, 6 6), (5 5, 5 6, 6 6)))').map((p) => p.length),
    [1, 2],
  );
  for (const empty of ['POLYGON EMPTY', 'MULTIPOLYGON EMPTY', ' POLYGON Z EMPTY ']) assert.equal(parseWkt(empty), []);
});

test('WKT: errors say where', () => {
  assert.throws(
    () => parseWkt('LINESTRING (0 0, 1 1)'),
    /expected POLYGON or MULTIPOLYGON but found "LINESTRING" at character 1/,
  );
  assert.throws(() => parseWkt('POLYGON ((0 0, 1 0, 1 1)'), /expected "," or "\)" but found the end/);
  assert.throws(() => parseWkt('POLYGON ((0 0, 1, 1 1))'), /two, three or four numbers but found "," at character 17/);
  assert.throws(() => parseWkt('POLYGON ((0 0; 1 1))'), /unexpected text at character 14/);
  assert.throws(() => parseWkt('POLYGON ((0 0, 1 0, 1 1)) x'), /expected nothing more/);
  assert.throws(() => parseWkt('POLYGON ((0 0, 1e999 0, 1 1))'), /finite/);
  assert.throws(() => parseWkt(''), /found the end of ""/);
});

test.run();
