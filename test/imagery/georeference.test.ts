import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundsOnMap, groundResolution, projectionOf, type Affine } from '../../src/imagery/georeference.ts';

const image = (affine: Affine | null, epsg: number | null, geographic: boolean | null = false) => ({
  width: 100,
  height: 200,
  affine,
  epsg,
  geographic,
});
const near = (found: number | null, expected: number): void =>
  assert.ok(found !== null && Math.abs(found / expected - 1) < 5e-3, `${found}, expected ${expected}`);

test('ground resolution in metres', () => {
  const [sin, cos] = [Math.sin(0.4), Math.cos(0.4)];
  near(groundResolution(image([0.5, 0, 6e5, 0, -0.5, 4e6], 32611)), 0.5);
  near(groundResolution(image([0.5 * cos, 0.5 * sin, 6e5, 0.5 * sin, -0.5 * cos, 4e6], 25832)), 0.5);
  // In degrees and on Mercator's map: as far as the neighbour lies in UTM, whose scale is 0.9996 at its central meridian.
  const [lon, lat] = [-117, 36];
  const utm = projectionOf(32611)!;
  const mercator = projectionOf(3857)!;
  const degrees = 1e-5;
  const side = (dx: number, dy: number): number => {
    const [[ax, ay], [bx, by]] = [utm(lon, lat), utm(lon + dx, lat + dy)];
    return Math.hypot(bx - ax, by - ay) / 0.9996;
  };
  const expected = Math.sqrt(side(degrees, 0) * side(0, degrees));
  near(groundResolution(image([degrees, 0, lon, 0, -degrees, lat], 4326, true)), expected);
  const [x, y] = mercator(lon, lat);
  const pixel = mercator(lon + degrees, lat)[0] - x;
  near(groundResolution(image([pixel, 0, x, 0, -pixel, y], 3857)), side(degrees, 0));
});

test('the resolution is unknown without a georeference and where the unit is not known', () => {
  assert.is(groundResolution(image(null, 32611)), null);
  assert.is(groundResolution(image([0.5, 0, 6e5, 0, -0.5, 4e6], 2229)), null, 'US survey feet');
  assert.is(groundResolution(image([0.5, 0, 6e5, 0, -0.5, 4e6], null, null)), null);
  assert.is(groundResolution(image([0.5, 0, 6e5, 0, 0, 4e6], 32611)), null, 'no area');
});

test('bounds of a rotated image', () => {
  assert.equal(boundsOnMap([0, 2, 10, 3, 0, 20], 5, 7), [10, 20, 24, 35]);
  assert.equal(boundsOnMap([1, 0, 10, 0, -1, 20], 5, 7), [10, 13, 15, 20]);
});

test.run();
