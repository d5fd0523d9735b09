import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorOf } from '../../support/errors.ts';
import { applyAffine, projectionOf } from '../../../src/imagery/georeference.ts';
import { tileGrid } from '../../../src/imagery/node/tiles/grid.ts';

/** Metres, as GDAL 3.6 computes them (gdaltransform from OGC:CRS84 to EPSG:3857) for 13.4 E, 52.5 N. */
const BERLIN = [1491681.17662987, 6891041.72389159] as const;
const WORLD = 40_075_016.685578488;

test('the world at level 1: four tiles, from corner to corner of EPSG:3857', () => {
  const limit = 85.05112877980659;
  const grid = tileGrid([-180, -limit, 180, limit], 1, 256);
  assert.equal([grid.left, grid.top, grid.width, grid.height], [0, 0, 512, 512]);
  assert.equal([grid.firstColumn, grid.firstRow, grid.columns, grid.rows], [0, 0, 2, 2]);
  assert.equal(grid.affine, [WORLD / 512, 0, -WORLD / 2, 0, -WORLD / 512, WORLD / 2]);
});

test('pixels lie where GDAL and the projection put them, for both sizes of tiles', () => {
  for (const tileSize of [256, 512]) {
    const grid = tileGrid([13.4, 52.49, 13.41, 52.5], 18, tileSize);
    const pixel = WORLD / (tileSize * 2 ** 18);
    assert.is(grid.affine[0], pixel);
    assert.is(grid.affine[4], -pixel);
    // The area is extended to whole pixels: by less than one to the west and the north, and to the east and the south.
    const [west, north] = applyAffine(grid.affine, 0, 0);
    assert.ok(west <= BERLIN[0] && BERLIN[0] - west < pixel, `${west}`);
    assert.ok(north >= BERLIN[1] && north - BERLIN[1] < pixel, `${north}`);
    const [east, south] = applyAffine(grid.affine, grid.width, grid.height);
    const corner = projectionOf(3857)!(13.41, 52.49);
    assert.ok(east >= corner[0] && east - corner[0] < pixel, `${east}`);
    assert.ok(south <= corner[1] && corner[1] - south < pixel, `${south}`);
    // The tile by the formula of the OpenStreetMap wiki ("Slippy map tilenames").
    const n = 2 ** 18;
    const lat = (52.5 * Math.PI) / 180;
    const row = Math.floor(((1 - Math.log(Math.tan(lat) + 1 / Math.cos(lat)) / Math.PI) / 2) * n);
    assert.equal([grid.firstColumn, grid.firstRow], [Math.floor(((13.4 + 180) / 360) * n), row]);
    assert.is(grid.left, Math.round((west + WORLD / 2) / pixel));
    assert.is(grid.top, Math.round((WORLD / 2 - north) / pixel));
  }
});

test('an area on borders of tiles has these tiles only', () => {
  // At level 7 a tile is 2.8125 degrees wide; its north and south are the inverse of the projection.
  const latOf = (row: number): number => (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / 128))) * 180) / Math.PI;
  for (let column = 0; column < 128; column += 9) {
    const grid = tileGrid([column * 2.8125 - 180, latOf(43), (column + 2) * 2.8125 - 180, latOf(40)], 7, 512);
    assert.equal([grid.firstColumn, grid.firstRow, grid.columns, grid.rows], [column, 40, 2, 3]);
    assert.equal([grid.left, grid.top, grid.width, grid.height], [column * 512, 40 * 512, 1024, 1536]);
  }
  const point = tileGrid([10, 50, 10.0000001, 50.0000001], 10, 256);
  assert.equal([point.width, point.height, point.columns, point.rows], [1, 1, 1, 1]);
});

test('areas that cannot be are refused with what is expected', async () => {
  for (const [bbox, pattern] of [
    [[170, -10, -170, 10], /across the antimeridian is read in two parts, 170,-10,180,10 and -180,-10,-170,10$/],
    [[10, 50, 10, 51], /the area 10,50,10,51 is empty, expected west < east and south < north/],
    [[10, 51, 11, 50], /is empty/],
    [[10, 50, 11, 86], /a latitude beyond 85.0511 degrees, where Web Mercator ends/],
    [[10, 50, 190, 51], /a longitude beyond 180 degrees/],
    [[10, 50, Number.NaN, 51], /is not four numbers/],
  ] as const) {
    assert.match((await errorOf(() => tileGrid(bbox, 10, 256))).message, pattern);
  }
});

test.run();
