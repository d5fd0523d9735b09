import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWkt, parseWktGeometry } from '../../src/labels/wkt.ts';

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

test('WKT: points and lines', () => {
  const points = (text: string): unknown => parseWktGeometry(text).points;
  assert.equal(parseWktGeometry('Point Z (1 2.5 3)'), { type: 'POINT', polygons: [], points: [[1, 2.5]] });
  assert.equal(points('MULTIPOINT (1 2, 3 4)'), points('MULTIPOINT ((1 2), (3 4))'));
  assert.equal(points('LINESTRING (1 2, 3 4)'), points('MULTILINESTRING ((1 2), (3 4))'));
  assert.equal(points('POINT EMPTY'), []);
  assert.is(parseWktGeometry('POLYGON ((0 0, 1 0, 1 1))').polygons.length, 1);
  assert.throws(() => parseWkt('POINT (1 2)'), /expected POLYGON or MULTIPOLYGON but found "POINT" at character 1/);
  assert.throws(() => parseWktGeometry('CIRCLE (1 2)'), /expected POLYGON or .* or MULTILINESTRING but found "CIRCLE"/);
  assert.throws(() => parseWktGeometry('MULTIPOINT ((1 2, 3 4))'), /expected "\)" but found ","/);
});

test.run();
