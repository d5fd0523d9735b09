import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { examineData, networks, resolveSettings, SettingError, type PartialSettings } from '../../src/detector-node.ts';
import { startingRate } from '../../src/train.ts';
import { errorOf } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';
import { squares } from '../train/support.ts';
import { writeCsv, writeImages } from './files.ts';

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
      images: recommended.get('train.batchSize') ?? settings.train.batchSize,
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
  assert.ok(recommended.get('model.imageSize')! > 64, [...recommended].join(' '));
  const enough = await examine();
  assert.not.ok(enough.recommended.has('model.imageSize'), 'what is so already is not recommended');
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
