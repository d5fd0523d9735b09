import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AreaOfInterest, readImage, writeSyntheticSpaceNet, findImages, type RgbImage } from '../../src/data-node.ts';
import { commonFolder, Detector, detectFiles, TileJournal, type DetectFilesOptions } from '../../src/detector-node.ts';
import { objectsOf } from '../../src/data/annotation-table.ts';
import { corners, featureCollection, geoTiff, raster, write } from '../data/support.ts';
import { rejects } from '../support/errors.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { writeImages } from './files.ts';
import { eagerDescription, eagerModel, eagerSpec, gradient } from './support.ts';

await testDevice();
const folder = temporaryFolder();
const images = {
  'all/one.png': gradient(64, 64),
  'all/deep/two.png': gradient(64, 96),
  'all/three.png': gradient(80, 64),
};
const files = await writeImages(folder, images);
const detector = new Detector(eagerModel(eagerSpec()), eagerDescription({ tile: 64 }));
test.after(() => detector.dispose());

const collect = (some: readonly string[], options: DetectFilesOptions = {}) => collectOf(detector, some, options);

async function collectOf(detector: Detector, some: readonly string[], options: DetectFilesOptions = {}) {
  const found = [];
  for await (const one of detectFiles(detector, some, options)) found.push(one);
  return found;
}

test('each image is detected on as the detector was trained, and named from the common folder', async () => {
  const found = await collect(files);
  assert.equal(
    found.map(({ file }) => file),
    files,
  );
  for (const [i, image] of Object.values(images).entries()) {
    const { detections, labelled, raster } = found[i]!;
    const { width: w, height: h } = raster;
    assert.equal((await raster.read({ x: 0, y: 0, width: w, height: h })).image.data, image.data);
    assert.equal(detections, await detector.detect(image));
    assert.ok(detections.scores.length > 0);
    const [height, width] = image.shape;
    const file = ['one.png', 'deep/two.png', 'three.png'][i];
    assert.equal(labelled, { file, width, height, objects: objectsOf(detections) });
  }
});

test('paths may be relative to the working directory, and options replace those of the detector', async () => {
  const here = files.map((file) => relative(process.cwd(), file));
  const options = { scoreThreshold: 0, tile: null };
  const found = await collect(here.slice(0, 2), options);
  assert.equal(
    found.map(({ labelled }) => labelled.file),
    ['one.png', 'deep/two.png'],
  );
  const [whole] = await detector.model.detect([images['all/deep/two.png']]);
  assert.equal(found[1]!.detections, whole);
  assert.equal((await collect(here.slice(1, 2)))[0]!.labelled.file, 'two.png');
});

test('nearly black images are marked', async () => {
  const night = gradient(64, 64);
  night.data.forEach((level, i) => (night.data[i] = level >> 4));
  const [path] = await writeImages(folder, { 'night.png': night });
  assert.equal(
    (await collect([files[0]!, path!])).map(({ isDark }) => isDark),
    [false, true],
  );
});

test('a file that cannot be read is named, and the others are detected on', async () => {
  const broken = join(folder, 'all/broken.png');
  writeFileSync(broken, readFileSync(files[0]!).subarray(0, 60));
  const mixed = [files[0]!, broken, files[2]!];
  const unreadable: [file: string, reason: string][] = [];
  const found = await collect(mixed, { onUnreadable: (file, error) => unreadable.push([file, error.explain()]) });
  assert.equal(
    found.map(({ labelled }) => labelled.file),
    ['one.png', 'three.png'],
  );
  assert.is(unreadable.length, 1);
  assert.is(unreadable[0]![0], broken);
  assert.match(unreadable[0]![1], /broken\.png/);
  await rejects(collect(mixed), /broken\.png/);
});

test('a call that a signal interrupts goes on with the tiles that it had done', async () => {
  const path = join(folder, 'out', 'progress.jsonl');
  const settings = { weights: 'w', tile: 64 };
  const running = async (abortAfter: number): Promise<{ seen: string[]; done: number[]; kept: number }> => {
    const controller = new AbortController();
    const journal = await TileJournal.open(path, settings);
    const kept = journal.tiles;
    const [seen, done]: [string[], number[]] = [[], []];
    let tiles = 0;
    const onTiles = (now: number): void => {
      done.push(now);
      if (++tiles === abortAfter) controller.abort();
    };
    const options = {
      batchSize: 1,
      signal: controller.signal,
      onTiles,
      storeOf: (file: string) => journal.storeOf(file),
    };
    for await (const { file, detections } of detectFiles(detector, files.slice(1), options)) {
      seen.push(file);
      const image = file === files[1] ? images['all/deep/two.png'] : images['all/three.png'];
      assert.equal(detections, await detector.detect(image, { batchSize: 1 }));
    }
    return { seen, done, kept };
  };
  // The first file has two tiles: it is left out when only one of them is done.
  assert.equal(await running(1), { seen: [], done: [1], kept: 0 });
  // A process that is killed while it writes leaves a part of a line.
  appendFileSync(path, '{"file":"');
  assert.equal(await running(3), { seen: [files[1]], done: [1, 2, 1], kept: 1 });
  assert.equal(await running(99), { seen: files.slice(1), done: [2, 1, 2], kept: 3 });
  assert.is((await TileJournal.open(path, { ...settings, tile: 32 })).tiles, 0, 'other settings');
  assert.equal(await collect(files, { signal: AbortSignal.abort() }), []);
});

test('an image that cannot be read is named', async () => {
  await rejects(collect([files[0]!, join(folder, 'none.png')]), /none\.png/);
});

test('images are decoded as those of the training', async () => {
  const tree = await writeSyntheticSpaceNet({ out: folder, chips: 1, size: 64 });
  const [file] = await findImages([join(tree, 'RGB-PanSharpen')]);
  const decoding = { bands: [3, 2, 1], stretch: { low: [0, 0, 0], high: [900, 900, 900] } } as const;
  const other = new Detector(detector.model, eagerDescription({ decoding }));
  const read = [];
  for await (const { raster } of detectFiles(other, [file!])) {
    read.push((await raster.read({ x: 0, y: 0, width: 64, height: 64 })).image);
  }
  assert.equal(read[0]!.data, (await readImage(file!, decoding)).data);
  assert.not.equal(read[0]!.data, (await readImage(file!, { stretch: decoding.stretch })).data);
});

/** A GeoTIFF file in metres (UTM) of an image whose pixels are repeated `times` along both axes. */
function georeferenced(name: string, image: RgbImage, times: number, pixel: number): Promise<string> {
  const [height, width] = image.shape as [number, number, number];
  const levels = raster(width * times, height * times, 3, 8, (band, row, column) =>
    image.get(Math.floor(row / times), Math.floor(column / times), band),
  );
  return write(folder, name, geoTiff(levels, { epsg: 32611, x: 6e5, y: 4e6, pixel }));
}

test('images are resampled to the ground resolution of training; boxes are in pixels of the file', async () => {
  const image = gradient(80, 112);
  const trained = new Detector(
    detector.model,
    eagerDescription({ tile: 64, decoding: { groundResolution: 0.5 }, scoreThreshold: 0.3 }),
  );
  const expected = await trained.detect(image);
  const paths = [
    await georeferenced('geo/a.tif', image, 3, 0.5 / 3),
    await georeferenced('geo/same.tif', image, 1, 0.49),
    await georeferenced('geo/tiny.tif', image, 1, 8.1),
    files[0]!,
  ];
  const refused: string[] = [];
  const onUnreadable = (_: string, error: Error): unknown => refused.push(error.message);
  const [large, same, unknown] = await collectOf(trained, paths, { resample: true, onUnreadable });
  assert.ok(expected.scores.length > 3);
  assert.equal(large!.detections, { ...expected, boxes: expected.boxes.map((value) => value * 3) });
  assert.equal([large!.raster.width, large!.labelled.width], [336, 336]);
  assert.equal(same!.detections, expected, 'a difference below 5 % is left alone');
  assert.equal(unknown!.detections, await trained.detect(images['all/one.png']), 'without a georeference');
  assert.equal(refused.length, 1);
  assert.match(refused[0]!, /tiny\.tif: a pixel is 8\.1 m .*more than 16 times that of the training images, 0\.5 m/);
  assert.not.equal((await collectOf(trained, [paths[0]!]))[0]!.detections, large!.detections);
  // Of an image in memory, the caller knows the ground resolution.
  const coarse = await trained.detect(image, { groundResolution: 1 });
  assert.ok(Math.max(...coarse.boxes) <= 112);
  assert.not.equal(coarse, expected);
});

test('resampling needs the ground resolution of training, and tiles', async () => {
  await rejects(
    collect(files, { resample: true }),
    /detectFiles: images cannot be resampled .*weights do not record it/,
  );
  const resizing = new Detector(detector.model, eagerDescription({ decoding: { groundResolution: 0.5 } }));
  await rejects(
    resizing.detect(images['all/one.png'], { groundResolution: 1, tile: null }),
    /Detector\.detect: images cannot be resampled .*resizes whole images/,
  );
});

test('the common folder is the innermost one that holds all files', () => {
  const from = (...names: string[]): string => join(sep, ...names);
  const common = (...some: string[]): string => commonFolder(some);
  assert.is(common(from('a', 'b', '1.png')), from('a', 'b'));
  assert.is(common(from('a', 'b', '1.png'), from('a', 'b', 'c', '2.png')), from('a', 'b'));
  assert.is(common(from('a', 'b', 'c', '2.png'), from('a', 'b', '1.png')), from('a', 'b'));
  assert.is(common(from('a', 'bc', '1.png'), from('a', 'b', '1.png')), from('a'), 'names are not cut');
  assert.is(common(from('a', '1.png'), from('b', '1.png')), sep);
  assert.is(common(join('x', '1.png')), join(process.cwd(), 'x'));
});

test('of an area only its part of each image is detected on; images outside and without a place are named', async () => {
  const where = temporaryFolder();
  const image = gradient(64, 160);
  const place = { epsg: 32633, y: 4e6, pixel: 0.5 };
  const levels = raster(160, 64, 3, 8, (band, row, column) => image.get(row, column, band));
  const inside = await write(where, 'inside.tif', geoTiff(levels, { ...place, x: 5e5 }));
  const outside = await write(where, 'outside.tif', geoTiff(levels, { ...place, x: 6e5 }));
  // The left 40 of 160 columns, except the upper 20 rows.
  const box = (x1: number, y1: number, x2: number, y2: number) =>
    featureCollection([[corners([5e5 + x1 / 2, 4e6 - y1 / 2, 5e5 + x2 / 2, 4e6 - y2 / 2])]], 'EPSG:32633');
  const area = (await AreaOfInterest.open({
    area: await write(where, 'area.geojson', box(-5, -5, 40, 70)),
    exclude: await write(where, 'exclude.geojson', box(-5, -5, 170, 20)),
  }))!;
  const named: string[] = [];
  const tiles: number[] = [];
  const found = await collect([outside, inside, files[0]!], {
    area,
    onOutside: (file) => named.push(file),
    onUnreadable: (file, error) => named.push(file, error.explain()),
    onTiles: (_, total) => tiles.push(total),
  });
  assert.equal(named.slice(0, 2), [outside, files[0]]);
  assert.match(named[2]!, /one\.png: there is no georeference, so that nothing is known to lie inside .*area\.geojson/);
  assert.equal(tiles, [1], 'of three tiles');
  const all = (await detector.detect(image)).scores.length;
  const { boxes, scores } = found[0]!.detections;
  assert.ok(scores.length > 0 && scores.length < all, `${scores.length} of ${all}`);
  for (let i = 0; i < scores.length; i++) {
    const [x, y] = [(boxes[4 * i]! + boxes[4 * i + 2]!) / 2, (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2];
    assert.ok(x < 40 && y > 20, `${x}, ${y}`);
  }
});

test.run();
