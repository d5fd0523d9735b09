import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectFiles, examineData, loadPretrained, train, type PartialSettings } from '../../src/detector-node.ts';
import { retinaNetSpec, RetinaNet } from '../../src/index.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { geoTiff, raster, rejects, write } from '../data/support.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { squares } from '../train/support.ts';
import { writeCsv, writeImages } from './files.ts';

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

test('four bands are trained on, resumed with equal weights, detected in, and refused where they are not', async () => {
  const whole = await train(settings([1, 2, 3, 4]), { out: join(root, 'whole') });
  assert.is(whole.end, 'finished');
  const { detector } = whole;
  assert.equal(detector!.decoding.bands, [1, 2, 3, 4]);
  const { mean, std } = detector!.spec.transform;
  assert.equal([mean.length, std.length], [4, 4]);
  assert.equal(detector!.model.backbone.body.conv1.weight.shape, [7, 7, 4, 16]);

  const controller = new AbortController();
  const out = join(root, 'parts');
  const onStep = (): void => controller.abort();
  const first = await train(settings([1, 2, 3, 4]), { out, signal: controller.signal, onStep });
  assert.is(first.end, 'interrupted');
  const resumed = await train(settings([1, 2, 3, 4]), { out, resume: true });
  const bytes = (run: string): Buffer => readFileSync(join(root, run, 'best.safetensors'));
  assert.ok(bytes('parts').equals(bytes('whole')));
  resumed.detector!.dispose();

  for await (const { detections } of detectFiles(detector!, [join(folder, '0.tif')])) {
    assert.ok(detections.scores.every(Number.isFinite));
  }
  await writeImages(root, { 'rgb.png': (await squares.get(0)).image });
  const detectRgb = async (): Promise<void> => {
    for await (const found of detectFiles(detector!, [join(root, 'rgb.png')])) assert.unreachable(found.file);
  };
  await rejects(detectRgb(), /rgb\.png: bands 1, 2, 3, 4 to be read \(data\.bands of train\), but the file has 3/);
  detector!.dispose();

  const three = new RetinaNet(1, retinaNetSpec('torchvision', { backbone: { depth: 18, width: 16, norm: 'batch' } }));
  const file = join(root, 'whole', 'best.safetensors');
  await rejects(
    loadPretrained(three, file),
    /first convolution takes images of 4 bands, the model's 3: read images of 4/,
  );
  three.dispose();
});

test('the doctor examines the bands that training would read', async () => {
  const { examination } = await examineData(settings('all'));
  assert.equal(examination.bands, [1, 2, 3, 4]);
  assert.not.ok(examination.findings.some(({ kind }) => kind === 'image-bands'));
  const { examination: other } = await examineData(settings([1, 5]));
  assert.is(other.findings.find(({ kind }) => kind === 'image-bands')?.count, 6);
});

test.run();
