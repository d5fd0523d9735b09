import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { examineData, openTraining, type PartialSettings } from '../../src/detector-node.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { geoTiff, raster, rejects, write } from '../data/support.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { squares } from '../train/support.ts';
import { writeCsv } from './files.ts';

await testDevice();
const root = temporaryFolder();
const folder = join(root, 'images');
const place = { epsg: 32611, x: 600_000, y: 4_000_000, pixel: 0.3 };
const lines: string[] = [];
for (let i = 0; i < 6; i++) {
  const { image, boxes } = await squares.get(i);
  const [height, width] = image.shape as [number, number];
  const bytes = packedBytes(image);
  // The squares are in the fourth band only; the others have the noise around them.
  const levels = raster(width, height, 4, 8, (band, y, x) => (band < 3 ? bytes[band]! : bytes[3 * (y * width + x)]!));
  await write(folder, `${i}.tif`, geoTiff(levels, place));
  for (let k = 0; k < boxes.length; k += 4) lines.push(`${i}.tif,${boxes.slice(k, k + 4).join(',')},square`);
}
writeCsv(join(folder, 'boxes.csv'), lines);

const settings = (bands: 'all' | readonly number[]): PartialSettings => ({
  data: { path: folder, workers: 0, heldOut: 0.4, bands },
  model: { network: 'tiny', anchors: 'octaves', imageSize: null },
  train: { epochs: 2, batchSize: 2, learningRate: 0.001 },
});

test('a network for four bands is made for the images, with the statistics of each band', async () => {
  const training = await openTraining(settings('all'));
  const { data, model } = training;
  assert.equal(data.decoding.bands, [1, 2, 3, 4]);
  const { mean, std } = model.spec.transform;
  assert.equal([mean.length, std.length], [4, 4]);
  assert.equal(model.backbone.body.conv1.weight.shape, [7, 7, 4, 16]);
  assert.match(data.notes.join('\n'), /4 bands, normalised by .*\naugment\.hue changes RGB images only/);
  const { image } = await data.source.read(data.split.train[0]!, 1, 0);
  assert.is(image.shape[2], 4);
  await training.close();
});

test('images without the bands are refused by name before training', async () => {
  await rejects(
    openTraining(settings([1, 5])),
    /0\.tif: bands 1, 5 to be read \(data\.bands of train\), but the file has 4/,
  );
});

test('the doctor examines the bands that training would read', async () => {
  const { examination } = await examineData(settings('all'));
  assert.equal(examination.bands, [1, 2, 3, 4]);
  assert.not.ok(examination.findings.some(({ kind }) => kind === 'image-bands'));
  const { examination: other } = await examineData(settings([1, 5]));
  assert.is(other.findings.find(({ kind }) => kind === 'image-bands')?.count, 6);
});

test.run();
