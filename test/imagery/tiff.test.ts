import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { invertAffine, projectionOf } from '../../src/imagery/georeference.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { decodeTiff } from '../../src/imagery/node/tiff.ts';
import { Random } from '../../src/common/random.ts';
import type { Levels } from '../../src/imagery/levels.ts';
import type { RawImage } from '../../src/imagery/raw-image.ts';
import type { Bands, PixelWindow } from '../../src/imagery/types.ts';
import { applyStretch, LevelCounts } from '../../src/imagery/stretch.ts';
import { deflatedStrips, geoTiff, inFolder, levelBytes, plainTiff, raster, rejects, write } from '../data/support.ts';

const vegas = { epsg: 4326, x: -115.3, y: 36.2, pixel: 2.7e-6 };
const level = (band: number, row: number, column: number): number => band * 1000 + row * 10 + column;
const small16 = raster(7, 5, 3, 16, level);
const small8 = raster(7, 5, 3, 8, (band, row, column) => band * 80 + row * 10 + column);
const all = [1, 2, 3] as const;

const levelsOf = async (image: RawImage | Promise<RawImage>, bands: Bands, window?: PixelWindow): Promise<Levels> =>
  (await (await image).read(bands, window)).levels;

test('8- and 16-bit GeoTIFF: levels, band choice, georeference', async () => {
  for (const r of [small8, small16]) {
    const tiff = await decodeTiff(geoTiff(r, vegas), 'a.tif');
    assert.equal([tiff.width, tiff.height, tiff.bands, tiff.bits], [7, 5, 3, r.levels.BYTES_PER_ELEMENT * 8]);
    assert.equal([tiff.epsg, tiff.geographic], [4326, true]);
    assert.equal(tiff.affine, [2.7e-6, 0, -115.3, 0, -2.7e-6, 36.2]);
    assert.equal(await levelsOf(tiff, all), r.levels);
    assert.equal(
      [...(await levelsOf(tiff, [3, 3, 1]))].slice(0, 3),
      [2, 2, 0].map((band) => r.levels[band]!),
    );
    await rejects(levelsOf(tiff, [1, 2, 4]), /a.tif: bands 1, 2, 4 were requested, but the file has 3/);
  }
  const utm = await decodeTiff(geoTiff(small16, { epsg: 32611, x: 660000, y: 4e6, pixel: 0.5 }), 'u.tif');
  assert.equal([utm.epsg, utm.geographic], [32611, false]);
});

test('strips, tiles, planes, predictor, palette, white-is-zero, sparse blocks', async () => {
  const big = raster(37, 21, 3, 16, level);
  const compressed: [number, 3, number[]] = [259, 3, [8]];
  assert.equal(
    await levelsOf(decodeTiff(plainTiff(big, deflatedStrips(big, 4), [compressed, [278, 4, [4]]]), 'x'), all),
    big.levels,
  );

  const differences = big.levels.map((value, i) => (i % (37 * 3) < 3 ? value : value - big.levels[i - 3]!));
  const predicted = plainTiff(big, deflatedStrips({ ...big, levels: differences }, 21), [compressed, [317, 3, [2]]]);
  assert.equal(await levelsOf(decodeTiff(predicted, 'x'), all), big.levels);

  // Without LZW, Deflate or Zstandard, the tag says nothing.
  const meaningless = plainTiff(small16, [levelBytes(small16.levels)], [[317, 3, [3328]]]);
  assert.equal(await levelsOf(decodeTiff(meaningless, 'x'), all), small16.levels);

  const tiles: Uint8Array[] = [];
  for (const y of [0, 16]) {
    for (const x of [0, 16, 32]) {
      const tile = raster(16, 16, 3, 16, (b, r, c) => (y + r < 21 && x + c < 37 ? level(b, y + r, x + c) : 9999));
      tiles.push(levelBytes(tile.levels));
    }
  }
  const tags = [
    [322, 4, [16]],
    [323, 4, [16]],
  ] as [number, 4, number[]][];
  assert.equal(await levelsOf(decodeTiff(plainTiff(big, tiles, tags, true), 'x'), all), big.levels);
  const sparse = await levelsOf(
    decodeTiff(
      plainTiff(
        big,
        tiles.map((t, i) => (i === 1 ? new Uint8Array(0) : t)),
        tags,
        true,
      ),
      'x',
    ),
    all,
  );
  assert.equal([...sparse].filter((value, i) => value !== big.levels[i]).length, 16 * 16 * 3);
  assert.is(sparse[16 * 3], 0);

  const planes = [0, 1, 2].map((band) => levelBytes(raster(7, 5, 1, 16, (_, r, c) => level(band, r, c)).levels));
  const planar = await decodeTiff(
    plainTiff(small16, planes, [
      [284, 3, [2]],
      [278, 4, [5]],
    ]),
    'x',
  );
  assert.equal(await levelsOf(planar, all), small16.levels);
  assert.equal(
    await levelsOf(planar, [2, 2, 2]),
    small16.levels.map((_, i) => small16.levels[i - (i % 3) + 1]!),
  );

  const index = raster(2, 1, 1, 8, (_, __, column) => column);
  const map = Array.from({ length: 768 }, (_, i) => (i % 256) * 256 + Math.floor(i / 256));
  const palette = plainTiff(
    index,
    [index.levels as Uint8Array],
    [
      [262, 3, [3]],
      [320, 3, map],
    ],
  );
  assert.equal([...(await levelsOf(decodeTiff(palette, 'x'), [1, 1, 1]))], [0, 0, 0, 1, 1, 1]);
  const inverted = await decodeTiff(plainTiff(index, [index.levels as Uint8Array], [[262, 3, [0]]]), 'x');
  assert.equal([...(await levelsOf(inverted, [1, 1, 1]))], [255, 255, 255, 254, 254, 254]);
});

test('a window has the levels of its part, read only from the blocks that overlap it', async () => {
  const big = raster(37, 21, 3, 16, level);
  const part = (x: number, y: number, width: number, height: number): Uint16Array =>
    raster(width, height, 3, 16, (band, row, column) => level(band, y + row, x + column)).levels as Uint16Array;
  const blockTags = [
    [322, 4, [16]],
    [323, 4, [16]],
  ] as [number, 4, number[]][];
  const grid = [0, 16].flatMap((y) => [0, 16, 32].map((x) => levelBytes(part(x, y, 16, 16))));
  const planes = [0, 1, 2].map((band) => levelBytes(raster(37, 21, 1, 16, (_, r, c) => level(band, r, c)).levels));
  const strips = deflatedStrips(big, 4);
  const stripTags = [
    [259, 3, [8]],
    [278, 4, [4]],
  ] as [number, 3 | 4, number[]][];
  const files = {
    strips: plainTiff(big, strips, stripTags),
    tiles: plainTiff(big, grid, blockTags, true),
    planes: plainTiff(big, planes, [
      [278, 4, [21]],
      [284, 3, [2]],
    ]),
  };
  const windows = [
    [0, 0, 37, 21],
    [5, 3, 20, 9],
    [16, 16, 21, 5],
    [36, 20, 1, 1],
    [15, 0, 2, 17],
  ] as const;
  for (const [name, file] of Object.entries(files)) {
    const tiff = await decodeTiff(file, name);
    for (const [x, y, width, height] of windows) {
      assert.equal(await levelsOf(tiff, all, { x, y, width, height }), part(x, y, width, height), `${name} ${x}, ${y}`);
    }
    for (const [x, y, width, height] of [
      [0, 0, 38, 1],
      [-1, 0, 2, 2],
      [0.5, 0, 2, 2],
      [0, 0, 0, 1],
    ] as const) {
      await rejects(
        levelsOf(tiff, all, { x, y, width, height }),
        /window of .* expected integers within the image of 37 x 21 pixels/,
      );
    }
  }
  // Rows 8 to 11 are damaged: windows that do not overlap them can be read.
  const damaged = strips.map((strip, i) => (i === 2 ? strip.map((byte) => byte ^ 255) : strip));
  const tiff = await decodeTiff(plainTiff(big, damaged, stripTags), 'x');
  assert.equal(await levelsOf(tiff, all, { x: 3, y: 12, width: 30, height: 9 }), part(3, 12, 30, 9));
  await rejects(levelsOf(tiff, all, { x: 3, y: 11, width: 30, height: 9 }), /x: damaged: block 2/);
});

test('JPEG in TIFF becomes RGB', async () => {
  const data = Buffer.alloc(32 * 16 * 4);
  for (let p = 0; p < 32 * 16; p++) data.set(p % 32 < 16 ? [220, 40, 30, 255] : [20, 60, 200, 255], p * 4);
  const r = raster(32, 16, 3, 8, () => 0);
  const block = jpeg.encode({ width: 32, height: 16, data }, 95).data;
  const tiff = await decodeTiff(
    plainTiff(
      r,
      [block],
      [
        [259, 3, [7]],
        [262, 3, [6]],
      ],
    ),
    'x',
  );
  const levels = await levelsOf(tiff, all);
  for (const [x, colour] of [
    [3, [220, 40, 30]],
    [28, [20, 60, 200]],
  ] as const) {
    colour.forEach((value, c) =>
      assert.ok(
        Math.abs(levels[(8 * 32 + x) * 3 + c]! - value) < 6,
        `${x}: ${levels.slice((8 * 32 + x) * 3, (8 * 32 + x) * 3 + 3)}`,
      ),
    );
  }
  const flood = Buffer.from(block);
  flood.writeUInt16BE(65_535, flood.indexOf(Buffer.of(0xff, 0xc0)) + 5);
  await rejects(
    levelsOf(
      decodeTiff(
        plainTiff(
          r,
          [flood],
          [
            [259, 3, [7]],
            [262, 3, [6]],
          ],
        ),
        'x',
      ),
      all,
    ),
    /JPEG of 32 x 65535 pixels in a block of 32 x 16/,
  );
});

test('pixel-is-point rasters and transform matrices are supported', async () => {
  const keys = (rasterType: number): [number, 3, number[]] => [
    34735,
    3,
    [1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, rasterType],
  ];
  const tie = [
    [33550, 12, [2, 4, 0]],
    [33922, 12, [0, 0, 0, 100, 200, 0]],
  ] as [number, 12, number[]][];
  const block = [levelBytes(small16.levels)];
  assert.equal((await decodeTiff(plainTiff(small16, block, [keys(1), ...tie]), 'x')).affine, [2, 0, 100, 0, -4, 200]);
  assert.equal((await decodeTiff(plainTiff(small16, block, [keys(2), ...tie]), 'x')).affine, [2, 0, 99, 0, -4, 202]);
  const matrix: [number, 12, number[]] = [34264, 12, [1, 2, 0, 3, 4, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]];
  const turned = await decodeTiff(plainTiff(small16, block, [matrix]), 'x');
  assert.equal(turned.affine, [1, 2, 3, 4, 5, 6]);
  assert.equal([turned.epsg, turned.geographic], [null, null]);
  assert.is((await decodeTiff(plainTiff(small16, block), 'x')).affine, null);
});

test('damaged, truncated and unsupported files are errors that name the file', async () => {
  const good = geoTiff(small16, vegas);
  for (const length of [0, 3, 6, 9, 60, 400, 999, 1000, good.length - 1]) {
    await rejects(
      decodeTiff(good.subarray(0, length), 'cut.tif'),
      /^readTiff: cut.tif: (truncated|not a TIFF|damaged)/,
    );
  }
  const strips = deflatedStrips(small16, 5);
  const deflate: [number, 3, number[]] = [259, 3, [8]];
  const strip = strips[0]!;
  const read = async (bytes: Uint8Array): Promise<unknown> => levelsOf(decodeTiff(bytes, 'b.tif'), all);
  await rejects(
    read(plainTiff(small16, [strip.map((byte, i) => (i === 20 ? byte ^ 0xff : byte))], [deflate])),
    /b.tif: damaged: block 0/,
  );
  await rejects(
    read(plainTiff(small16, [strip.subarray(0, 30)], [deflate])),
    /b.tif: damaged: block 0: unexpected end of file/,
  );
  await rejects(
    read(plainTiff(small16, [deflateSync(new Uint8Array(1e6))], [deflate])),
    /damaged: block 0: .*larger than 210/i,
  );
  await rejects(
    read(plainTiff(small16, [deflateSync(new Uint8Array(209))], [deflate])),
    /block 0: 209 bytes of pixels, expected 210/,
  );
  await rejects(read(plainTiff(small16, [new Uint8Array(209)])), /209 bytes of pixels, expected 210/);
  for (const [method, name] of [
    [34925, 'LZMA'],
    [34712, 'JPEG 2000'],
    [4, 'CCITT'],
  ] as const) {
    await rejects(
      read(plainTiff(small16, strips, [[259, 3, [method]]])),
      new RegExp(`b.tif: compression ${method} \\(${name}\\) is not supported.*gdal_translate`),
    );
  }
  await rejects(
    read(plainTiff(small16, strips, [[339, 3, [3, 3, 3]]])),
    /16-bit float levels are not supported.*gdal_translate -ot/,
  );
  await rejects(read(plainTiff(small16, strips, [[339, 3, [1, 2, 1]]])), /16-bit sample formats 1, 2, 1/);
  await rejects(read(plainTiff(small16, strips, [[258, 3, [16, 16, 8]]])), /3 bands with 16, 16, 8 bits/);
  await rejects(read(plainTiff(small16, strips, [[258, 3, [12, 12, 12]]])), /12-bit unsigned levels/);
  await rejects(
    read(
      plainTiff(small16, strips, [
        [256, 4, [200_000]],
        [257, 4, [200_000]],
      ]),
    ),
    /1 blocks are listed, expected 40000/,
  );
  await rejects(read(plainTiff(small16, strips, [[256, 4, [0]]])), /size 0 x 5/);
  await rejects(read(plainTiff(small16, strips, [[278, 4, [1]]])), /1 blocks are listed, expected 5/);
  await rejects(read(plainTiff(small16, strips, [[262, 3, [5]]])), /colours of kind 5/);
  await rejects(
    read(
      plainTiff(
        small16,
        [levelBytes(small16.levels)],
        [
          [322, 4, [4e9]],
          [323, 4, [16]],
        ],
        true,
      ),
    ),
    /blocks of 4000000000 x 16/,
  );
});

test('damage anywhere gives levels or an Error that names the file', async () => {
  const random = new Random(8);
  const sources = [
    geoTiff(small16, vegas),
    plainTiff(small8, deflatedStrips(small8, 2), [
      [259, 3, [8]],
      [278, 4, [2]],
    ]),
  ];
  for (let round = 0; round < 400; round++) {
    const bad = Uint8Array.from(sources[round % 2]!);
    for (let k = 0; k < 2; k++) bad[4 + random.int(Math.min(400, bad.length - 4))] = random.int(256);
    const result = await decodeTiff(bad, 'bad.tif')
      .then((tiff) => levelsOf(tiff, [1, 1, 1]))
      .catch((error: unknown) => error);
    if (result instanceof Error) assert.match(result.message, /^readTiff: bad.tif: /);
    else assert.is.not((result as Uint8Array).length, undefined);
  }
});

test(
  'readImage: 16 bits need a stretch; an ambiguous number of bands needs `bands`',
  inFolder(async (folder) => {
    const path = await write(folder, 'a.tif', geoTiff(small16, vegas));
    await rejects(readImage(path), /a.tif: 16-bit levels need a stretch/);
    const image = await readImage(path, { stretch: { low: [0, 1000, 2000], high: [255, 1255, 2255] } });
    assert.equal(image.shape, [5, 7, 3]);
    assert.equal([image.get(2, 3, 0), image.get(4, 6, 1), image.get(0, 1, 2)], [23, 46, 1]);
    const eight = await write(folder, '8.tif', geoTiff(small8, vegas));
    assert.equal(packedBytes(await readImage(eight)), small8.levels as Uint8Array);
    const two = await write(
      folder,
      '2.tif',
      geoTiff(
        raster(4, 4, 2, 8, (band) => band + 5),
        vegas,
      ),
    );
    await rejects(
      readImage(two),
      /2.tif: 2 bands, expected 1, 3, 4 or 8, or colours named in the file; select red, green and blue with `bands`/,
    );
    assert.is((await readImage(two, { bands: [2, 1, 1] })).get(0, 0, 0), 6);
    const many = await write(
      folder,
      'm.tif',
      geoTiff(
        raster(4, 4, 8, 8, (band) => band + 1),
        vegas,
      ),
    );
    const mul = await readImage(many);
    assert.equal(
      [0, 1, 2].map((c) => mul.get(1, 1, c)),
      [5, 3, 2],
    );
  }),
);

test('a stretch between percentiles', () => {
  const counts = new LevelCounts(3);
  const levels = Uint16Array.from(
    { length: 3 * 101 },
    (_, i) => [1000, 10, 0][i % 3]! + Math.floor(i / 3) * [10, 1, 100][i % 3]!,
  );
  counts.add({ levels, valid: null });
  counts.add({ levels: new Uint16Array(3000), valid: null });
  assert.equal(counts.stretch([2, 98]), { low: [1020, 12, 200], high: [1980, 108, 9800] });
  assert.equal(
    [...applyStretch(Uint16Array.of(1020, 60, 9800, 0, 65535, 5000), counts.stretch([2, 98]))],
    [0, 128, 255, 0, 255, 128],
  );
  assert.throws(() => counts.stretch([98, 2]), /percentiles are 98 and 2/);
  assert.throws(() => new LevelCounts(3).stretch([2, 98]), /all pixels of the images are black/);
  assert.throws(
    () => applyStretch(new Uint16Array(3), { low: [5, 0, 0], high: [5, 1, 1] }),
    /low 5 and high 5 of band 0/,
  );
  const flat = new LevelCounts(3);
  flat.add({ levels: Uint16Array.of(7, 7, 7, 7, 7, 7), valid: null });
  assert.equal(flat.stretch([2, 98]), { low: [7, 7, 7], high: [8, 8, 8] });
});

test('projections agree with PROJ to a millimetre', () => {
  // From gdaltransform of GDAL 3.6.2: longitude, latitude, EPSG code, x, y.
  const known = [
    [-115.2, 36.1, 32611, 662032.881188669, 3996539.92108598],
    [6.9, 51.9, 32631, 768283.916360637, 5757106.24141647],
    [151.2, -33.9, 32756, 333568.941011552, 6247473.33684402],
    [3, 0.5, 32631, 500000.000000001, 55265.0371426491],
    [9.1, 60.2, 32631, 837864.171696709, 6689314.24843313],
    [-84.4, 33.7, 3857, -9395365.02295229, 3988590.13901925],
  ] as const;
  for (const [lon, lat, epsg, x, y] of known) {
    const [px, py] = projectionOf(epsg)?.(lon, lat) ?? [NaN, NaN];
    assert.ok(Math.hypot(px - x, py - y) < 1e-3, `${epsg}: ${px - x}, ${py - y}`);
  }
  for (const other of [4326, 32600, 32661, 28992, 2154]) assert.is(projectionOf(other), null);
  const [column, row] = invertAffine([2, 1, 100, -1, 3, 50])(2 * 7 + 1 * 9 + 100, -7 + 3 * 9 + 50);
  assert.ok(Math.hypot(column - 7, row - 9) < 1e-12);
  assert.throws(() => invertAffine([1, 2, 0, 2, 4, 0]), /has no inverse/);
});

test.run();
