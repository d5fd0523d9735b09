import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes } from '../../src/imagery/image.ts';
import { newLevels, type LevelType } from '../../src/imagery/levels.ts';
import { countLevels } from '../../src/imagery/measure-stretch.ts';
import { rasterOf } from '../../src/imagery/raster-of.ts';
import { decodeTiff } from '../../src/imagery/node/tiff.ts';
import { colourBands, type RawImage } from '../../src/imagery/raw-image.ts';
import { LevelCounts } from '../../src/imagery/stretch.ts';
import type { Bands } from '../../src/imagery/types.ts';

// Files that GDAL wrote (test/golden/geotiff.py), of 21 x 18 pixels.
const [WIDTH, HEIGHT] = [21, 18];
const files = JSON.parse(readFileSync(new URL('../golden/geotiff.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const open = (name: string): Promise<RawImage> => decodeTiff(inflateSync(Buffer.from(files[name]!, 'base64')), name);

const SCALES: Readonly<Record<string, (base: number) => number>> = {
  unsigned8: (base) => base,
  unsigned16: (base) => base * 37 + 100,
  signed16: (base) => base * 37 - 4000,
  unsigned32: (base) => base * 1000003,
  signed32: (base) => base * 1000003 - 70000000,
  float32: (base) => base / 8 - 10,
  float64: (base) => base / 8 - 10,
};

/** The level that GDAL wrote; bands are numbered from 1. */
const level = ({ kind, bits }: LevelType, band: number, row: number, column: number): number =>
  SCALES[`${kind}${bits}`]!(((band - 1) * 40 + row * 3 + column * 2) % 251);

const isInside = (row: number, column: number): boolean => row >= 5 && column >= 7;

function expectedLevels(type: LevelType, bands: Bands, left = 0, top = 0, width = WIDTH, height = HEIGHT): unknown {
  const out = newLevels(type, width * height * 3);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.floor(i / 3);
    out[i] = level(type, bands[i % 3]!, top + Math.floor(pixel / width), left + (pixel % width));
  }
  return out;
}

test('every compression, layout and type that GDAL writes is read, as a whole and in windows', async () => {
  const names = Object.keys(files).filter((name) => /^(u?int|float)\d+-/.test(name));
  assert.ok(names.length >= 35, `${names.length} files`);
  for (const name of [...names, 'cog.tif']) {
    const image = await open(name);
    assert.equal([image.width, image.height, image.epsg], [WIDTH, HEIGHT, 32633], name);
    assert.equal(image.affine, [0.5, 0, 500000.25, 0, -0.5, 4649776.5], name);
    const { kind, bits, bands } = image;
    const selected = bands === 16 ? ([16, 9, 1] as const) : ([3, 1, 2] as const);
    const whole = await image.read(selected);
    assert.equal(whole.levels, expectedLevels({ kind, bits }, selected), name);
    assert.is(whole.valid, null, name);
    const window = await image.read(selected, { x: 11, y: 3, width: 9, height: 14 });
    assert.equal(window.levels, expectedLevels({ kind, bits }, selected, 11, 3, 9, 14), name);
  }
});

test('colours are those that the file names, by interpretation or description', async () => {
  for (const [name, bands] of [
    ['bgrn.tif', [3, 2, 1]],
    ['micasense.tif', [3, 2, 1]],
    ['sentinel2.tif', [4, 3, 2]],
    ['superdove.tif', [6, 4, 2]],
    ['grey-alpha.tif', [1, 1, 1]],
    ['alpha.tif', [1, 2, 3]],
  ] as const) {
    assert.equal(colourBands(await open(name)), { bands, isNamed: true }, name);
  }
  assert.equal(colourBands(await open('uint16-planes.tif')), { bands: [1, 2, 3], isNamed: false });
  const sixteen = await open('uint8-16-bands.tif');
  assert.throws(() => colourBands(sixteen), /uint8-16-bands.tif: 16 bands, expected 1, 3, 4 or 8, or colours named/);
});

test('what has no data is marked, black, and not counted', async () => {
  const mask = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    isInside(Math.floor(i / WIDTH), i % WIDTH) ? 1 : 0,
  );
  const names = [
    'alpha.tif',
    'grey-alpha.tif',
    'nodata-uint16.tif',
    'nodata-int16.tif',
    'nodata-float32.tif',
    'nodata-nan.tif',
    'mask.tif',
  ];
  for (const name of names) {
    const image = await open(name);
    const { bands } = colourBands(image);
    assert.equal((await image.read(bands)).valid, mask, name);
    assert.is((await image.read(bands, { x: 8, y: 6, width: 5, height: 4 })).valid, null, name);
    const counts = new LevelCounts(3);
    await countLevels(counts, image);
    const stretch = counts.stretch([0, 100]);
    for (const band of [0, 1, 2]) {
      const inside = [...mask.keys()].filter((i) => mask[i] === 1);
      const own = inside.map((i) => level(image, bands[band]!, Math.floor(i / WIDTH), i % WIDTH));
      assert.equal([stretch.low[band], stretch.high[band]], [Math.min(...own), Math.max(...own)], `${name} ${band}`);
    }
    const pixels = await rasterOf(image, { stretch }).read({ x: 0, y: 0, width: WIDTH, height: HEIGHT });
    const bytes = packedBytes(pixels.image);
    assert.ok(
      bytes.every((byte, i) => mask[Math.floor(i / 3)] === 1 || byte === 0),
      name,
    );
    assert.ok(bytes.includes(255), name);
  }
});

test.run();
