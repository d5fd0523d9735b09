import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readLabels, Random, rgbImage, writePng } from '../../src/data-node.ts';
import { ends, json, refuses, retinagradHere, retinagradIn, temporaryFolder } from './support.ts';

// Images of one's own: two classes, several sizes, PNG, JPEG and WebP beside a CSV.

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder.path, ...path);
const retinagrad = retinagradIn(folder.path);
const here = retinagradHere(folder.path);
const test = suite('classes');
test.after(folder.remove);

interface Rgba {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** The encoder of the package that reads WebP. */
async function webpEncoder(): Promise<(image: Rgba) => Promise<ArrayBuffer>> {
  const module = (await import('@jsquash/webp/encode.js')) as unknown as {
    init(wasm: object): Promise<unknown>;
    default(image: Rgba, options: { lossless: number }): Promise<ArrayBuffer>;
  };
  const wasm = createRequire(import.meta.url).resolve('@jsquash/webp/codec/enc/webp_enc_simd.wasm');
  // Node has it, its types are the DOM's.
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };
  await module.init(await WebAssembly.compile(readFileSync(wasm)));
  return (image) => module.default(image, { lossless: 1 });
}
const encodeWebp = await webpEncoder();

const COLOURS = { car: [220, 40, 40], tree: [40, 160, 60] } as const;

/** Noise with coloured rectangles, and the lines of the CSV about them. */
async function draw(name: string, width: number, height: number, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const bytes = Uint8Array.from({ length: width * height * 3 }, () => random.uniform(100, 140));
  const lines: string[] = [];
  for (const [k, label] of (['car', 'tree', 'car'] as const).entries()) {
    const [w, h] = [14 + random.int(8), 14 + random.int(8)];
    const [x, y] = [Math.floor((k * width) / 3) + random.int(Math.floor(width / 3) - 22), random.int(height - h)];
    for (let row = y; row < y + h; row++)
      for (let column = x; column < x + w; column++) bytes.set(COLOURS[label], (row * width + column) * 3);
    lines.push(`${name},${x},${y},${x + w},${y + h},${label}`);
  }
  const file = at('tiles', name);
  if (name.endsWith('.png')) await writePng(file, rgbImage(height, width, bytes));
  else {
    const data = new Uint8Array(width * height * 4).fill(255);
    for (let i = 0; i < width * height; i++) data.set(bytes.subarray(3 * i, 3 * i + 3), 4 * i);
    const image = { data, width, height };
    writeFileSync(file, name.endsWith('.webp') ? new Uint8Array(await encodeWebp(image)) : jpeg.encode(image, 90).data);
  }
  return lines;
}

const HEADER = 'image,x1,y1,x2,y2,label';

test.before(async () => {
  mkdirSync(at('tiles'));
  const lines = [HEADER];
  for (let i = 0; i < 10; i++) {
    lines.push(...(await draw(`${i}.${['png', 'jpg', 'webp'][i % 3]}`, 96 + 32 * (i % 4), 96, i + 1)));
  }
  writeFileSync(at('tiles', 'boxes.csv'), `${lines.join('\n')}\n`);
});

const boxesOf = async (path: string, options: Parameters<typeof readLabels>[1] = {}) => {
  const table = await readLabels(at(path), options);
  return table.images
    .map(({ file, objects }) => ({
      // YOLO and VOC place images in folders of their own.
      file: file.replace(/^.*\//, ''),
      objects: objects
        .map(({ box, label }) => [table.classes[label], ...box.map((value) => Math.round(value * 100) / 100)].join(' '))
        .sort(),
    }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
};

test('doctor finds nothing wrong with healthy data, and names what is wrong with broken data', async () => {
  const healthy = await json<{ worst: string | null; findings: object[] }>(
    retinagrad(['doctor', 'tiles', 'model.network=tiny', '--json']),
  );
  assert.is.not(healthy.worst, 'error');
  assert.ok(existsSync(at('doctor', 'examination.json')));
  const text = readFileSync(at('tiles', 'boxes.csv'), 'utf8');
  writeFileSync(at('broken.csv'), `${text}none.png,1,1,9,9,car\n0.png,90,1,400,9,Car\n`);
  const broken = ['doctor', 'broken.csv', 'data.images=tiles', '--out', 'broken', '--no-pixels'];
  const { stdout } = await ends(here(broken), 3);
  assert.match(stdout, 'none.png');
  assert.match(stdout, /\d+ errors?, \d+ warnings?/);
  const found = await json<{ worst: string }>(here([...broken, '--json']), 3);
  assert.is(found.worst, 'error');
});

test('the command line that doctor ends with trains what was examined', async () => {
  const line = async (...args: string[]): Promise<string> => {
    const { stdout } = await ends(here(['doctor', ...args, '--no-pixels']), 0);
    return /^ {2}retinagrad train .*$/m.exec(stdout)?.[0] ?? '';
  };
  // The learning rate is that of the network; images that are trained as they are need no size, which would resize others.
  const tiny = await line('tiles', 'model.network=tiny', 'data.scene=^(.)');
  assert.match(tiny, "  retinagrad train tiles model.network=tiny 'data.scene=^(.)' train.batchSize=");
  assert.match(tiny, / train\.learningRate=\S+ train\.epochs=\d+(?: train\.evaluateEvery=\d+)?$/);
  assert.not.match(tiny, 'model.imageSize');
  const elsewhere = await line('tiles/boxes.csv', '--images', 'tiles', 'train.batchSize=3');
  assert.match(
    elsewhere,
    / tiles\/boxes\.csv model\.network=resnet18 train\.batchSize=\d data\.images=tiles train\.learningRate=/,
  );
  assert.not.match(elsewhere, 'train.batchSize=3');
});

test('labels go from CSV to COCO, VOC, YOLO and back to CSV unchanged', async () => {
  const steps = [
    ['tiles/boxes.csv', 'coco.json', 'coco'],
    ['coco.json', 'voc', 'voc'],
    ['voc', 'yolo', 'yolo'],
    ['yolo', 'back.csv', 'csv'],
  ] as const;
  for (const [input, output, to] of steps) {
    const { stdout } = await ends(here(['convert', input, output, '--to', to, '--images', 'tiles']), 0);
    assert.match(stdout, '30 objects of 2 classes in 10 images');
  }
  const images = { images: at('tiles') };
  assert.equal(await boxesOf('back.csv', images), await boxesOf('tiles/boxes.csv'));
});

test('convert writes over nothing, and lists what a format cannot hold', async () => {
  const back = ['convert', 'coco.json', 'back.csv', '--to', 'csv', '--images', 'tiles'];
  const before = readFileSync(at('back.csv'), 'utf8');
  await refuses(here(back), 1, 'back.csv exists already', 'overwrite');
  assert.is(readFileSync(at('back.csv'), 'utf8'), before);
  const crowd = {
    images: [{ id: 1, file_name: '0.png', width: 96, height: 96 }],
    categories: [{ id: 1, name: 'car' }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 30, 40], area: 1200, iscrowd: 1 }],
  };
  writeFileSync(at('crowd.json'), JSON.stringify(crowd));
  const { losses } = await json<{ losses: { what: string; count: number }[] }>(
    here(['convert', 'crowd.json', 'back.csv', '--to', 'csv', '--images', 'tiles', '--overwrite', '--json']),
  );
  assert.equal(
    losses.filter(({ what }) => what === 'crowd').map(({ count }) => count),
    [1],
  );
});

const settings = ['model.network=tiny', 'train.epochs=1', 'train.averageDecay=none', 'train.learningRate=0.003'];

test('a detector of two classes is trained by threads on tiles of images of several sizes', async () => {
  const tiles = ['data.tile=64', 'data.overlap=32', 'data.workers=1', 'sampling.classBalance=0.9'];
  const { stdout } = await ends(retinagrad(['train', 'tiles', ...settings, ...tiles, '--out', 'run']), 0);
  assert.match(stdout, /^classes +car, tree$/m);
  assert.match(stdout, /^tiles +\d+ for training, \d+ held out$/m);
});

test('its detections are judged by class, whatever folder they were found in', async () => {
  const weights = ['--weights', 'run/best.safetensors', '--threshold', '0', '--quiet'];
  await ends(retinagrad(['predict', 'tiles', ...weights, '--no-pictures', '--out', 'found']), 0);
  const judged = await json<{ perClass: { name: string }[]; counts: { images: number; detections: number } }>(
    here(['evaluate', '--truth', 'tiles/boxes.csv', '--predictions', 'found/predictions.csv', '--json']),
  );
  assert.is(judged.counts.images, 10);
  assert.is(judged.perClass.length, 2);
});

test('a data set of its own is held out with data.validation; classes that nobody trained on are refused', async () => {
  const lines = readFileSync(at('tiles', 'boxes.csv'), 'utf8').split('\n');
  // Only trees: fewer classes than in training are no fault.
  writeFileSync(at('trees.csv'), [HEADER, ...lines.filter((line) => line.endsWith('tree'))].join('\n'));
  writeFileSync(at('houses.csv'), `${HEADER}\ntiles/0.png,1,1,9,9,house\n`);
  mkdirSync(at('other'));
  writeFileSync(at('other', 'trees.csv'), `${HEADER}\na.png,2,3,30,40,tree\n`);
  await writePng(at('other', 'a.png'), rgbImage(64, 64, new Uint8Array(64 * 64 * 3).fill(90)));
  const train = ['train', 'tiles', ...settings];
  const { stdout } = await ends(retinagrad([...train, 'data.validation=other', '--out', 'v1']), 0);
  assert.match(stdout, /^images +10 for training, 1 held out$/m);
  await refuses(here([...train, 'data.validation=houses.csv', '--out', 'v2']), 1, 'house');
  await refuses(here(['evaluate', 'houses.csv', '--weights', 'run/best.safetensors']), 1, 'house', 'car, tree');
});

test('a SpaceNet tree is held out for a detector of buildings, and for no other', async () => {
  const synthetic = ['synthetic', 'data.chips=4', ...settings, 'train.batchSize=2', 'data.workers=1'];
  const tree = join('data', 'synthetic-4', 'AOI_0_Synthetic_Train');
  const { stdout } = await ends(retinagrad(['train', ...synthetic, `data.validation=${tree}`, '--out', 's1']), 0);
  assert.match(stdout, /^images +4 for training, 4 held out$/m);
  const other = here(['train', 'tiles', ...settings, `data.validation=${tree}`, '--out', 's2']);
  await refuses(other, 1, tree, 'its only class is building, not car, tree');
});

test('data that is not there or damaged ends with status 1 and is named', async () => {
  mkdirSync(at('empty'));
  writeFileSync(at('line.csv'), `${HEADER}\ntiles/0.png,1,2,q,4,car\n`);
  writeFileSync(at('text.safetensors'), 'no weights');
  writeFileSync(at('text.png'), 'no picture');
  const weights = ['--weights', 'run/best.safetensors'];
  const runs = existsSync(at('runs')) ? readdirSync(at('runs')) : [];
  const cases: readonly (readonly [args: readonly string[], ...texts: string[]])[] = [
    [['train', 'none'], 'none does not exist'],
    [['train', 'empty'], 'empty holds 0 files', 'in no known layout'],
    [['train', 'tiles', ...settings, 'data.scene=^([1-9])'], 'data.scene: /^([1-9])/ matches nothing in the id 0.png'],
    [['train', 'line.csv'], 'line.csv:2: x2 is "q", expected a number'],
    [['train', 'text.png'], 'text.png is not a label file'],
    [['train', 'tiles', 'model.weights=none.safetensors', '--out', 'w'], 'none.safetensors'],
    [['doctor', 'none'], 'none does not exist'],
    [['convert', 'none', 'out.json', '--to', 'coco'], 'none does not exist'],
    [['predict', 'empty', ...weights], 'empty is a folder without images'],
    [['predict', 'x*.png', ...weights], 'matches x*.png'],
    [['predict', 'none.png', ...weights], 'none.png does not exist'],
    [['predict', 'text.png', ...weights], 'text.png: neither a PNG'],
    [['predict', 'tiles', '--weights', 'none.safetensors'], 'there is no file none.safetensors'],
    [['predict', 'tiles', '--weights', 'run'], 'run is the folder of a run: name run/best.safetensors'],
    [['predict', 'tiles', '--weights', 'text.safetensors'], 'text.safetensors: not a valid safetensors file'],
    [['predict', 'tiles', '--weights', 'run/state.safetensors'], 'run/state.safetensors: not a detector'],
    [['predict', 'tiles', ...weights, '--out', 'line.csv'], 'cannot create the folder line.csv: a file is in the way'],
    [['predict', 'tiles', ...weights, '--resample'], 'images cannot be resampled', 'the weights do not record it'],
    [['evaluate', '--truth', 'tiles', '--predictions', 'none.csv'], 'none.csv does not exist'],
    [['evaluate', '--truth', 'tiles', '--predictions', 'tiles'], 'no score'],
  ];
  for (const [i, [args, ...texts]] of cases.entries()) {
    const run = i % 10 === 0 ? retinagrad : here; // Some as users start them.
    await refuses(run(args), 1, ...texts);
  }
  const after = existsSync(at('runs')) ? readdirSync(at('runs')) : [];
  assert.equal(after, runs, 'a run that cannot start leaves no folder');
});

test('predict leaves out images that cannot be read, lists them and ends with status 1', async () => {
  mkdirSync(at('mixed'));
  for (const i of [0, 1]) writeFileSync(at(`mixed/${i}.png`), readFileSync(at('tiles/0.png')));
  writeFileSync(at('mixed/0-cut.png'), readFileSync(at('tiles/0.png')).subarray(0, 90));
  const how = ['--weights', 'run/best.safetensors', '--threshold', '0', '--out', 'kept'];
  const { stderr } = await ends(retinagrad(['predict', 'mixed', ...how]), 1);
  assert.match(stderr, /1 image was not read and left out:\n.*0-cut\.png/);
  const table = readFileSync(at('kept/predictions.csv'), 'utf8');
  assert.equal([...new Set(table.match(/^[^,]+\.png/gm))], ['0.png', '1.png']);
  assert.equal(readdirSync(at('kept')).sort(), ['0.png', '1.png', 'predictions.csv']);
  const geo = ['predict', 'mixed/1.png', ...how.slice(0, -1), 'fallback', '--format', 'geojson', '--no-pictures'];
  assert.match(
    (await ends(here(geo), 1)).stderr,
    /detections are in fallback\/predictions\.csv instead of geojson: .*georeference/,
  );
  assert.ok(readFileSync(at('fallback/predictions.csv'), 'utf8').startsWith('image,'));
  writeFileSync(at('mixed/0.png'), 'text');
  const broken = ['predict', 'mixed/0.png', 'mixed/0-cut.png', ...how];
  assert.match((await ends(here(broken), 1)).stderr, /2 images were not read/);
  assert.is(readFileSync(at('kept/predictions.csv'), 'utf8'), table, 'earlier predictions are kept');
});

test.run();
