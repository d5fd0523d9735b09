import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box, Polygon, Ring } from '../../src/imagery/geometry.ts';
import { boxIou } from '../../src/imagery/boxes.ts';
import { loadPolygonGeometry } from '../../src/evaluation/polygon-iou.ts';
import { refuses } from './support.ts';

const geometry = await loadPolygonGeometry();
const ring = ([x1, y1, x2, y2]: Box): Ring => [
  [x1, y1],
  [x2, y1],
  [x2, y2],
  [x1, y2],
];
const close = (got: number, expected: number, what = '') =>
  assert.ok(Math.abs(got - expected) < 1e-9, `${what} got ${got}, expected ${expected}`);
const iou = (a: readonly Polygon[], b: readonly Polygon[]) => geometry.iou(geometry.outline(a), geometry.outline(b));
const iouWithBox = (a: readonly Polygon[], b: Box) => geometry.iou(geometry.outline(a), geometry.boxOutline(b));

/** 20 x 20 with a hole of 10 x 10. */
const frame: Polygon = [ring([0, 0, 20, 20]), ring([5, 5, 15, 15])];
/** Two parts of 10 x 10. */
const parts: Polygon[] = [[ring([0, 0, 10, 10])], [ring([20, 0, 30, 10])]];
const triangle: Polygon[] = [
  [
    [
      [0, 0],
      [10, 0],
      [0, 10],
    ],
  ],
];

test('areas worked out by hand', () => {
  assert.is(geometry.outline([frame]).area, 300);
  assert.is(geometry.outline(parts).area, 200);
  assert.equal(geometry.outline(parts).bounds, [0, 0, 30, 10]);
  assert.is(geometry.outline(triangle).area, 50);
  // Parts that overlap count once; a ring that crosses itself (two triangles) counts both sides.
  assert.is(geometry.outline([[ring([0, 0, 10, 10])], [ring([5, 0, 15, 10])]]).area, 150);
  const bowTie: Ring = [
    [0, 0],
    [10, 10],
    [10, 0],
    [0, 10],
  ];
  assert.is(geometry.outline([[bowTie]]).area, 50);
  // The last corner may repeat the first, and the direction of a ring means nothing.
  assert.is(geometry.outline([[[...ring([0, 0, 4, 4]), [0, 0]]]]).area, 16);
  assert.is(geometry.outline([[ring([0, 0, 20, 20]), [...ring([5, 5, 15, 15])].reverse()]]).area, 300);
});

test('what has no area has an IoU of 0 with everything', () => {
  for (const nothing of [
    [],
    [[]],
    [[[[1, 1]]]],
    [
      [
        [
          [1, 1],
          [5, 1],
          [9, 1],
        ],
      ],
    ],
  ] as Polygon[][]) {
    assert.is(geometry.outline(nothing).area, 0);
    assert.is(iou(nothing, [frame]), 0);
    assert.is(iou(nothing, nothing), 0);
  }
});

test('IoU worked out by hand, by boxes and by outlines', () => {
  const same = (a: readonly Polygon[], b: Box, expected: number) => {
    close(iouWithBox(a, b), expected, 'box');
    close(iou(a, [[ring(b)]]), expected, 'outline that is a box');
    // The same box, to be found by polyclip-ts: a corner cut off so little that it does not matter.
    const [x1, y1, x2, y2] = b;
    const cut: Ring = [
      [x1, y1 + 1e-6],
      [x1 + 1e-6, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ];
    assert.not(geometry.outline([[cut]]).isBox);
    close(iou(a, [[cut]]), expected, 'outline');
  };
  same([frame], [0, 0, 20, 20], 300 / 400);
  same([frame], [5, 5, 15, 15], 0);
  same([frame], [0, 0, 10, 10], 75 / (300 + 100 - 75));
  same(parts, [0, 0, 30, 10], 200 / 300);
  same(parts, [5, 0, 25, 10], 100 / 300);
  same(parts, [11, 0, 19, 10], 0);
  same(triangle, [0, 0, 5, 5], 25 / 50);
  same(triangle, [0, 0, 10, 10], 0.5);
  close(iou([frame], parts), 75 / (300 + 200 - 75));
  close(iou([frame], [frame]), 1);
});

test('what cannot reach the least IoU of interest may be left at 0, and nothing else', () => {
  const [a, b] = [geometry.outline([frame]), geometry.outline(triangle)];
  const value = geometry.iou(a, b);
  // The triangle without the corner of the hole that it reaches: none, as 5 + 5 = 10.
  close(value, 50 / 300);
  assert.is(geometry.iou(a, b, value), value);
  assert.is(geometry.iou(a, b, 0.9), 0);
});

test('coordinates that are not finite are refused', () => {
  refuses(
    () =>
      geometry.outline([
        [
          [
            [0, 0],
            [NaN, 1],
            [1, 1],
          ],
        ],
      ]),
    'outline: corner (NaN, 1), expected finite coordinates',
  );
});

const side = fc.double({ min: 0.5, max: 50, noNaN: true });
const place = fc.double({ min: -30, max: 30, noNaN: true });
const box = fc.tuple(place, place, side, side).map(([x, y, w, h]): Box => [x, y, x + w, y + h]);
/** Corners on a grid, as label files have them: polyclip-ts is not exact where corners differ by rounding alone. */
const onGrid = (value: number) => Math.round(value * 1000) / 1000;
/** A ring around a centre, so that it does not cross itself. */
const star = fc
  .tuple(place, place, fc.array(fc.double({ min: 2, max: 30, noNaN: true }), { minLength: 3, maxLength: 9 }))
  .map(([x, y, radii]): Ring =>
    radii.map((radius, k) => {
      const angle = (2 * Math.PI * k) / radii.length;
      return [onGrid(x + radius * Math.cos(angle)), onGrid(y + radius * Math.sin(angle))];
    }),
  );

test('outlines that are boxes have the IoU of boxes', () => {
  fc.assert(
    fc.property(box, box, (a, b) => {
      const expected = boxIou(Float64Array.from(a), 0, Float64Array.from(b), 0);
      close(iou([[ring(a)]], [[ring(b)]]), expected);
      close(iouWithBox([[ring(a)]], b), expected);
    }),
    { numRuns: 200 },
  );
});

test('clipping to a box and polyclip-ts agree on any outline', () => {
  fc.assert(
    fc.property(star, star, box, (outer, second, other) => {
      const shape = geometry.outline([[outer], [second]]);
      const whole = geometry.boxOutline(other.map(onGrid) as unknown as Box);
      const clipped = geometry.iou(shape, whole);
      assert.is(geometry.iou(whole, shape), clipped);
      // Not known to be a box, it is left to polyclip-ts.
      const general = geometry.iou(shape, { ...whole, isBox: false });
      assert.ok(Math.abs(general - clipped) < 1e-5, `${general} and ${clipped}`);
    }),
    { numRuns: 100 },
  );
});

test('corners that lie on an edge but for rounding do not stop polyclip-ts', () => {
  // polyclip-ts 0.16 cannot close a ring of these two as they are.
  const shape = geometry.outline([
    [
      [
        [2, 0],
        [-0.9999999999999996, 1.7320508075688774],
        [-1.0000000000000009, -1.732050807568877],
      ],
    ],
    [
      [
        [4.744370935990117, 0],
        [-2.617126076533117, 4.5329953343687555],
        [-1.0000000000000009, -1.732050807568877],
      ],
    ],
  ]);
  const other = geometry.boxOutline([0, 5e-324, 4.744370935990117, 0.5]);
  const expected = geometry.iou(shape, other);
  assert.ok(expected > 0.1);
  assert.ok(Math.abs(geometry.iou(shape, { ...other, isBox: false }) - expected) < 1e-5);
});

test.run();
