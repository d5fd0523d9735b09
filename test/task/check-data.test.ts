import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, openDataset, writeSyntheticSpaceNet } from '../../src/data-node.ts';
import { detectorMetadata, readDescription } from '../../src/detector/detector.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { openTrainingData, type PartialSettings } from '../../src/detector-node.ts';
import { errorOf } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';
import { write } from '../data/support.ts';
import { blotches, jpegBytes } from '../doctor/support.ts';
import { writeCsv } from './files.ts';
import { eagerDescription, tinySettings } from './support.ts';

const root = temporaryFolder();
const open = (data: PartialSettings['data'] & object) =>
  openTrainingData(tinySettings({ data: { workers: 0, heldOut: 0.4, ...data } }), { isHardware: false });

type Box = readonly [number, number, number, number];
interface CocoImage {
  readonly file: string;
  readonly bytes: string | Uint8Array;
  /** As the label file gives it. */
  readonly size: readonly [width: number, height: number];
  readonly boxes: readonly Box[];
}

/** Writes images with COCO labels to a folder and returns it. */
async function coco(name: string, images: readonly CocoImage[]): Promise<string> {
  const folder = join(root, name);
  for (const { file, bytes } of images) await write(folder, file, bytes);
  const labels = {
    images: images.map(({ file, size: [width, height] }, id) => ({ id, file_name: file, width, height })),
    categories: [{ id: 1, name: 'car' }],
    annotations: images.flatMap(({ boxes }, image) =>
      boxes.map((bbox, k) => ({ id: 100 * image + k, image_id: image, category_id: 1, bbox, iscrowd: 0 })),
    ),
  };
  await write(folder, 'instances.json', JSON.stringify(labels));
  return folder;
}

const png = await encodePng(blotches(1, 96, 64));
const good = (file: string): CocoImage => ({
  file,
  bytes: png,
  size: [96, 64],
  boxes: [
    [10, 10, 20, 20],
    [50, 20, 30, 20],
    [40, 40, 20, 15],
    [5, 35, 16, 22],
  ],
});
const names = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png'];

/** The error with which a data set is refused, which must be one about its contents. */
async function refusalOf(path: string, more: PartialSettings['data'] = {}): Promise<string> {
  const error = await errorOf(() => open({ path, ...more }));
  assert.instance(error, InputError);
  return (error as InputError).explain();
}

test('healthy data pass without a word', async () => {
  const path = await coco('good', names.map(good));
  const { warnings, notes } = await open({ path });
  assert.equal([warnings, notes], [[], []]);
});

test('labels that refer to photos before their rotation end the run before it begins, unless asked to go on', async () => {
  const sideways = names.map((name, i): CocoImage => {
    const boxes = [[30, 4, 30, 20]] as const;
    return { file: name.replace('png', 'jpg'), bytes: jpegBytes(i, 96, 64, 6), size: [96, 64], boxes };
  });
  const path = await coco('exif', sideways);
  const text = await refusalOf(path);
  assert.match(
    text,
    `${path}:\n  error: 5 images are rotated by EXIF orientation, but the labels refer to the pixels before`,
  );
  assert.match(text, '[exif-labels]\n    a.jpg (EXIF orientation 6)\n    b.jpg');
  assert.match(text, `\n    -> Remove the orientation tag`);
  assert.match(
    text,
    `retinagrad doctor ${path} shows all findings, and what to do\ndata.checks=false trains nevertheless`,
  );
  const { dataset, warnings } = await open({ path, checks: false });
  assert.equal([dataset.ids.length, warnings], [5, []]);
});

test('corners for sizes, and sizes that contradict the files, are errors', async () => {
  const asCorners = ([x, y, w, h]: Box): Box => [x, y, x + w, y + h];
  const corners = await coco(
    'corners',
    names.map(good).map((image) => ({ ...image, boxes: image.boxes.map(asCorners) })),
  );
  assert.match(
    await refusalOf(corners),
    /of 20 boxes do not fit .* if their last two numbers were a corner.*\[box-corners-as-size\]/,
  );
  const larger = await coco(
    'larger',
    names.map(good).map((image, i) => (i === 2 ? { ...image, size: [192, 128] as const } : image)),
  );
  assert.match(
    await refusalOf(larger),
    /error: 1 image file differs in size from the labels, with the same proportions.*\[image-size\]\n {4}c\.png: 192 x 128 in the labels, 96 x 64 in the file/,
  );
});

test('all damaged files are named before training, also those of the validation set', async () => {
  const cut = png.subarray(0, png.length - 30);
  const images = names.map(good).map((image, i) => (i === 1 || i === 3 ? { ...image, bytes: cut } : image));
  const path = await coco('cut', images);
  assert.match(
    await refusalOf(path),
    /error: 2 image files are truncated \[image-truncated\]\n {4}b\.png: .*\n {4}d\.png: /,
  );
  const sound = await coco('sound', names.map(good));
  const text = await refusalOf(sound, { validation: path });
  assert.ok(text.startsWith(`${path}:\n  error: 2 image files are truncated`), text);
});

test('warnings are a line each, and name the command that explains them', async () => {
  const doubled = names.map(good).map((image) => ({ ...image, boxes: [...image.boxes, image.boxes[0]!] }));
  const beyond: CocoImage = { ...good('f.png'), boxes: [[80, 50, 30, 30]] };
  const path = await coco('doubled', [...doubled, beyond]);
  const { warnings } = await open({ path, classes: ['car', 'bus'] });
  assert.equal(warnings, [
    `${path}: warning: 1 of 26 boxes extends more than 1 pixel beyond the image [box-partly-outside]`,
    `${path}: warning: 5 boxes are labelled twice (same class, IoU > 0.98) [box-duplicate]`,
    `${path}: warning: 1 class has no boxes [class-unused]`,
    `retinagrad doctor ${path} shows all findings, and what to do`,
  ]);
  const validation = await coco('valid', names.map(good));
  assert.equal(
    (await open({ path: validation, validation, classes: ['car', 'bus'] })).warnings.length,
    2,
    'not of both',
  );
});

test('an image without labels that is taken as empty is looked at, too', async () => {
  const folder = join(root, 'empty');
  for (const name of names) await write(folder, name, png);
  await write(folder, 'f.png', png.subarray(0, 300));
  writeCsv(
    join(folder, 'boxes.csv'),
    names.map((name) => `${name},4,4,30,30,car`),
  );
  assert.match(await refusalOf(folder, { unlabelled: 'empty' }), /1 image file is truncated/);
  assert.is((await open({ path: folder })).dataset.ids.length, 5);
});

test('a SpaceNet tree passes with a label file of no image beside it, and its ground resolution is kept', async () => {
  const path = await writeSyntheticSpaceNet({ out: join(root, 'tree'), chips: 8 });
  writeFileSync(join(path, 'all_buildings.geojson'), '{"type":"FeatureCollection","features":[]}');
  const { warnings, decoding } = await open({ path });
  assert.equal(warnings, []);
  const { decoding: stored } = readDescription(detectorMetadata(eagerDescription({ decoding })), 'test')!;
  const { groundResolution } = (await openDataset(path)).decoding;
  assert.ok(groundResolution! > 0.1 && groundResolution! < 1, 'metres');
  assert.is(stored.groundResolution, groundResolution, 'stored with the weights');
});

test.run();
