import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { tableOf } from '../../src/data/annotation-table.ts';
import { placeBoxes } from '../../src/detector/anchor-coverage.ts';
import {
  chooseAuto,
  examineData,
  networks,
  openTrainingData,
  resolveLayers,
  resolveSettings,
  SettingError,
  settingsSchema,
  type PartialSettings,
} from '../../src/detector-node.ts';
import { networkSpec } from '../../src/task/network.ts';
import { startingRate } from '../../src/train.ts';
import { errorOf } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';
import { squares } from '../train/support.ts';
import { writeCocoExport, writeCsv, writeImages } from './files.ts';

const root = temporaryFolder();
const folder = join(root, 'images');
const lines: string[] = [];
for (let i = 0; i < 8; i++) {
  const { image, boxes } = await squares.get(i);
  const name = `${'ab'[i % 2]}_${i}.png`;
  await writeImages(folder, { [name]: image });
  for (let k = 0; k < boxes.length; k += 4) lines.push(`${name},${boxes.slice(k, k + 4).join(',')},square`);
}
const labels = writeCsv(join(folder, 'boxes.csv'), lines);

const examine = (given: PartialSettings = {}, options: Parameters<typeof examineData>[1] = {}) =>
  examineData({ ...given, data: { path: folder, ...given.data } }, { pixels: false, ...options });

test('healthy data have no errors, and recommended settings are legal ones', async () => {
  const { examination, settings, recommended } = await examine({ model: { network: 'tiny' } });
  assert.is.not(examination.worst, 'error');
  assert.is(examination.images, 8);
  assert.is(settings.model.network, 'tiny');
  assert.ok(
    recommended.has('train.epochs') && recommended.has('train.learningRate'),
    [...recommended.keys()].join(', '),
  );
  for (const [name, value] of recommended) {
    const [group, key] = name.split('.') as [keyof PartialSettings, string];
    const resolved = resolveSettings({ [group]: { [key]: value } });
    assert.is((resolved[group] as Record<string, unknown>)[key], value);
  }
  assert.is(
    recommended.get('train.learningRate'),
    startingRate({
      optimizer: 'adamw',
      width: networks.tiny.width,
      images: Number(recommended.get('train.batchSize') ?? settings.train.batchSize),
      isPretrained: false,
    }),
  );
});

test('objects that are too small to train on get larger images', async () => {
  const small = writeCsv(
    join(root, 'small.csv'),
    Array.from({ length: 8 }, (_, i) => `${'ab'[i % 2]}_${i}.png,10,10,14,14,dot`),
  );
  const { recommended } = await examine({ data: { path: small, images: folder } });
  assert.ok(Number(recommended.get('model.imageSize')) > 64, [...recommended].join(' '));
  const enough = await examine();
  assert.not.ok(enough.recommended.has('model.imageSize'), 'what is so already is not recommended');
});

/** A folder of black images with objects of one size on a grid. */
async function gridOf(name: string, width: number, height: number, side: number, count: number): Promise<string> {
  const path = join(root, name);
  const image = rgbImage(height, width);
  const names = Array.from({ length: count }, (_, i) => `${i}.png`);
  await writeImages(path, Object.fromEntries(names.map((file) => [file, image])));
  const rows = names.flatMap((file) =>
    Array.from({ length: 40 }, (_, k) => {
      const [x, y] = [(k * 97) % (width - side), (k * 61) % (height - side)];
      return `${file},${x},${y},${x + side},${y + side},square`;
    }),
  );
  writeCsv(join(path, 'boxes.csv'), rows);
  return path;
}

test('train accepts the recommended command line, and its objects have the size that the reason states', async () => {
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
  for (const [name, width, height, side, count, tile] of [
    ['square', 1600, 1600, 21, 2, 640],
    ['wide', 1936, 430, 21, 3, 640],
    ['tall', 377, 1500, 24, 3, 640],
    ['enlarged', 1400, 300, 6, 3, 320],
    ['small', 120, 100, 6, 6, null],
    ['shrunk', 800, 700, 160, 4, null],
  ] as const) {
    const path = await gridOf(name, width, height, side, count);
    const network = { network: 'tiny' } as const;
    const { examination, recommended } = await examineData({ data: { path }, model: network }, { pixels: false });
    const size = examination.recommendations.find(({ setting }) => setting === 'image size')!;
    const stated = Number(/have (?:still have )?([\d.]+)(?: pixels)?(?:, at .*)?$/.exec(size.reason)![1]);
    // As the command line gives them: text.
    const values = new Map([...recommended].map(([key, value]) => [key, String(value)]));
    values.set('data.path', path).set('data.workers', '0').set('model.network', 'tiny');
    const settings = chooseAuto(resolveLayers(settingsSchema, [{ from: 'command line', values }]), false);
    assert.is(settings.data.tile, tile, name);
    const { dataset, split, close } = await openTrainingData(settings, { isHardware: false });
    const truth = await tableOf(dataset, split.train);
    const spec = networkSpec(settings, truth);
    const placed = placeBoxes(truth.images, spec);
    const found = median(Array.from(placed.widths, (w, i) => Math.sqrt(w * placed.heights[i]!)));
    assert.ok(Math.abs(found / stated - 1) < 0.02, `${name}: ${found} pixels, the reason says ${stated}`);
    // The anchors that training fits are of that size, and the doctor's as good as them.
    assert.ok(
      spec.anchors.sizes.flat().some((anchor) => Math.abs(Math.log2(anchor / stated)) < 0.5),
      name,
    );
    await close();
  }
});

test('a tile size that is given is that of the examination', async () => {
  const path = await gridOf('given', 1000, 400, 30, 2);
  const { examination, recommended } = await examineData(
    { data: { path, tile: 200, overlap: 50 }, model: { network: 'tiny', imageSize: 400 } },
    { pixels: false },
  );
  assert.equal(examination.cost!.image, [200, 200]);
  assert.equal(
    examination.anchors.bySize.map(({ from, to }) => [from, to]),
    [[32, 64]],
    '60 pixels',
  );
  assert.not.ok(recommended.has('data.tile'));
});

test('without a device the network is that of a GPU; anchors do not look at the boxes unless asked to', async () => {
  const { settings } = await examine();
  assert.is(settings.model.network, 'resnet18');
  assert.is(settings.model.anchors, 'octaves');
  assert.is((await examine({ model: { anchors: 'auto' } })).settings.model.anchors, 'auto');
});

test('the split is that of the settings', async () => {
  const { examination } = await examine({ data: { path: folder, scene: '^(.)', heldOut: 0.5 } });
  assert.equal([examination.train, examination.heldOut], [4, 4]);
  const apart = writeCsv(
    join(root, 'apart.csv'),
    lines.slice(0, 4).map((line) => `images/${line}`),
  );
  const other = await examine({ data: { path: labels, validation: apart } });
  assert.equal([other.examination.train, other.examination.heldOut], [8, 2]);
});

test("the data set's own split is examined, and leaks across it are found", async () => {
  const path = join(root, 'coco');
  await writeCocoExport(path, (await squares.get(0)).image);
  // All images are the same.
  const { examination } = await examine({ data: { path } });
  assert.equal([examination.images, examination.train, examination.heldOut], [6, 2, 4]);
  const kinds = examination.findings.map(({ kind }) => kind);
  assert.ok(
    kinds.some((kind) => kind.startsWith('leak-')),
    kinds.join(),
  );
  const left = examination.findings.find(({ kind }) => kind === 'label-note')!;
  assert.equal([left.severity, left.count, kinds.includes('class-unused')], ['note', 3, false]);
  rmSync(join(path, 'valid'), { recursive: true });
  const part = await examine({ data: { path, heldOut: 0.5 } });
  assert.equal([part.examination.train, part.examination.heldOut], [1, 3]);
  const other = await examine({ data: { path, validation: folder, classes: ['car', 'square'] } });
  assert.equal([other.examination.train, other.examination.heldOut], [2, 8]);
});

test('broken labels are found, and progress is told', async () => {
  const broken = writeCsv(join(root, 'broken.csv'), [...lines, 'none.png,1,1,9,9,square']);
  const told: number[][] = [];
  const { examination } = await examine(
    { data: { path: broken, images: folder } },
    { onProgress: (...progress) => told.push(progress) },
  );
  assert.is(examination.worst, 'error');
  assert.ok(examination.findings.some((finding) => JSON.stringify(finding).includes('none.png')));
  assert.equal(told.at(-1), [9, 9]);
});

test('a data set must be named', async () => {
  const error = await errorOf(() => examineData({}));
  assert.instance(error, SettingError);
  assert.is((error as SettingError).setting, 'data.path');
});

test.run();
