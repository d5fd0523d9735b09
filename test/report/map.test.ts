import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Affine } from '../../src/imagery/georeference.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { readWebp } from '../../src/imagery/node/webp.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import type { MapImage, MapObject } from '../../src/report/map/contents.ts';
import { mapPage } from '../../src/report/map/page.ts';
import { lonLatGrid, pixelOnGround, placeImages } from '../../src/report/map/placement.ts';
import { firstLevel, pyramidTiles, tileGrid, topLevel, type PyramidTile } from '../../src/report/map/pyramid.ts';
import { writeMap } from '../../src/report/node/write-map.ts';
import { crsOfEpsg, WGS84 } from '../../src/vector/crs.ts';
import { transformation } from '../../src/vector/transformation.ts';
import { temporaryFolder } from '../support/files.ts';
import { errorOf, rejects } from '../support/errors.ts';
import { memoryRaster } from './support.ts';

const evil = `</script><script>alert("1")</script> & 'x' <img src=x onerror=y>`;

/** An image whose levels are made by a function. */
function painted(width: number, height: number, level: (x: number, y: number, channel: number) => number): RgbImage {
  const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return level(pixel % width, Math.floor(pixel / width), i % 3);
  });
  return rgbImage(height, width, bytes);
}

async function tilesOf(raster: Parameters<typeof pyramidTiles>[0], first?: number): Promise<Map<string, PyramidTile>> {
  const tiles = new Map<string, PyramidTile>();
  for await (const tile of pyramidTiles(raster, first)) tiles.set(`${tile.level}/${tile.column}/${tile.row}`, tile);
  return tiles;
}

test('a level has half the pixels of the one below, and a tile at most 256 x 256', () => {
  assert.equal(tileGrid(4000, 1000, 0), { columns: 16, rows: 4 });
  assert.equal(tileGrid(4000, 1000, 1), { columns: 8, rows: 2 });
  assert.equal(tileGrid(513, 1, 1), { columns: 2, rows: 1 });
  assert.equal(
    [topLevel(1, 1), topLevel(256, 256), topLevel(257, 3), topLevel(513, 3), topLevel(4000, 10)],
    [0, 0, 1, 2, 4],
  );
  assert.is(firstLevel(4000, 4000, 256), 0);
  assert.is(firstLevel(4000, 4000, 255), 1);
  assert.is(firstLevel(4000, 4000, 1), 4);
});

test('every pixel of a level is the mean of the pixels below it, with halves rounded up', async () => {
  // Sides that are not divisible by 256, nor the first level's by 2.
  const [width, height] = [1101, 777];
  const level = (x: number, y: number, c: number): number => (x * 37 + y * 91 + ((x * y) % 17) * 11 + c * 50) % 256;
  const image = painted(width, height, level);
  const raster = memoryRaster(image);
  const tiles = await tilesOf(raster);
  let [w, h, below] = [width, height, (x: number, y: number, c: number): number => image.get(y, x, c)];
  for (let k = 0; k <= 3; k++) {
    const { columns, rows } = tileGrid(width, height, k);
    const at = (x: number, y: number, c: number): number => {
      const { image } = tiles.get(`${k}/${Math.floor(x / 256)}/${Math.floor(y / 256)}`)!;
      return image.get(y % 256, x % 256, c);
    };
    assert.is([...tiles.keys()].filter((name) => name.startsWith(`${k}/`)).length, columns * rows);
    assert.equal(tiles.get(`${k}/${columns - 1}/${rows - 1}`)!.image.shape, [
      h - 256 * (rows - 1),
      w - 256 * (columns - 1),
      3,
    ]);
    for (let y = 0; y < h; y += 3) {
      for (let x = 0; x < w; x++)
        for (let c = 0; c < 3; c++) assert.is(at(x, y, c), below(x, y, c), `${k}: ${x}, ${y}`);
    }
    const [lastW, lastH] = [w, h];
    [w, h] = [Math.ceil(w / 2), Math.ceil(h / 2)];
    below = (x, y, c) => {
      const values = [];
      for (const v of [2 * y, 2 * y + 1])
        for (const u of [2 * x, 2 * x + 1]) if (u < lastW && v < lastH) values.push(at(u, v, c));
      return Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length + 0.5);
    };
  }
  assert.is(Math.max(...[...tiles.values()].map((tile) => tile.level)), 3);
  assert.ok([...tiles.values()].every(({ valid, isEmpty }) => valid === null && !isEmpty));
  const read = raster.windows.reduce((sum, window) => sum + window.width * window.height, 0);
  assert.is(read, width * height, 'every pixel is read once');
});

test('pixels without data do not count, and what has none is empty', async () => {
  const [width, height] = [700, 300];
  // Without data: the left half of the first tile's columns up to 100, and everything from column 512 on.
  const hasData = (x: number): boolean => x >= 101 && x < 512;
  const valid = Uint8Array.from({ length: width * height }, (_, i) => Number(hasData(i % width)));
  const raster = memoryRaster(
    painted(width, height, (x) => (hasData(x) ? 200 : 0)),
    { valid },
  );
  const tiles = await tilesOf(raster);
  assert.is(tiles.get('0/1/0')!.valid, null, 'all pixels of this tile have data');
  assert.ok(tiles.get('0/2/0')!.isEmpty && tiles.get('0/2/1')!.isEmpty);
  const { image, valid: inside, isEmpty } = tiles.get('1/0/0')!;
  assert.not(isEmpty);
  // Column 50 of level 1 covers column 100, without data, and 101.
  assert.equal([inside![49], inside![50], inside![255]], [0, 1, 1]);
  assert.equal([image.get(0, 49, 0), image.get(0, 50, 0), image.get(0, 51, 0)], [0, 200, 200], 'no darker edge');
  assert.ok(tiles.get('1/1/0')!.isEmpty);
});

test('a coarser first level has the same pixels as in the whole pyramid', async () => {
  const image = painted(600, 520, (x, y, c) => (x * y + c) % 256);
  const [all, some] = [await tilesOf(memoryRaster(image)), await tilesOf(memoryRaster(image), 1)];
  assert.equal(
    [...some.keys()],
    [...all.keys()].filter((name) => !name.startsWith('0/')),
  );
  for (const [name, tile] of some) assert.equal(tile.image.data, all.get(name)!.image.data);
});

const north = (c: number, f: number, size = 0.5): Affine => [size, 0, c, 0, -size, f];
const utm = { width: 300, height: 300, epsg: 32611, geographic: false } as const;

test('tiles of an orthophoto share a plane, everything else has its own', () => {
  assert.equal(
    placeImages([
      { ...utm, affine: north(1000, 5000) },
      { ...utm, affine: north(1150, 4850.25) },
      { ...utm, affine: north(1000, 5000), epsg: 32612 },
      { ...utm, affine: north(1000, 5000, 0.3) },
      { ...utm, affine: null },
      { ...utm, affine: null },
      { ...utm, affine: [0.5, 0.1, 1000, 0.1, -0.5, 5000] },
      { ...utm, affine: north(850, 5000) },
    ]),
    [
      { plane: 0, x: 0, y: 0 },
      { plane: 0, x: 300, y: 299.5 },
      { plane: 1, x: 0, y: 0 },
      { plane: 2, x: 0, y: 0 },
      { plane: 3, x: 0, y: 0 },
      { plane: 4, x: 0, y: 0 },
      { plane: 5, x: 0, y: 0 },
      { plane: 0, x: -300, y: 0 },
    ],
  );
});

test('pixels in metres', () => {
  assert.equal(pixelOnGround({ ...utm, affine: north(440_720, 3_751_320) }), [0.5, 0.5]);
  assert.is(pixelOnGround({ ...utm, affine: null }), null);
  const degrees = { ...utm, epsg: 4326, geographic: true, affine: [1e-5, 0, 10, 0, -1e-5, 60.0015] as Affine };
  const [width, height] = pixelOnGround(degrees)!;
  assert.ok(Math.abs(height - 1.113) < 0.001 && Math.abs(width - height / 2) < 0.001, `${width} x ${height}`);
});

test('longitude and latitude as of gdaltransform, interpolated within an image', async () => {
  const { apply } = await transformation(crsOfEpsg(32611), WGS84);
  // 20 km.
  const image = { ...utm, width: 40_000, height: 40_000, affine: north(440_720, 3_751_320) };
  const grid = lonLatGrid(image, apply)!;
  assert.is(grid.length, 9);
  const weights = (t: number): number[] => [(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)];
  for (const [x, y, lon, lat] of [
    [440_720, 3_751_320, -117.641169915169, 33.9006018372693],
    [442_462.87, 3_750_776.56, -117.622284494049, 33.8957974715047],
  ] as const) {
    const [u, v] = [weights((x - 440_720) / 20_000), weights((3_751_320 - y) / 20_000)];
    const value = (axis: 0 | 1): number =>
      grid.reduce((sum, point, k) => sum + point[axis] * u[k % 3]! * v[Math.floor(k / 3)]!, 0);
    assert.ok(Math.abs(value(0) - lon) < 1e-5 && Math.abs(value(1) - lat) < 1e-5, `${value(0)}, ${value(1)}`);
  }
  assert.is(lonLatGrid({ ...image, affine: null }, apply), null);
  assert.is(
    lonLatGrid(image, () => null),
    null,
  );
});

/** What detections.js assigns. */
interface MapData {
  readonly shared: {
    readonly title: string;
    readonly threshold: number;
    readonly classes: { readonly name: string }[];
  };
  readonly images: (Omit<MapImage, 'raster'> & {
    readonly [K in 'boxes' | 'labels' | 'scores' | 'tiles']: readonly (number | string | null)[];
  } & { readonly kinds: string | null; readonly first: number; readonly top: number })[];
}

/** Runs detections.js of a map. */
function dataOf(folder: string): MapData {
  const context: { retinagradMap?: MapData } = {};
  vm.runInNewContext(readFileSync(join(folder, 'detections.js'), 'utf8'), context);
  // Objects of another context have other prototypes, which `assert.equal` would notice.
  return JSON.parse(JSON.stringify(context.retinagradMap)) as MapData;
}

const folder = temporaryFolder();
const town = memoryRaster(painted(300, 260, (x, y, c) => (c === 0 ? 200 : x < 150 ? 40 : 90 + y / 8)));
const contents = { title: 'title', classes: ['car', 'ship'], threshold: 0.5 } as const;
const car: MapObject = { label: 0, box: [10, 20.126, 30.5, 40], score: Math.fround(0.9) };

test('a map has the page, its programs, the tiles and the objects', async () => {
  const map = join(folder, 'a/map');
  const seen: number[] = [];
  const objects: MapObject[] = [
    car,
    { kind: 'miss', label: 1, box: [0, 0, 300, 260] },
    { ...car, kind: 'hit', label: 1 },
  ];
  const written = await writeMap(
    map,
    { ...contents, title: evil, classes: [evil, 'ship'], images: [{ name: `${evil}\u2028`, raster: town, objects }] },
    {
      onProgress: ({ image, done, total }) => {
        assert.is(image, `${evil}\u2028`);
        assert.is(total, 5);
        seen.push(done);
      },
    },
  );
  assert.equal(written, { file: join(map, 'index.html'), images: 1, objects: 3, reduced: [] });
  assert.equal(seen, [1, 2, 3, 4, 5]);
  const files = readdirSync(map).sort();
  assert.equal(files, [
    'detections.js',
    'index.html',
    'layers.js',
    'leaflet-licence.txt',
    'leaflet.css',
    'leaflet.js',
    'objects.js',
    'tiles',
    'viewer.css',
    'viewer.js',
  ]);
  const { shared, images } = dataOf(map);
  assert.is(shared.title, evil);
  assert.is(shared.classes[0]!.name, evil);
  const { name, boxes, labels, scores, kinds, tiles, first, top } = images[0]!;
  assert.is(name, `${evil}\u2028`);
  assert.equal(boxes, [1000, 2013, 3050, 4000, 0, 0, 30000, 26000, 1000, 2013, 3050, 4000]);
  assert.equal([labels, scores, kinds], [[0, 1, 1], [900_000, null, 900_000], '021']);
  assert.equal([tiles, first, top], [['1111', '1'], 0, 1]);
  assert.not(readFileSync(join(map, 'detections.js'), 'utf8').includes('<'));
  const tile = await readWebp(join(map, 'tiles/0/0/1-1.webp'));
  assert.equal(tile.shape, [4, 44, 3]);
  for (const [c, value] of [200, 122, 122].entries()) assert.ok(Math.abs(tile.get(2, 20, c) - value) < 12);
});

test('markup in names is text', () => {
  const html = mapPage(evil);
  assert.is(html.match(/<script/g)!.length, 5, 'only the scripts of the page');
  assert.not.match(html, /<img|onerror=y>|alert\("/);
  assert.not.match(html, /(?:src|href)="(?:https?:|\/)/);
  const ids = Array.from(html.matchAll(/\sid="([^"]*)"/g), ([, id]) => id);
  assert.is(new Set(ids).size, ids.length, 'ids are unique');
  for (const [, id] of html.matchAll(/(?:for|aria-labelledby)="([^"]*)"/g)) assert.ok(ids.includes(id), id);
});

test('large images start at a coarser level, and tiles without data have no file', async () => {
  const map = join(folder, 'coarse');
  const valid = Uint8Array.from({ length: 600 * 300 }, (_, i) => Number(i % 600 < 520));
  const raster = memoryRaster(
    painted(600, 300, () => 90),
    { valid },
  );
  const { reduced } = await writeMap(
    map,
    { ...contents, images: [{ name: 'a', raster, objects: [] }] },
    { maxTiles: 4 },
  );
  assert.equal(reduced, ['a']);
  const [{ tiles, first, top }] = dataOf(map).images as [MapData['images'][number]];
  assert.equal([tiles, first, top], [['11', '1'], 1, 2]);
  assert.equal(readdirSync(join(map, 'tiles/0')).sort(), ['1', '2']);
  const empty = memoryRaster(
    painted(300, 10, () => 0),
    { valid: Uint8Array.from({ length: 3000 }, (_, i) => Number(i % 300 < 200)) },
  );
  await writeMap(map, { ...contents, images: [{ name: 'b', raster: empty, objects: [] }] });
  assert.equal(dataOf(map).images[0]!.tiles, ['10', '1'], 'the earlier map is replaced');
  assert.equal(readdirSync(join(map, 'tiles/0/0')), ['0-0.webp']);
});

test('images are taken one after the other', async () => {
  const open = new Set<string>();
  async function* images(): AsyncGenerator<MapImage> {
    for (const name of ['a', 'b', 'c']) {
      open.add(name);
      assert.is(open.size, 1);
      yield { name, raster: town, objects: [car] };
      open.delete(name);
    }
  }
  const { objects } = await writeMap(join(folder, 'many'), { ...contents, images: images() });
  assert.is(objects, 3);
});

test('what cannot be shown is refused, and leaves nothing', async () => {
  const map = join(folder, 'refused');
  const write = (object: object, more: object = {}) =>
    writeMap(map, {
      ...contents,
      images: [{ name: 'a.tif', raster: town, objects: [car, { ...car, ...object }] }],
      ...more,
    });
  await rejects(write({ label: 2 }), /^writeMap: a\.tif: object 1: label 2, expected 0 to 1 \(2 classes\)$/);
  await rejects(write({ box: [3, 0, 2, 5] }), /object 1: box \[3, 0, 2, 5\], expected finite x1, y1, x2, y2 with/);
  await rejects(write({ score: undefined }), /object 1: score is undefined, expected a finite number/);
  await rejects(write({ score: NaN, kind: 'miss' }), /object 1: score is NaN, expected a finite number/);
  await rejects(
    write({ kind: 'crowd' }),
    /object 1: kind is "crowd", expected one of detection, hit, miss, false alarm/,
  );
  await rejects(write({}, { threshold: NaN }), /threshold is NaN, expected a finite number/);
  await rejects(write({}, { classes: ['car', 'car'] }), /classes name "car" twice, expected each once/);
  await rejects(write({}, { images: [] }), /there are no images, expected at least one/);
  const broken = { ...town, read: () => Promise.reject(new Error('damaged')) };
  await rejects(write({}, { images: [{ name: 'a', raster: broken, objects: [] }] }), /^damaged$/);
  assert.not(existsSync(map));
  assert.not(readdirSync(folder).some((name) => name.startsWith('.map-')));
});

test('an interruption leaves the earlier map', async () => {
  const map = join(folder, 'stopped');
  const images = [{ name: 'a', raster: town, objects: [car] }];
  await writeMap(map, { ...contents, images });
  const controller = new AbortController();
  const error = await errorOf(() =>
    writeMap(
      map,
      { ...contents, images },
      { signal: controller.signal, onProgress: () => controller.abort(new Error('stopped')) },
    ),
  );
  assert.is(error.message, 'stopped');
  assert.is(dataOf(map).images.length, 1);
});

test('a folder with other files is not replaced', async () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  const images = [{ name: 'a', raster: town, objects: [] }];
  writeFileSync(join(other, 'index.html'), '<!doctype html>');
  await rejects(writeMap(other, { ...contents, images }), /other has files that are not a map, which would be deleted/);
  await rejects(
    writeMap(join(other, 'index.html'), { ...contents, images }),
    /index\.html is a file, expected a folder/,
  );
  assert.is(readFileSync(join(other, 'index.html'), 'utf8'), '<!doctype html>');
});

test.run();
