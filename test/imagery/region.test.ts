import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import type { Point, Polygon, Ring } from '../../src/imagery/geometry.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { Raster } from '../../src/imagery/raster.ts';
import { partOfRaster, Region } from '../../src/imagery/region.ts';

const size = { width: 90, height: 70 };
const whole = { x: 0, y: 0, ...size };
const square = (x1: number, y1: number, x2: number, y2: number): Ring => [
  [x1, y1],
  [x2, y1],
  [x2, y2],
  [x1, y2],
];

/** A ring around a centre, not convex, with corners anywhere. */
function star(random: Random, [x, y]: Point, radius: number, corners: number): Ring {
  return Array.from({ length: corners }, (_, i): Point => {
    const angle = ((i + random.uniform(0, 0.9)) / corners) * 2 * Math.PI;
    const distance = radius * random.uniform(0.4, 1);
    return [x + distance * Math.cos(angle), y + distance * Math.sin(angle)];
  });
}

/** Whether the angles under which a point sees the edges of a ring add up to a turn: another rule than the one tested. */
function winds(ring: Ring, [x, y]: Point): boolean {
  let sum = 0;
  ring.forEach((corner, i) => {
    const next = ring[(i + 1) % ring.length]!;
    const [a, b] = [Math.atan2(corner[1] - y, corner[0] - x), Math.atan2(next[1] - y, next[0] - x)];
    sum += Math.atan2(Math.sin(b - a), Math.cos(b - a));
  });
  return Math.abs(sum) > Math.PI;
}

const isIn = ([outer, ...holes]: Polygon, at: Point): boolean =>
  winds(outer!, at) && !holes.some((hole) => winds(hole, at));

test('a mask has the pixels whose centres lie in random polygons with holes, in windows of any place', () => {
  for (let seed = 0; seed < 8; seed++) {
    const random = new Random('region', seed);
    const polygons = (count: number): Polygon[] =>
      Array.from({ length: count }, () => {
        const centre: Point = [random.uniform(-10, 100), random.uniform(-10, 80)];
        const radius = random.uniform(5, 50);
        return [star(random, centre, radius, 11), star(random, centre, radius * 0.35, 6)];
      });
    const [within, without] = [polygons(4), polygons(2)];
    const region = new Region(size, within, without);
    const expected = (x: number, y: number): boolean =>
      within.some((one) => isIn(one, [x, y])) && !without.some((one) => isIn(one, [x, y]));
    for (const window of [whole, { x: 13, y: 7, width: 31, height: 40 }, { x: 89, y: 69, width: 1, height: 1 }]) {
      const mask = region.mask(window);
      const part = region.inside(window);
      const resampled = part.resampled([0.5, 2]);
      for (let i = 0; i < mask.length; i++) {
        const [column, row] = [i % window.width, Math.floor(i / window.width)];
        const [x, y] = [window.x + column + 0.5, window.y + row + 0.5];
        assert.is(mask[i] === 1, expected(x, y), `seed ${seed}: (${x}, ${y})`);
        assert.is(region.contains(x, y), expected(x, y));
        assert.is(part.contains(column + 0.5, row + 0.5), expected(x, y));
        assert.is(resampled.contains(2 * column + 1, row / 2 + 0.25), expected(x, y));
      }
      assert.equal(part.mask({ x: 0, y: 0, width: window.width, height: window.height }), mask);
      assert.is(region.touches(window), mask.includes(1));
    }
  }
});

test('pixels whose centre lies on an edge belong to one of two neighbours', () => {
  const left = new Region(size, [[square(3.5, 2.5, 10.5, 9.5)]], []).mask(whole);
  const right = new Region(size, [[square(10.5, 2.5, 20, 9.5)]], []).mask(whole);
  assert.not(left.some((one, i) => one === 1 && right[i] === 1));
  assert.is(
    left.reduce((sum, one) => sum + one, 0),
    7 * 7,
  );
  assert.equal([left[2 * 90 + 3], left[2 * 90 + 10], right[2 * 90 + 10]], [1, 0, 1]);
});

test('a region without an inside is everything else, and its bounds are those of its polygons in the image', () => {
  const rest = new Region(size, null, [[square(0, 0, 45, 70)]]);
  assert.equal(rest.bounds, whole);
  assert.equal([rest.contains(44, 3), rest.contains(46, 3)], [false, true]);
  const corner = new Region(size, [[square(-20, 60.2, 4.7, 300)]], []);
  assert.equal(corner.bounds, { x: 0, y: 60, width: 5, height: 10 });
  assert.equal(corner.inside({ x: 2, y: 65, width: 20, height: 5 }).bounds, { x: 0, y: 0, width: 3, height: 5 });
  // No pixel centre, although the polygon has a part in the image.
  assert.not(new Region(size, [[square(3.6, 3.6, 4.4, 4.4)]], []).touches(whole));
  assert.not(new Region(size, [[square(100, 0, 120, 20)]], []).touches(whole));
  assert.is(new Region(size, [[square(100, 0, 120, 20)]], []).bounds.width, 0);
});

test('a raster of any size is asked without a mask of it', () => {
  const huge = { width: 400_000, height: 400_000 };
  const region = new Region(huge, [[square(399_000, 399_000, 399_010, 399_004)]], []);
  assert.ok(region.touches({ x: 0, y: 0, ...huge }));
  assert.not(region.touches({ x: 0, y: 0, width: 390_000, height: 400_000 }));
});

test('a part of a raster is read alone, and the rest has no data', async () => {
  const image = rgbImage(6, 8);
  image.data.forEach((_, i) => (image.data[i] = i));
  const windows: object[] = [];
  const raster = { path: 'x', width: 8, height: 6, affine: null, epsg: null, geographic: null } as const;
  const source: Raster = {
    ...raster,
    read: async (window) => {
      windows.push(window);
      const { x, y, width, height } = window;
      return { image: image.lo(y, x, 0).hi(height, width, 3), valid: null };
    },
    close: async () => {},
  };
  const part = partOfRaster(source, { x: 2, y: 1, width: 3, height: 2 });
  const read = await part.read({ x: 1, y: 0, width: 3, height: 6 });
  assert.equal([...read.valid!], [0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  for (const [y, x] of [
    [1, 2],
    [2, 3],
  ] as const)
    assert.is(read.image.get(y, x - 1, 1), image.get(y, x, 1));
  assert.is(read.image.get(0, 1, 1), 0);
  assert.is((await part.read({ x: 2, y: 1, width: 2, height: 2 })).valid, null);
  assert.equal((await part.read({ x: 5, y: 4, width: 2, height: 2 })).valid, new Uint8Array(4));
  assert.equal(windows, [
    { x: 2, y: 1, width: 2, height: 2 },
    { x: 2, y: 1, width: 2, height: 2 },
  ]);
});

test.run();
