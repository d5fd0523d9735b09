import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ring } from '../../src/imagery/geometry.ts';
import { groundArea } from '../../src/vector/ground-area.ts';
import { closedRings, summarizeLayer, type OutputFeature } from '../../src/vector/output-layer.ts';

const square = (x: number, y: number, side: number): Ring => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];

test('rings are closed once, and holes go the other way round', () => {
  const outer = square(0, 0, 10);
  const hole = square(2, 2, 3);
  const closed = (ring: Ring): Ring => [...ring, ring[0]!];
  const turned = (ring: Ring): Ring => [...closed(ring)].reverse();
  for (const given of [outer, closed(outer), turned(outer)]) {
    assert.equal(closedRings([given, hole], 'counterclockwise'), [closed(outer), turned(hole)]);
    assert.equal(closedRings([given, turned(hole)], 'clockwise'), [turned(outer), closed(hole)]);
  }
});

test('a summary counts features, rings, closed points and the bytes of texts', () => {
  const features: OutputFeature[] = [
    { polygons: [[square(5, -2, 1)]], properties: { label: 'Bäume', score: 0.5 } },
    { polygons: [[square(0, 0, 4), square(1, 1, 1)], [square(8, 8, 1)]], properties: { label: null, score: null } },
  ];
  const fields = [
    { name: 'label', type: 'text' },
    { name: 'score', type: 'real' },
  ] as const;
  const { textBytes, ...summary } = summarizeLayer(fields, features);
  assert.equal(summary, { count: 2, bounds: [0, -2, 9, 9], isMulti: true, rings: 4, points: 20 });
  assert.equal([...textBytes], [['label', 6]]);
  assert.equal(summarizeLayer(fields, []).bounds, null);
});

test('areas on the ground are those of GeographicLib', () => {
  // PolygonArea of geographiclib-geodesic 2.2 on WGS84, in square metres.
  const cases: [ring: Ring, area: number][] = [
    [
      [
        [-43.2, -0.0001],
        [-43.1999, -0.0001],
        [-43.1999, 0.0001],
        [-43.2, 0.0001],
      ],
      246.1814415940181,
    ],
    [
      [
        [-43.2, -22.9],
        [-43.1998, -22.9001],
        [-43.1996, -22.8998],
        [-43.1999, -22.8997],
      ],
      1022.5772080235183,
    ],
    [
      [
        [10.7, 59.9],
        [10.718, 59.9],
        [10.718, 59.909],
        [10.7, 59.909],
      ],
      1010009.0195102692,
    ],
    [
      [
        [15.6, 78.2],
        [15.6005, 78.2001],
        [15.6004, 78.2004],
      ],
      203.98051476478577,
    ],
  ];
  for (const [ring, area] of cases) {
    for (const turned of [ring, [...ring].reverse()]) {
      const found = groundArea([[turned]]);
      assert.ok(Math.abs(found / area - 1) < 1e-4, `${found}, expected ${area}`);
    }
  }
  const [rio, oslo] = [cases[1]![0], cases[2]![0]];
  assert.ok(Math.abs(groundArea([[rio], [oslo]]) - groundArea([[rio]]) - groundArea([[oslo]])) < 1e-6);
  const hole = square(10.705, 59.903, 0.001);
  assert.ok(Math.abs(groundArea([[oslo, hole]]) - (groundArea([[oslo]]) - groundArea([[hole]]))) < 1e-6);
});

test.run();
