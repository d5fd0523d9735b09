import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { convertLabels, describeSample, readLabels, writeSyntheticSpaceNet } from '../../src/data-node.ts';
import {
  Detector,
  detectImage,
  evaluate,
  evaluationOnImages,
  examineData,
  openEvaluationData,
  openTrainingData,
} from '../../src/detector-node.ts';
import { judge } from '../../src/evaluation.ts';
import { objectsOf } from '../../src/data/annotation-table.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { corners, featureCollection, geoTiff, raster, write } from '../data/support.ts';
import { rejects } from '../support/errors.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { writeCocoExport, writeCsv, writeImages, writeYoloExport } from './files.ts';
import { eagerDescription, eagerModel, eagerSpec, gradient, tinySettings } from './support.ts';

await testDevice();
const folder = temporaryFolder();
const images = { 'images/one.png': gradient(64, 64), 'images/sub/two.png': gradient(64, 96) };
await writeImages(folder, images);
const labels = writeCsv(join(folder, 'images', 'boxes.csv'), [
  'one.png,4,4,30,30,car',
  'one.png,34,30,60,62,tree',
  'sub/two.png,10,10,40,40,car',
]);
const path = join(folder, 'images');

const classes = ['tree', 'house', 'car'];
const detector = new Detector(
  eagerModel(eagerSpec(), 3),
  eagerDescription({ classes, tile: 64, scoreThreshold: 0.31 }),
);
test.after(() => detector.dispose());

test('of a data set with splits, the test images are evaluated', async () => {
  const coco = join(folder, 'coco');
  await writeCocoExport(coco, gradient(64, 64));
  const { split, dataset, truth, notes } = await openEvaluationData(detector, coco);
  assert.is(split, 'test');
  assert.equal(
    [dataset.ids, truth.images.map(({ file }) => file)],
    [
      ['test/a.png', 'test/d.png'],
      ['test/a.png', 'test/d.png'],
    ],
  );
  assert.equal(
    truth.images[0]!.objects.map(({ box, label }) => [truth.classes[label], ...box]),
    [['car', 8, 8, 28, 32]],
  );
  assert.match(notes.join(), /^note: .*category 0, "cars-1"/);
  for (const name of ['test', 'valid']) rmSync(join(coco, name, '_annotations.coco.json'));
  await rejects(openEvaluationData(detector, coco), /only the images of train have labels.*nevertheless with `split`/);
  assert.is((await openEvaluationData(detector, coco, { split: 'train' })).dataset.ids.length, 2);
  const yolo = join(folder, 'yolo');
  await writeYoloExport(yolo, gradient(64, 64));
  const namesOf = async (options?: { readonly split: 'val' }): Promise<[string | null, string[]]> => {
    const { split, truth } = await openEvaluationData(detector, yolo, options);
    return [split, truth.images.map(({ file }) => file.replace(/^.*\//, ''))];
  };
  assert.equal(await namesOf(), ['test', ['e.png', 'f.png']]);
  assert.equal(await namesOf({ split: 'val' }), ['val', ['c.png', 'd.png']]);
  assert.is((await openEvaluationData(detector, path)).split, null);
});

test('classes are numbered as those of the detector, images named as in the label file', async () => {
  for (const where of [path, labels]) {
    const { dataset, truth, path: from } = await openEvaluationData(detector, where);
    assert.is(from, where);
    assert.equal(dataset.classes, classes);
    assert.equal(dataset.ids, ['one.png', 'sub/two.png']);
    const [first, second] = [await dataset.get(0), await describeSample(dataset, 1)];
    assert.equal([...first.labels], [2, 0]);
    assert.equal([...first.boxes.subarray(0, 4)], [4, 4, 30, 30]);
    assert.equal(first.image.data, images['images/one.png'].data);
    assert.equal([...second.labels], [2]);
    assert.equal(
      truth.images.map(({ file, objects }) => [file, objects.map(({ label }) => truth.classes[label])]),
      [
        ['one.png', ['car', 'tree']],
        ['sub/two.png', ['car']],
      ],
    );
    assert.equal([...truth.classes].sort(), [...classes].sort(), 'predictions may be of any of its classes');
  }
});

test('classes that the detector does not know are refused', async () => {
  const boats = writeCsv(join(folder, 'boats.csv'), ['one.png,4,4,30,30,boat', 'one.png,4,4,30,30,car']);
  await rejects(
    openEvaluationData(detector, boats, { images: path }),
    /boats\.csv has the classes boat, which the detector does not know: it detects tree, house, car$/,
  );
});

test('the ground truth keeps what a data set leaves out', async () => {
  const crowd = { id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 30, 40], area: 1200, iscrowd: 1 };
  const coco = {
    images: [{ id: 1, file_name: 'one.png', width: 64, height: 64 }],
    categories: [{ id: 1, name: 'car' }],
    annotations: [crowd, { ...crowd, id: 2, iscrowd: 0 }],
  };
  const file = join(folder, 'crowd.json');
  writeFileSync(file, JSON.stringify(coco));
  const { dataset, truth } = await openEvaluationData(detector, file, { images: path });
  assert.equal([...(await dataset.get(0)).labels], [2]);
  assert.is(truth.images[0]!.objects.length, 2);
  assert.ok(truth.images[0]!.objects.some(({ crowd }) => crowd));
});

test('a SpaceNet tree keeps its outlines, and the names of its places', async () => {
  const tree = await writeSyntheticSpaceNet({ out: folder, chips: 2, size: 64 });
  const decoding = { bands: [3, 2, 1], stretch: { low: [0, 0, 0], high: [900, 900, 900] } } as const;
  const { dataset, truth } = await openEvaluationData({ classes: ['road', 'building'], decoding }, tree);
  assert.is(dataset.ids.length, 2);
  assert.equal(dataset.decoding?.bands, decoding.bands);
  const samples = await Promise.all(dataset.ids.map((_, i) => dataset.get(i)));
  assert.ok(samples.some((sample) => sample.labels.length > 0));
  assert.ok(samples.every((sample) => sample.labels.every((label) => label === 1)));
  assert.equal(
    truth.images.map(({ file }) => file),
    dataset.ids,
  );
  const objects = truth.images.flatMap((image) => image.objects);
  assert.ok(objects.length > 0 && objects.every(({ polygons }) => polygons !== undefined));
});

test('SpaceNet 1 as unpacked, with summaries of all places, is read alike by all commands', async () => {
  const tree = join(folder, 'AOI_0_TEST');
  const geojson: Record<string, string> = {};
  for (const [i, id] of ['013_Public_img2', '013_Public_img10'].entries()) {
    const place = { epsg: 4326, x: -43.6 + i, y: -22.9, pixel: 5e-6 };
    for (const [kind, size, bands] of [
      ['3band', 40, 3],
      ['8band', 10, 8],
    ] as const) {
      const pixel = (place.pixel * 40) / size;
      const image = raster(size, size, bands, 8, (band, row, column) => band + row + column);
      await write(tree, `${kind}/${kind}_${id}.tif`, geoTiff(image, { ...place, pixel }));
    }
    const ring = [
      [4, 6],
      [14, 6],
      [14, 26],
      [4, 26],
      [4, 6],
    ].map(([x, y]) => [place.x + x! * place.pixel, place.y - y! * place.pixel]);
    geojson[id] = featureCollection([[ring]], 'urn:ogc:def:crs:OGC:1.3:CRS84');
    await write(tree, `vectorData/geoJson/${id}_Geo.geojson`, geojson[id]);
  }
  for (const kind of ['3Band', '8Band']) {
    await write(tree, `vectorData/summaryData/solution_${kind}.geojson`, geojson['013_Public_img2']!);
    await write(
      tree,
      `vectorData/summaryData/solution_${kind}.csv`,
      'ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo\n',
    );
  }
  const close = (found: readonly number[]): void =>
    assert.ok(
      [4, 6, 14, 26].every((edge, i) => Math.abs(edge - found[i]!) < 0.01),
      found.join(),
    );
  const { images: read, classes: names } = await readLabels(tree);
  assert.equal(
    [read.map(({ file }) => file), names],
    [['3band/3band_013_Public_img10.tif', '3band/3band_013_Public_img2.tif'], ['building']],
  );
  for (const { objects } of read) close(objects[0]!.box);
  const { dataset, truth } = await openEvaluationData({ classes: names, decoding: {} }, tree);
  assert.equal(
    dataset.ids,
    read.map(({ file }) => file),
  );
  assert.equal(
    truth.images.map(({ objects }) => objects.length),
    [1, 1],
  );
  const training = await openTrainingData(tinySettings({ data: { path: tree, heldOut: 0.5, workers: 0 } }), {
    isHardware: false,
  });
  assert.is(training.dataset.ids.length, 2);
  for (const index of [0, 1]) close([...(await training.dataset.get(index)).boxes]);
  const { examination } = await examineData({ data: { path: tree } }, { pixels: false });
  assert.equal([examination.images, examination.boxes], [2, 2]);
  assert.not.ok(examination.findings.some(({ kind }) => kind.startsWith('label-')));
  await convertLabels(tree, join(folder, 'rio.json'), { to: 'coco' });
  // Another label file without an image is an error, as before.
  await write(tree, 'vectorData/geoJson/all_Geo.geojson', featureCollection([]));
  await rejects(readLabels(tree), /all_Geo\.geojson: there is no image for it/);
});

test('a detector is evaluated in its tiles, at its threshold or at another', async () => {
  const data = await openEvaluationData(detector, path);
  const told: number[][] = [];
  const onProgress = (...progress: number[]): void => void told.push(progress);
  const { judgement, predictions, images: results } = await evaluate(detector, data, { onProgress });
  assert.equal(told.at(-1), [2, 2]);
  const found = await Promise.all(
    Object.values(images).map((image) => detectImage(detector.model, image, { tile: 64 })),
  );
  assert.equal(
    predictions.images.map(({ file, objects }) => [file, objects]),
    found.map((detections, i) => [data.dataset.ids[i], objectsOf(detections)]),
  );
  assert.equal(
    results.map(({ detections }) => detections),
    found,
  );
  assert.equal(judgement, judge(data.truth, predictions, { scoreThreshold: 0.31 }));
  assert.is(judgement.counts.truths, 3);
  const options = { scoreThreshold: 0.2, iouThreshold: 0.3, resamples: 5 };
  const other = await evaluate(detector, data, options);
  assert.equal(other.judgement, judge(data.truth, predictions, options));
  const byFolder = await evaluate(detector, data, { ...options, scene: /^(?:(.*)\/)?/ });
  assert.equal(byFolder.judgement, judge(data.truth, predictions, { ...options, scenes: ['', 'sub'] }));
});

test('images that cannot be read are left out and listed; the others are judged as if they were alone', async () => {
  const rgb = images['images/one.png'];
  const broken = await encodePng(gradient(64, 64));
  const where = join(folder, 'some');
  await writeImages(where, { 'a.png': rgb, 'c.png': rgb });
  // The header is sound, the pixels are not.
  writeFileSync(join(where, 'b.png'), broken.fill(0, 60, broken.length - 20));
  const lines = ['a.png,4,4,30,30,car', 'b.png,4,4,30,30,car', 'c.png,34,30,60,62,tree'];
  writeCsv(join(where, 'boxes.csv'), lines);
  const { judgement, predictions, unreadable } = await evaluate(detector, await openEvaluationData(detector, where));
  assert.equal(
    unreadable.map(({ file }) => file),
    ['b.png'],
  );
  assert.match(unreadable[0]!.reason, /^.*some.b\.png: /);
  const sound = join(folder, 'sound');
  await writeImages(sound, { 'a.png': rgb, 'c.png': rgb });
  writeCsv(join(sound, 'boxes.csv'), [lines[0]!, lines[2]!]);
  const alone = await evaluate(detector, await openEvaluationData(detector, sound));
  assert.equal([judgement, predictions, alone.unreadable], [alone.judgement, alone.predictions, []]);
  for (const name of ['a.png', 'c.png']) writeFileSync(join(where, name), broken);
  await rejects(
    openEvaluationData(detector, where).then((data) => evaluate(detector, data)),
    /some.[abc]\.png: /,
  );
});

test('a data set whose first TIFF file is damaged is opened, and the file is left out', async () => {
  const where = join(folder, 'tiffs');
  const tif = geoTiff(
    raster(64, 64, 3, 8, (band, row, column) => 3 * column + row * band),
    { epsg: 32633, x: 5e5, y: 4e6, pixel: 0.5 },
  );
  for (const [name, bytes] of [
    ['a.tif', tif.subarray(0, 9000)],
    ['b.tif', tif],
  ] as const) {
    await write(where, name, bytes);
  }
  writeCsv(join(where, 'boxes.csv'), ['a.tif,4,4,30,30,car', 'b.tif,4,4,30,30,car']);
  const data = await openEvaluationData(detector, where);
  assert.is(data.dataset.decoding!.groundResolution, 0.5);
  const { unreadable, judgement } = await evaluate(detector, data);
  assert.match(unreadable.map(({ reason }) => reason).join(), /^.*a\.tif: truncated: block 0 ends at byte/);
  assert.is(judgement.counts.images, 1);
});

test('georeferenced images are resampled to the ground resolution of training, and judged in their own pixels', async () => {
  const where = join(folder, 'fine');
  const small = gradient(64, 64);
  const twice = raster(128, 128, 3, 8, (band, row, column) => small.get(row >> 1, column >> 1, band));
  await write(where, 'a.tif', geoTiff(twice, { epsg: 32633, x: 5e5, y: 4e6, pixel: 0.25 }));
  writeCsv(join(where, 'boxes.csv'), ['a.tif,8,8,60,60,car']);
  const trained = new Detector(
    detector.model,
    eagerDescription({ classes, tile: 64, decoding: { groundResolution: 0.5 } }),
  );
  const data = await openEvaluationData(trained, where);
  const { images: results, judgement } = await evaluate(trained, data, { resample: true });
  const expected = await detectImage(detector.model, small, { tile: 64 });
  assert.equal(results[0]!.detections, { ...expected, boxes: expected.boxes.map((value) => value * 2) });
  assert.equal([results[0]!.groundResolution, [...results[0]!.truth.boxes]], [0.25, [8, 8, 60, 60]]);
  assert.is(judgement.counts.images, 1);
  assert.not.equal((await evaluate(trained, data)).images[0]!.detections, results[0]!.detections);
  await rejects(evaluate(detector, data, { resample: true }), /evaluate: images cannot be resampled/);
});

test('an evaluation that is aborted gives null', async () => {
  const data = await openEvaluationData(detector, path);
  assert.is(await evaluate(detector, data, { signal: AbortSignal.abort() }), null);
});

test('in an area only objects and detections with their centre inside count, and pixels outside are seen', async () => {
  const where = join(folder, 'placed');
  const levels = raster(96, 64, 3, 8, (band, row, column) => gradient(64, 96).get(row, column, band));
  for (const [name, x] of [
    ['a.tif', 5e5],
    ['b.tif', 6e5],
  ] as const) {
    await write(where, name, geoTiff(levels, { epsg: 32633, x, y: 4e6, pixel: 0.5 }));
  }
  writeCsv(join(where, 'boxes.csv'), ['a.tif,4,4,30,30,car', 'a.tif,60,4,90,30,car', 'b.tif,4,4,30,30,car']);
  const polygon = corners([5e5, 4e6, 5e5 + 24, 4e6 - 32]);
  const area = await write(folder, 'area.geojson', featureCollection([[polygon]], 'EPSG:32633'));
  const data = await openEvaluationData(detector, where, { area });
  assert.equal(data.dataset.ids, ['a.tif']);
  assert.match(data.notes.join('\n'), /1 image not inside .*\nnote: 2 objects whose centre/);
  const plain = await openEvaluationData(detector, where);
  assert.equal((await data.dataset.get(0)).image.data, (await plain.dataset.get(0)).image.data);
  const [some, all] = [await evaluate(detector, data), await evaluate(detector, plain)];
  assert.equal([some.judgement.counts.images, some.judgement.counts.truths], [1, 1]);
  const found = all.predictions.images[0]!.objects;
  assert.equal(
    some.predictions.images[0]!.objects,
    found.filter(({ box }) => (box[0] + box[2]) / 2 < 48),
  );
  assert.ok(some.judgement.counts.detections < found.length);
});

test('an evaluation on its images has the counts of the judgement at its threshold, and places', async () => {
  const where = join(folder, 'mapped');
  const levels = raster(96, 64, 3, 8, (band, row, column) => gradient(64, 96).get(row, column, band));
  await write(where, 'a.tif', geoTiff(levels, { epsg: 32633, x: 5e5, y: 4e6, pixel: 0.5 }));
  await writeImages(where, { 'b.png': gradient(64, 64) });
  // What the detector finds is the truth of one image.
  const first = (await detector.detect(gradient(64, 96))).boxes.subarray(0, 4);
  const name = detector.classes[(await detector.detect(gradient(64, 96))).labels[0]!];
  writeCsv(join(where, 'boxes.csv'), [`a.tif,${first.join()},${name}`, 'b.png,4,4,30,30,tree']);
  const data = await openEvaluationData(detector, where);
  const evaluation = await evaluate(detector, data);
  const { images, count } = evaluationOnImages(data, evaluation);
  assert.is(count, 2);
  const threshold = evaluation.judgement.settings.scoreThreshold;
  const kinds = { hit: 0, miss: 0, 'false alarm': 0, detection: 0 };
  const places = [];
  for await (const { objects, raster: shown } of images) {
    places.push([shown.epsg, shown.width]);
    for (const { kind, score = -1 } of objects)
      if (kind === 'miss' ? score < threshold : score >= threshold) kinds[kind!]++;
  }
  const { truePositives, falsePositives, falseNegatives } = evaluation.judgement.chosen;
  assert.equal(kinds, { hit: truePositives, miss: falseNegatives, 'false alarm': falsePositives, detection: 0 });
  assert.ok(kinds.hit > 0 && kinds['false alarm'] > 0);
  assert.equal(places, [
    [32633, 96],
    [null, 64],
  ]);
});

test.run();
