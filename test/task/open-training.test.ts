import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeDetector,
  openDetector,
  openTraining,
  openTrainingData,
  SettingError,
  train,
  type FinishedTraining,
  type PartialSettings,
} from '../../src/detector-node.ts';
import { readStateDict, RetinaNet, retinaNetSpec } from '../../src/index.ts';
import { errorOf, rejects } from '../support/errors.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { corners, featureCollection, geoTiff, raster, write } from '../data/support.ts';
import { temporaryFolder } from '../support/files.ts';
import { changedNames, squares, valuesOf } from '../train/support.ts';
import { writeCocoExport, writeCsv, writeImages, writeYoloExport } from './files.ts';
import { tinySettings } from './support.ts';

const device = await testDevice();
const root = temporaryFolder();
const folder = join(root, 'images');
const lines: string[] = [];
for (let i = 0; i < 6; i++) {
  const { image, boxes } = await squares.get(i);
  await writeImages(folder, { [`${i}.png`]: image });
  for (let k = 0; k < boxes.length; k += 4) lines.push(`${i}.png,${boxes.slice(k, k + 4).join(',')},square`);
}
writeCsv(join(folder, 'boxes.csv'), lines);

const model = { network: 'tiny', anchors: 'octaves', imageSize: null } as const;
const open = (data: PartialSettings['data'] & object) =>
  openTrainingData(tinySettings({ model, data: { path: folder, workers: 0, ...data } }), { isHardware: false });

test('labels and images are opened, and named by their path', async () => {
  const { description, dataset, split, notes } = await open({ heldOut: 0.4 });
  assert.is(description, folder);
  assert.equal(dataset.classes, ['square']);
  assert.is(split.train.length + split.heldOut.length, 6);
  assert.equal(notes, []);
  const [own, read] = [await squares.get(2), await dataset.get(2)];
  assert.equal(read.image.data, own.image.data);
  assert.equal(read.boxes, own.boxes);
});

test('images without labels are left out with a note, or taken as empty', async () => {
  const some = join(root, 'some');
  const { image } = await squares.get(0);
  await writeImages(some, { 'a.png': image, 'b.png': image, 'c.png': image });
  writeCsv(join(some, 'boxes.csv'), ['a.png,2,3,20,30,square', 'b.png,2,3,20,30,square']);
  const skipped = await open({ path: some });
  assert.is(skipped.dataset.ids.length, 2);
  assert.match(skipped.notes.join('\n'), /^left out: 1 image without labels \(data\.unlabelled=empty /);
  const empty = await open({ path: some, unlabelled: 'empty' });
  assert.is(empty.dataset.ids.length, 3);
  assert.equal(empty.notes, []);
});

test('the splits of a YOLO data set are kept: test images are never trained on', async () => {
  const path = join(root, 'yolo');
  const { image } = await squares.get(0);
  await writeYoloExport(path, image);
  const { dataset, split, notes } = await open({ path });
  const idsOf = (indices: readonly number[]): string[] => indices.map((i) => dataset.ids[i]!.replace(/^.*\//, ''));
  assert.equal(idsOf(split.train), ['a.png', 'b.png']);
  assert.equal(idsOf(split.heldOut), ['c.png', 'd.png']);
  assert.is(dataset.ids.length, 4);
  assert.equal(notes, [
    'splits (data.yaml): the images of train are for training; held out are those of val; not used: test',
  ]);
  const other = await open({ path, validation: folder, classes: ['car', 'square'] });
  assert.equal(other.split.train.length, 2);
  assert.match(other.notes[0]!, /not used: val, test$/);
  // Data sets that name the same images twice, as this package writes them, have no splits.
  for (const name of ['valid', 'test']) rmSync(join(path, name), { recursive: true });
  writeFileSync(join(path, 'data.yaml'), 'train: train/images\nval: train/images\nnames: [car]\n');
  const plain = await open({ path, heldOut: 0.5 });
  assert.equal([plain.dataset.ids.length, plain.notes.length], [2, 0]);
});

test('the splits of a COCO export are kept, and its category 0 is left out', async () => {
  const path = join(root, 'coco');
  const { image } = await squares.get(0);
  await writeCocoExport(path, image);
  const { dataset, split, notes } = await open({ path });
  assert.equal(dataset.ids, ['train/a.png', 'train/b.png', 'valid/a.png', 'valid/c.png']);
  assert.equal(
    [split.train, split.heldOut],
    [
      [0, 1],
      [2, 3],
    ],
  );
  assert.equal(dataset.classes, ['car']);
  assert.equal([...(await dataset.get(2)).boxes], [8, 8, 28, 32]);
  assert.is(
    notes[0],
    'splits (the folders train, valid, test): the images of train are for training; held out are those of val; not used: test',
  );
  assert.match(notes[1]!, /^note: .*train.*: category 0, "cars-1"/);
  // Without valid, a part of train is held out; without train, nothing is trained on.
  rmSync(join(path, 'valid'), { recursive: true });
  const part = await open({ path, heldOut: 0.5 });
  assert.equal(part.dataset.ids, ['train/a.png', 'train/b.png']);
  assert.match(part.notes[0]!, /the images of train are for training; not used: test$/);
  rmSync(join(path, 'train', '_annotations.coco.json'));
  await rejects(open({ path }), /coco has no images to train on: it has labels of test only/);
});

test('a class of val only is a class of the detector', async () => {
  const path = join(root, 'classes');
  const { image } = await squares.get(0);
  for (const [split, name] of [
    ['train', 'car'],
    ['val', 'bus'],
    ['test', 'tram'],
  ] as const) {
    await writeImages(path, { [`${split}/a.png`]: image, [`${split}/b.png`]: image });
    writeCsv(join(path, split, 'boxes.csv'), [`a.png,2,3,20,30,${name}`, 'b.png,2,3,20,30,car']);
  }
  const { dataset, notes } = await open({ path });
  assert.equal(dataset.classes, ['bus', 'car']);
  const labels = await Promise.all(dataset.ids.map(async (_, i) => [...(await dataset.get(i)).labels]));
  assert.equal(labels, [[1], [1], [0], [1]]);
  assert.is(notes[1], 'no image of train has objects of bus, unlike those of val');
});

test('labels of crowds only are refused, with the reason', async () => {
  const path = join(root, 'crowds');
  const { image } = await squares.get(0);
  await writeImages(path, { 'a.png': image, 'b.png': image });
  const entry = { image_id: 0, category_id: 1, bbox: [8, 8, 20, 24] };
  const write = (...crowds: readonly number[]): void => {
    const coco = {
      images: ['a.png', 'b.png'].map((file_name, id) => ({ id, file_name })),
      categories: [{ id: 1, name: 'car' }],
      annotations: crowds.map((iscrowd, id) => ({ ...entry, id, iscrowd })),
    };
    writeFileSync(join(path, 'instances.json'), JSON.stringify(coco));
  };
  write(1, 1);
  await rejects(
    open({ path }),
    /crowds: the labels hold 2 regions of crowds \(COCO's iscrowd\) and no objects: crowds are not/,
  );
  write(1, 0);
  assert.equal((await open({ path, heldOut: 0.5 })).notes, ['left out: 1 region of a crowd (iscrowd)']);
});

test('the class property and the size of points reach GeoJSON', async () => {
  const path = join(root, 'trees');
  const place = { epsg: 32616, x: 500_000, y: 4_000_000, pixel: 0.5 };
  for (const name of ['a', 'b']) {
    const features = [[10, 'oak'] as const, [20, 'elm'] as const].map(([x, genus]) => ({
      type: 'Feature',
      properties: { genus },
      geometry: { type: 'Point', coordinates: [place.x + x / 2, place.y - 15] },
    }));
    await write(
      path,
      `3band/3band_${name}.tif`,
      geoTiff(
        raster(48, 48, 3, 8, (band, row) => band + row),
        place,
      ),
    );
    await write(path, `geojson/Geo_${name}.geojson`, JSON.stringify({ type: 'FeatureCollection', features }));
  }
  const { dataset } = await open({ path, classProperty: 'genus', pointSize: 8, heldOut: 0.5 });
  assert.equal(dataset.classes, ['elm', 'oak']);
  const { boxes, labels } = await dataset.get(0);
  assert.equal([...labels], [1, 0]);
  assert.equal([...boxes], [6, 26, 14, 34, 16, 26, 24, 34]);
  await rejects(
    open({ classProperty: 'genus' }),
    /classProperty is "genus", but .* only geojson, vector, via have this option/,
  );
});

test('an area limits tiles, objects and warnings, and its polygons are known to the run', async () => {
  const path = join(root, 'placed');
  const place = { epsg: 32633, x: 5e5, y: 4e6, pixel: 0.5 };
  // Bright on the left, where the area is.
  const levels = raster(512, 256, 3, 8, (_, row, column) => (column < 140 ? 50 + (row % 99) : 255));
  await write(path, 'ortho.tif', geoTiff(levels, place));
  writeCsv(
    join(path, 'boxes.csv'),
    [10, 80, 150, 220].flatMap((y) => [10, 300].map((x) => `ortho.tif,${x},${y},${x + 20},${y + 20},car`)),
  );
  const polygon = (right: number) => [corners([5e5 - 1, 4e6 + 1, 5e5 + right / 2, 4e6 - 200])];
  const area = await write(root, 'area.geojson', featureCollection([polygon(72)], 'EPSG:32633'));
  const settings = { path, area, tile: 64, overlap: 0 };
  const { dataset, notes, warnings, areaHash } = await open(settings);
  assert.equal(
    dataset.ids,
    [0, 64, 128, 192].flatMap((y) => [0, 64].map((x) => `ortho.tif@${x},${y}`)),
  );
  assert.match(notes.join('\n'), /^note: 4 objects whose centre is not inside .*area\.geojson: left out$/m);
  assert.not.match(warnings.join(), /black/, 'tiles at the border are black by intention');
  const threads = await open({ ...settings, workers: 1 });
  const [first] = threads.split.train;
  assert.equal((await threads.source.read(first!, 0, 0)).boxes.length, (await dataset.get(first!)).boxes.length);
  await threads.close();
  assert.is(areaHash, (await open({ ...settings, overlap: 8 })).areaHash);
  await write(root, 'area.geojson', featureCollection([polygon(74)], 'EPSG:32633'));
  assert.is.not((await open(settings)).areaHash, areaHash);
  assert.is((await open({ ...settings, area: null })).areaHash, null);
});

test('the validation data set has the classes of the training data, and its own folder', async () => {
  const both = writeCsv(join(root, 'both.csv'), [...lines, '0.png,1,1,9,9,circle']);
  const circles = join(root, 'circles');
  await writeImages(circles, { 'a.png': (await squares.get(7)).image });
  writeCsv(join(circles, 'boxes.csv'), ['a.png,2,3,20,30,square']);
  const { dataset, split } = await open({ path: both, images: folder, validation: circles });
  assert.equal(dataset.classes, ['circle', 'square']);
  assert.equal(split.heldOut, [6]);
  assert.equal([...(await dataset.get(6)).labels], [1]);
});

test('the data set must be named, and settings fit together before it is opened', async () => {
  const unnamed = await errorOf(() => open({ path: '' }));
  assert.instance(unnamed, SettingError);
  assert.is((unnamed as SettingError).setting, 'data.path');
  const unfit = await errorOf(() => open({ path: join(root, 'none'), tile: 64, overlap: 64 }));
  assert.instance(unfit, SettingError);
  assert.is((unfit as SettingError).setting, 'data.overlap');
  await rejects(open({ path: join(root, 'none') }), /none does not exist/);
});

test('a training starts from the weights of a file, and leaves nothing when closed or refused', async () => {
  const weights = join(root, 'start.safetensors');
  const given = (seed: number, file: string | null): PartialSettings => ({
    data: { path: folder },
    model: { ...model, weights: file },
    train: { seed },
  });
  await leavesNothing(device, async () => {
    const first = await openTraining(given(3, null));
    assert.is(first.pretrained, null);
    const values = await valuesOf(first.model);
    const { classes } = first.data.dataset;
    const description = { classes, spec: first.model.spec, scoreThreshold: 0.5, decoding: {}, tile: null };
    writeFileSync(weights, encodeDetector(await readStateDict(first.model.stateDict()), description));
    await first.close();
    const second = await openTraining(given(4, weights));
    assert.is(second.pretrained!.fresh.length, 0);
    assert.equal(changedNames(values, await valuesOf(second.model)), []);
    await second.close();
  });
  writeFileSync(weights, 'no weights');
  await leavesNothing(device, () => rejects(openTraining(given(3, weights)), /start\.safetensors: not a valid/));
});

test('the network follows the weights: their backbone, if it is auto, and what gives them their meaning', async () => {
  const preset = retinaNetSpec('detectron2', {
    backbone: { depth: 18, width: 32 },
    pyramid: { channels: 64 },
    head: { channels: 64, convs: 2 },
  });
  const theirs = new RetinaNet(1, preset);
  const description = { classes: ['square'], spec: preset, scoreThreshold: 0.5, decoding: {}, tile: null };
  const weights = join(root, 'follow.safetensors');
  writeFileSync(weights, encodeDetector(await readStateDict(theirs.stateDict()), description));
  theirs.dispose();
  await leavesNothing(device, async () => {
    const given = { data: { path: folder }, model: { ...model, network: 'auto', weights } } as const;
    const { settings, model: made, pretrained, close } = await openTraining(given);
    assert.is(settings.model.network, 'small');
    const { transform, pyramid, anchors, backbone, postprocess } = made.spec;
    assert.equal([transform.channels, transform.white, transform.minSize], ['bgr', 255, null]);
    assert.equal([pyramid.p6, backbone.bottleneckStride, backbone.norm], ['C5', '1x1', 'batch']);
    assert.equal([anchors.order, anchors.stride, anchors.rounded], ['size-outer', 'fixed', false]);
    assert.is(postprocess.maxDetections, 300);
    assert.equal(pretrained!.converted, []);
    await close();
  });
});

test('a training with group norms gives a detector, and is resumed and started from with group norms only', async () => {
  const out = join(root, 'grouped');
  const given = (norm: 'batch' | 'frozen' | 'group', weights: string | null = null): PartialSettings => ({
    data: { path: folder },
    model: { ...model, norm, weights },
    train: { epochs: 1, batchSize: 2 },
  });
  await leavesNothing(device, async () => {
    const trained = (await train(given('group'), { out })) as FinishedTraining;
    const values = await valuesOf(trained.detector.model);
    trained.detector.dispose();
    const { path } = trained.folder;
    assert.match(readFileSync(join(path, 'config.yaml'), 'utf8'), /norm: "group"/);
    const best = join(path, 'best.safetensors');
    const detector = await openDetector(best);
    assert.is(detector.spec.backbone.norm, 'group');
    assert.equal(changedNames(values, await valuesOf(detector.model)), []);
    await detector.detect((await squares.get(0)).image);
    detector.dispose();
    await rejects(train(given('batch'), { out, resume: true }), /norm/);
    for (const norm of ['batch', 'frozen'] as const)
      await rejects(
        train(given(norm, best), { out: join(root, 'other') }),
        /has group norms, the model's has batch norms/,
      );
    const started = await openTraining(given('group', best));
    assert.equal(started.pretrained!.notes, []);
    await started.close();
  });
});

test('frozen norms keep the statistics of the weights', async () => {
  const weights = join(root, 'frozen.safetensors');
  const given = (norm: 'batch' | 'frozen', file: string | null): PartialSettings => ({
    data: { path: folder },
    model: { ...model, norm, weights: file },
    train: { epochs: 1, batchSize: 2, averageDecay: null },
  });
  await leavesNothing(device, async () => {
    const { detector } = (await train(given('batch', null), { out: join(root, 'thawed') })) as FinishedTraining;
    writeFileSync(weights, encodeDetector(await readStateDict(detector.model.stateDict()), detector));
    const before = await valuesOf(detector.model);
    detector.dispose();
    for (const norm of ['batch', 'frozen'] as const) {
      const { detector } = (await train(given(norm, weights), { out: join(root, norm) })) as FinishedTraining;
      const changed = changedNames(before, await valuesOf(detector.model));
      const ofNorms = changed.filter((name) => /running|bn\d|downsample\.1/.test(name));
      assert.is(ofNorms.length > 0, norm === 'batch', ofNorms.join());
      assert.ok(changed.includes('backbone.body.conv1.weight'));
      detector.dispose();
    }
  });
});

test('an interrupted training leaves a state, no report, and no tensors', async () => {
  const controller = new AbortController();
  await leavesNothing(device, async () => {
    const given = { data: { path: folder }, model, train: { epochs: 2, batchSize: 2 } } as const;
    const outcome = await train(given, {
      out: join(root, 'run'),
      signal: controller.signal,
      onStep: () => controller.abort(),
    });
    assert.is(outcome.end, 'interrupted');
    assert.ok(outcome.folder.hasState);
    assert.not.ok('detector' in outcome);
    await rejects(train(given, { out: join(root, 'run') }), /holds a run/);
  });
});

test('a folder that holds a run keeps its settings; a run that starts with resume writes its own', async () => {
  const out = join(root, 'kept');
  const settings = (epochs: number): PartialSettings => ({ data: { path: folder }, model, train: { epochs } });
  const { detector } = await train(settings(1), { out, resume: true });
  detector.dispose();
  const config = readFileSync(join(out, 'config.yaml'), 'utf8');
  assert.match(config, 'epochs: 1\n');
  assert.match((await errorOf(() => train(settings(7), { out }))).message, 'holds a run already');
  assert.is(readFileSync(join(out, 'config.yaml'), 'utf8'), config);
});

test('a run keeps the batch size that auto found when it is resumed', async () => {
  const out = join(root, 'found');
  const settings = (stepImages: number): PartialSettings => ({
    data: { path: folder },
    model,
    train: { epochs: 1, batchSize: 'auto', stepImages },
  });
  const controller = new AbortController();
  await train(settings(2), { out, signal: controller.signal, onStep: () => controller.abort() });
  assert.match(readFileSync(join(out, 'config.yaml'), 'utf8'), /batchSize: 2\n[^]*accumulate: 1\n/);
  const outcome = await train(settings(4), { out, resume: true });
  assert.is(outcome.end, 'finished');
  outcome.detector.dispose();
});

test('weights that do not exist are refused before the data are read', async () => {
  const error = await errorOf(() => openTraining({ data: { path: 'nowhere' }, model: { weights: 'no.safetensors' } }));
  assert.is(error.message, 'openTraining: model.weights: there is no file no.safetensors');
});

test.run();
