import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { MissingPackageError, optionalPackage } from '../../src/common/optional-package.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import type { LabelledImage } from '../../src/labels/types.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import { Random } from '../../src/common/random.ts';
import { differenceHash, hammingDistance } from '../../src/doctor/difference-hash.ts';
import { checkImages } from '../../src/doctor/image-checks.ts';
import { checkLeakage } from '../../src/doctor/leakage-checks.ts';
import { readImageFacts, takeHeaders, takeInventory } from '../../src/doctor/node/read.ts';
import type { Inventory } from '../../src/doctor/types.ts';
import { geoTiff, inFolder, raster, write } from '../data/support.ts';
import { blotches, findingOf, inventoryOf, itemOf, jpegBytes, kinds, objectAt } from './support.ts';

const box: Box = [4, 4, 20, 20];

/** An inventory of files in a folder, each with one box unless labels are given. */
const inventory = (folder: string, files: readonly (string | LabelledImage)[], pixels = true): Promise<Inventory> => {
  const images = files.map((file) =>
    typeof file === 'string' ? { file, width: null, height: null, objects: [objectAt(box)] } : file,
  );
  return takeInventory({ classes: ['car'], images }, folder, { pixels });
};

test(
  'images that are nearly black, or of one level',
  inFolder(async (folder) => {
    const filled = (level: (x: number) => number): RgbImage => {
      const image = rgbImage(16, 16);
      for (let i = 0; i < image.data.length; i++) image.data[i] = level(i % 16);
      return image;
    };
    await write(folder, 'night.png', await encodePng(filled((x) => x)));
    await write(folder, 'grey.png', await encodePng(filled(() => 90)));
    await write(folder, 'dim.png', await encodePng(filled((x) => 2 * x)));
    const findings = checkImages(await inventory(folder, ['night.png', 'grey.png', 'dim.png']), { isStretched: false });
    assert.equal(findingOf(findings, 'image-dark').examples, ['night.png']);
    assert.equal(findingOf(findings, 'image-flat').examples, ['grey.png']);
    const below = (row: number): RgbImage => {
      const image = rgbImage(16, 16);
      image.data.fill(200, row * 16 * 3);
      return image;
    };
    await write(folder, 'edge.png', await encodePng(below(12)));
    await write(folder, 'half.png', await encodePng(below(8)));
    const partly = checkImages(await inventory(folder, ['edge.png', 'half.png']), { isStretched: false });
    assert.equal(findingOf(partly, 'image-black').examples, ['edge.png (75 %)']);
  }),
);

test(
  'files that are missing, truncated, damaged, of another format than their extension, and 16-bit',
  inFolder(async (folder) => {
    const png = await encodePng(blotches(1, 64, 64));
    const deep = raster(32, 32, 3, 16, (band, row, column) => 100 * band + row * column);
    const damaged = Buffer.from(await encodePng(blotches(2, 64, 64)));
    damaged[damaged.length >> 1] = damaged[damaged.length >> 1]! ^ 255;
    await write(folder, 'good.png', png);
    await write(folder, 'cut.png', (await encodePng(blotches(3, 64, 64))).subarray(0, 2000));
    await write(folder, 'cut.jpg', jpegBytes(4, 64, 48).subarray(0, 900));
    await write(folder, 'damaged.png', damaged);
    await write(folder, 'text.png', 'no picture');
    await write(folder, 'really.png', jpegBytes(5, 64, 48));
    await write(folder, 'anim.gif', 'GIF89a................');
    await write(folder, 'deep.tif', geoTiff(deep, { epsg: 4326, x: 1, y: 2, pixel: 0.1 }));
    const files = [
      'good.png',
      'gone.png',
      'cut.png',
      'cut.jpg',
      'damaged.png',
      'text.png',
      'really.png',
      'anim.gif',
      'deep.tif',
    ];
    const all = await inventory(folder, files);
    const findings = checkImages(all, { isStretched: false });
    const found = (kind: string): string[] => findingOf(findings, kind).examples.map((text) => text.split(/[ :]/)[0]!);
    assert.equal(found('image-missing'), ['gone.png']);
    assert.match(findingOf(findings, 'image-missing').message, /does not exist$/);
    const hinted = checkImages({ ...all, unlabelled: ['Gone.PNG'] }, { isStretched: false });
    assert.match(
      findingOf(hinted, 'image-missing').message,
      /does not exist: gone.png; there is Gone.PNG, which differs in case$/,
    );
    assert.equal(found('image-truncated'), ['cut.png', 'cut.jpg']);
    assert.equal(found('image-unreadable'), ['damaged.png', 'text.png', 'anim.gif']);
    assert.equal(found('image-ending'), ['really.png', 'anim.gif']);
    assert.equal(found('image-16-bit'), ['deep.tif']);
    assert.not.ok(kinds(checkImages(all, { isStretched: true })).includes('image-16-bit'));
    const shallow = geoTiff(
      raster(32, 32, 3, 8, (band) => band),
      { epsg: 4326, x: 9, y: 2, pixel: 0.1 },
    );
    for (const file of ['8a.tif', '8b.tif']) await write(folder, file, shallow);
    const mixed = checkImages(await inventory(folder, ['deep.tif', '8a.tif', '8b.tif']), { isStretched: false });
    assert.equal(findingOf(mixed, 'image-bits-mixed').examples, ['deep.tif']);
    assert.not.ok(kinds(mixed).includes('image-16-bit'));
    // Five bands do not say which are red, green and blue.
    await write(
      folder,
      'five.tif',
      geoTiff(
        raster(8, 8, 5, 8, (band) => band),
        { epsg: 4326, x: 9, y: 2, pixel: 0.1 },
      ),
    );
    const facts = await readImageFacts(folder, 'five.tif', { pixels: true });
    assert.match(facts.problem?.message ?? '', '5 bands');
    assert.is((await readImageFacts(folder, 'five.tif', { pixels: true, bands: [5, 3, 1] })).problem, null);
    // Without pixels, only what the header says.
    const quick = await inventory(folder, ['damaged.png', 'good.png'], false);
    assert.equal(
      quick.items.map(({ facts }) => facts.problem),
      [null, null],
    );
    assert.equal(
      quick.items.map(({ facts }) => facts.difference),
      [null, null],
    );
    assert.equal(all.items[0]?.facts.size, { width: 64, height: 64 });
  }),
);

test(
  'headers alone give the sizes, orientations and places of whole files, and find those that are cut off',
  inFolder(async (folder) => {
    const png = await encodePng(blotches(1, 64, 48));
    const tif = geoTiff(
      raster(32, 24, 3, 8, (band) => band),
      { epsg: 32633, x: 9, y: 2, pixel: 0.5 },
    );
    const padded = Buffer.concat([png, Buffer.alloc(40, 7)]);
    const files = {
      'a.png': png,
      'padded.png': padded,
      'cut.png': png.subarray(0, png.length - 20),
      'a.jpg': jpegBytes(4, 64, 48, 6),
      'padded.jpg': Buffer.concat([jpegBytes(4, 320, 240), Buffer.alloc(5000)]),
      'cut.jpg': jpegBytes(4, 64, 48).subarray(0, 900),
      'a.tif': tif,
      'cut.tif': tif.subarray(0, tif.length - 20),
      'text.png': 'no picture',
      'empty.png': '',
    };
    for (const [file, bytes] of Object.entries(files)) await write(folder, file, bytes);
    const images = [...Object.keys(files), 'gone.png'].map((file) => ({
      file,
      width: null,
      height: null,
      objects: [],
    }));
    const { items } = await takeHeaders({ classes: ['car'], images }, folder);
    const problems = items.map(({ facts }) => [facts.file, facts.problem?.kind ?? null]);
    assert.equal(problems, [
      ['a.png', null],
      ['padded.png', null],
      ['cut.png', 'truncated'],
      ['a.jpg', null],
      ['padded.jpg', null],
      ['cut.jpg', 'truncated'],
      ['a.tif', null],
      ['cut.tif', 'truncated'],
      ['text.png', 'unreadable'],
      ['empty.png', 'unreadable'],
      ['gone.png', 'missing'],
    ]);
    // Apart from hash and pixels, these are the facts of the whole file.
    for (const { facts } of items) {
      if (facts.problem !== null) continue;
      assert.equal({ ...(await readImageFacts(folder, facts.file, { pixels: false })), hash: '' }, facts);
    }
    const upright = items.find(({ facts }) => facts.file === 'a.jpg')!.facts;
    assert.equal([upright.size, upright.orientation], [{ width: 48, height: 64 }, 6]);
  }),
);

test(
  'EXIF orientation: labels of the pixels as stored, and others',
  inFolder(async (folder) => {
    await write(folder, 'size.jpg', jpegBytes(1, 64, 32, 6));
    await write(folder, 'boxes.jpg', jpegBytes(2, 64, 32, 8));
    await write(folder, 'upright.jpg', jpegBytes(3, 64, 32, 6));
    await write(folder, 'half.jpg', jpegBytes(4, 64, 32, 3));
    const all = await inventory(folder, [
      { file: 'size.jpg', width: 64, height: 32, objects: [objectAt(box)] },
      { file: 'boxes.jpg', width: null, height: null, objects: [objectAt([40, 4, 60, 20])] },
      { file: 'upright.jpg', width: 32, height: 64, objects: [objectAt([4, 40, 20, 60])] },
      'half.jpg',
    ]);
    assert.equal(all.items[0]?.facts.size, { width: 32, height: 64 });
    const findings = checkImages(all, { isStretched: true });
    const names = (kind: string): string[] => findingOf(findings, kind).examples.map((text) => text.split(' ')[0]!);
    assert.equal(names('exif-labels'), ['size.jpg', 'boxes.jpg']);
    // Labels with the upright size belong to the upright image; the size does not reveal a rotation by 180 degrees.
    assert.equal(names('exif-rotated'), ['half.jpg']);
    assert.not.ok(kinds(findings).includes('image-size'));
  }),
);

test('sizes that differ from the labels, unusual sizes, and sizes that make batches mostly padding', () => {
  const usual = Array.from({ length: 9 }, (_, i) => itemOf(`${i}.png`, 100, 80, []));
  assert.equal(checkImages(inventoryOf(usual), { isStretched: true }), []);
  const scaled = itemOf('s.png', 100, 80, [], {}, { width: 200, height: 160 });
  const size = checkImages(inventoryOf([...usual, scaled]), { isStretched: true });
  assert.equal(kinds(size), ['image-size']);
  assert.match(size[0]?.message ?? '', 'same proportions');
  const other = itemOf('o.png', 100, 80, [], {}, { width: 200, height: 80 });
  assert.not.match(
    checkImages(inventoryOf([...usual, other]), { isStretched: true })[0]?.message ?? '',
    'same proportions',
  );
  const scene = itemOf('scene.png', 1000, 800, []);
  const mix = checkImages(inventoryOf([...usual, scene]), { isStretched: true });
  assert.equal(kinds(mix), ['image-size-unusual', 'image-size-mix']);
  assert.equal(mix[0]?.examples, ['scene.png (1000 x 800)']);
});

test(
  'images with the same bytes, and images without labels in the folders of labelled ones',
  inFolder(async (folder) => {
    const png = await encodePng(blotches(1, 40, 40));
    for (const file of ['tiles/a.png', 'tiles/b.png', 'tiles/c.png', 'other/d.png']) await write(folder, file, png);
    const findings = checkImages(await inventory(folder, ['tiles/a.png', 'tiles/b.png']), { isStretched: true });
    assert.equal(findingOf(findings, 'image-duplicate').examples, ['tiles/b.png = tiles/a.png']);
    // Other folders may hold other bands of the same places.
    assert.equal(findingOf(findings, 'image-unlabelled').examples, ['tiles/c.png']);
    await mkdir(join(folder, 'none'));
    assert.equal((await inventory(join(folder, 'none'), [])).unlabelled, []);
  }),
);

test('the difference hash is stable under resizing and changes of brightness, and tells pictures apart', () => {
  const hashOf = (image: RgbImage): readonly [number, number] =>
    differenceHash(image) ?? assert.unreachable('flat') ?? [0, 0];
  const distances: number[] = [];
  for (let seed = 0; seed < 12; seed++) {
    const image = blotches(seed, 180, 140);
    const hash = hashOf(image);
    // Half the size, by averages of four pixels, and darker.
    const small = rgbImage(70, 90);
    for (let y = 0; y < 140; y++) {
      for (let x = 0; x < 180; x++) {
        const [row, column] = [y >> 1, x >> 1];
        for (let c = 0; c < 3; c++) small.set(row, column, c, small.get(row, column, c) + 0.2 * image.get(y, x, c));
      }
    }
    assert.ok(hammingDistance(hash, hashOf(small)) <= 4, `seed ${seed}`);
    distances.push(hammingDistance(hash, hashOf(blotches(seed + 100, 180, 140))));
  }
  assert.ok(
    distances.every((distance) => distance > 8),
    `${distances}`,
  );
  assert.is(hammingDistance([0xffffffff, 0], [0, 0xffffffff]), 64);
  assert.is(hammingDistance([0b1011, 1], [0b0010, 0]), 3);
  // Images without contrast have no hash, nor do images of one pixel.
  assert.equal([differenceHash(rgbImage(90, 90)), differenceHash(blotches(1, 1, 1))], [null, null]);
});

test(
  'leakage: the same bytes, the same picture encoded again, overlapping ground, tiles of one scene',
  inFolder(async (folder) => {
    const image = blotches(7, 64, 48);
    const png = await encodePng(image);
    await write(folder, 'a.png', png);
    await write(folder, 'copy.png', png);
    await write(folder, 'saved.jpg', jpegBytes(7, 64, 48));
    const [a, copy, saved] = (await inventory(folder, ['a.png', 'copy.png', 'saved.jpg'])).items as [
      never,
      never,
      never,
    ];
    assert.equal(kinds(checkLeakage([a], [copy])), ['leak-identical']);
    assert.equal(kinds(checkLeakage([a], [saved])), ['leak-near-duplicate']);
    const elsewhere = itemOf('saved.jpg', 64, 48, [objectAt([30, 30, 44, 44])], { difference: differenceHash(image) });
    assert.equal(checkLeakage([a], [elsewhere]), [], 'the same picture with other boxes');

    const levels = raster(40, 40, 3, 8, () => 9);
    for (const [file, x] of [
      ['west', 0],
      ['east', 40],
      ['between', 20],
    ] as const) {
      await write(
        folder,
        `${file}.tif`,
        geoTiff(levels, { epsg: 32631, x: 500_000.3 + x / 3, y: 5e6 + 0.1, pixel: 1 / 3 }),
      );
    }
    const [west, east, between] = (await inventory(folder, ['west.tif', 'east.tif', 'between.tif'])).items as [
      never,
      never,
      never,
    ];
    assert.equal(checkLeakage([west], [east]), [], 'neighbours that touch');
    assert.equal(kinds(checkLeakage([east], [between])), ['leak-overlap']);
    for (let i = 0; i < 50; i++) {
      // Side by side, in coordinates that float64 rounds.
      const pixel = 0.1 + i / 7;
      const tileAt = (column: number) =>
        itemOf(`${column}`, 100, 100, [], { affine: [pixel, 0, 0.3 + column * 100 * pixel, 0, -pixel, 5e6 + 0.1] });
      assert.equal(checkLeakage([tileAt(i)], [tileAt(i + 1), tileAt(i - 1)]), []);
    }
    const findings = checkLeakage([west], [between, east]);
    assert.equal(
      findings.map(({ kind, count }) => [kind, count]),
      [['leak-overlap', 1]],
    );
    assert.match(findings[0]?.examples[0] ?? '', 'between.tif overlaps west.tif by 50 %');

    const tile = (file: string) => itemOf(file, 9, 9, []);
    const scenes = checkLeakage(
      [tile('P0001__1__0___824.png'), tile('P0002__1__0___0.png'), tile('AOI_2_Vegas_img12.png')],
      [tile('P0001__1__824___0.png'), tile('AOI_2_Vegas_img13.png')],
    );
    assert.equal(
      scenes.map(({ kind, examples }) => [kind, examples]),
      [['leak-scene', ['P0001__1: 1 tile for training, 1 held out']]],
    );
  }),
);

test(
  'reading facts never rejects, and gives the georeference of a GeoTIFF',
  inFolder(async (folder) => {
    const bytes = geoTiff(
      raster(8, 6, 3, 8, (b) => b),
      { epsg: 32631, x: 10, y: 20, pixel: 2 },
    );
    await write(folder, 'a.tif', bytes);
    const facts = await readImageFacts(folder, 'a.tif', { pixels: true });
    assert.equal(facts.affine, [2, 0, 10, 0, -2, 20]);
    assert.equal([facts.epsg, facts.geographic, facts.bits, facts.size], [32631, false, 8, { width: 8, height: 6 }]);
    const random = new Random('damage');
    const whole = await readFile(join(folder, 'a.tif'));
    for (let i = 0; i < 60; i++) {
      const copy = Buffer.from(whole);
      copy[random.int(copy.length)] = random.int(256);
      await write(folder, 'b.tif', i % 2 === 0 ? copy : copy.subarray(0, random.int(copy.length)));
      assert.is((await readImageFacts(folder, 'b.tif', { pixels: true })).file, 'b.tif');
    }
  }),
);

test('images whose package is not installed are not called damaged', async () => {
  const load = (): Promise<unknown> => import('an-absent-package' as string);
  try {
    await optionalPackage('pngjs', load);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, MissingPackageError);
    assert.match((error as MissingPackageError).message, /needs the package pngjs: npm install pngjs$/);
  }
  const problem = { kind: 'no-reader', package: 'pngjs', message: '' } as const;
  const items = ['a.png', 'b.png'].map((file) => itemOf(file, 8, 8, [], { problem }));
  const findings = checkImages(inventoryOf(items), { isStretched: false });
  assert.not.ok(kinds(findings).includes('image-unreadable'));
  const { examples, remedy } = findingOf(findings, 'image-no-reader');
  assert.equal(examples, ['a.png', 'b.png']);
  assert.is(remedy, 'npm install pngjs');
});

test.run();
