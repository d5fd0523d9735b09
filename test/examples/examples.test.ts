// Every example runs as a user runs it, for a few steps on little data.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { splitIds } from '../../src/data/split.ts';
import { loadDetector } from '../../src/detector/node/detector-file.ts';
import { manualSeed } from '../../src/autograd/seeds.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { writeSyntheticSpaceNet } from '../../src/synthetic/node/write-spacenet.ts';
import { RunFolder } from '../../src/train/node/run-folder.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import { testDevice } from '../support/device.ts';
import { sourceOptions } from '../support/source-options.ts';

await testDevice();
const cwd = mkdtempSync(join(tmpdir(), 'retinagrad-examples-'));
const at = (...path: string[]): string => join(cwd, ...path);
const test = suite('examples');
test.after(() => rmSync(cwd, { recursive: true }));

/** Runs an example in the temporary folder and returns what it printed. */
function run(example: string, ...args: readonly (string | number)[]): string {
  const script = fileURLToPath(new URL(`../../examples/${example}`, import.meta.url));
  const command = [...sourceOptions, script, ...args.map(String)];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd, encoding: 'utf8' });
  assert.is(status, 0, `${example} ended with status ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** All numbers that stand after a word, in their order. */
const numbersAfter = (word: string, text: string): number[] =>
  [...text.matchAll(new RegExp(`\\b${word} (-?[\\d.]+)`, 'g'))].map(([, number]) => Number(number));

function falls(losses: readonly number[], factor: number): void {
  assert.ok(losses.length > 1 && losses.at(-1)! < factor * losses[0]!, `losses ${losses.join(', ')}`);
}

test('hello-tensor computes what its comments say', () => {
  const printed = run('hello-tensor/hello.ts');
  assert.match(printed, /^broadcast \[2,3\]: 10,40,90,40,100,180$/m);
  assert.match(printed, /^edges +\[1,1,4,1\]: 0,3,3,-3$/m);
  assert.match(printed, /^gradient +\[3\]: 8,40,108$/m);
  falls(numbersAfter('loss', printed), 0.01);
  const [, a, b, c] = /^plane +y = (\S+) a \+ (\S+) b \+ (\S+)$/m.exec(printed)!.map(Number);
  for (const [found, expected] of [
    [a!, 2],
    [b!, -3],
    [c!, -0.5],
  ] as const) {
    assert.ok(Math.abs(found - expected) < 0.05, `${found}, expected ${expected}`);
  }
  assert.match(printed, /^memory +0 tensors left$/m);
});

test('mnist learns digits that it draws', () => {
  const printed = run('mnist/train.ts', 50);
  falls(numbersAfter('loss', printed), 0.9);
  const [accuracy] = numbersAfter('accuracy', printed);
  assert.ok(accuracy! > 30, `accuracy ${accuracy} %, 10 % by chance`);
});

test('mnist learns from IDX files', () => {
  writeIdx(at('idx'), { train: 256, t10k: 100 });
  const printed = run('mnist/train.ts', 12, at('idx'));
  assert.match(printed, ': 256 images to train on, 100 to test on\n');
  const [accuracy] = numbersAfter('accuracy', printed);
  assert.ok(accuracy! > 30, `accuracy ${accuracy} %, 10 % by chance`);
});

/** Writes MNIST's four files, with images in which the class decides where a bright bar lies. */
function writeIdx(folder: string, counts: Readonly<Record<string, number>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [side, count] of Object.entries(counts)) {
    const random = new Random('idx', side);
    const labels = Uint8Array.from({ length: count }, () => random.int(10));
    const pixels = Uint8Array.from({ length: count * 784 }, (_, i) => {
      const bar = Math.floor((Math.floor(i / 28) % 28) / 2) === 2 + labels[Math.floor(i / 784)]!;
      return random.uniform(0, 100) + (bar ? 150 : 0);
    });
    const header = (...values: number[]): Buffer => {
      const bytes = Buffer.alloc(values.length * 4);
      values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
      return bytes;
    };
    const write = (name: string, head: Buffer, values: Uint8Array): void =>
      writeFileSync(join(folder, `${side}-${name}-ubyte.gz`), gzipSync(Buffer.concat([head, values])));
    write('images-idx3', header(0x803, count, 28, 28), pixels);
    write('labels-idx1', header(0x801, count), labels);
  }
}

test('fashion places items on photographs', async () => {
  writeIdx(at('debian', 'usr/share/datasets/fashion-mnist'), { train: 50, t10k: 50 });
  const photographs = at('debian', 'usr/share/backgrounds/mate/nature');
  mkdirSync(photographs, { recursive: true });
  const photograph = jpeg.encode({ width: 140, height: 130, data: new Uint8Array(140 * 130 * 4).fill(90) }, 90).data;
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(photographs, `${name}.jpg`), photograph);
  const printed = run('fashion/make.ts', 'debian', 'fashion');
  const [train, test] = numbersAfter('images,', printed);
  for (const [side, count, objects] of [
    ['train', 800, train],
    ['test', 200, test],
  ] as const) {
    const dataset = await openDataset(at('fashion', side));
    assert.is(dataset.ids.length, count);
    assert.is(dataset.classes.length, 10);
    assert.ok(objects! > count, `${objects} objects`);
  }
});

test('the loop does what trainDetector does, to the same file', async () => {
  const chips = await writeSyntheticSpaceNet({ out: at('chips'), chips: 12 });
  const printed = run('loop/train.ts', 4, chips);
  falls(numbersAfter('loss', printed), 0.9);

  const written = readFileSync(at('runs', 'loop', 'best.safetensors'));
  const { model: trained, spec } = loadDetector(at('runs', 'loop', 'best.safetensors'));
  trained.dispose();
  const dataset = await openSpaceNet(chips);
  manualSeed(1);
  const model = new RetinaNet(dataset.classes.length, spec);
  const folder = new RunFolder(at('runs', 'library'));
  const split = splitIds(dataset.ids, { heldOut: 0.2, seed: 1 });
  const { best } = await trainDetector(model, { folder, dataset, split, epochs: 4, learningRate: 3e-3 });
  model.dispose();
  assert.ok(written.equals(readFileSync(folder.file('best'))), 'the weights and their description are the same');
  assert.equal(numbersAfter('best F1', printed), [Number(best!.f1.toFixed(3))]);
});

test('the notebooks train, draw and score', () => {
  const printed = run('train-spacenet/notebooks.ts', at('chips', 'AOI_0_Synthetic_Train'), 1);
  assert.match(printed, /^epoch 1: F1 \d/m);
  const [, picture] = /^\d+ boxes in .*, drawn in (.*)$/m.exec(printed)!;
  assert.ok(existsSync(at(picture!)));
  const [precision, recall, f1] = ['precision', 'recall', 'F1'].map((word) => numbersAfter(word, printed).at(-1)!);
  const expected = precision! + recall! === 0 ? 0 : (2 * precision! * recall!) / (precision! + recall!);
  assert.ok(Math.abs(f1! - expected) < 0.002, printed);
});

test.run();
