// The README's programs run as they stand.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { writePng } from '../../src/imagery/node/png.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { sourceOptions } from '../support/source-options.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program!);
// Inside the package, where its own name can be imported.
const scripts = temporaryFolder(join(root, '.cache-readme-'));
const cwd = temporaryFolder();

/** Runs a program in a folder that holds the data set which it names, and returns what it printed. */
function run(index: number, extension = 'ts'): string {
  const file = join(scripts, `${index}.${extension}`);
  writeFileSync(file, programs[index]!);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...sourceOptions, file], { cwd, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout;
}

/** A folder of dark images with one bright square each, and their boxes. */
async function drawSquares(name: string, count: number): Promise<void> {
  const folder = join(cwd, name);
  mkdirSync(folder);
  const rows = ['image,x1,y1,x2,y2,label'];
  for (let i = 0; i < count; i++) {
    const [x, y, side] = [4 + 3 * i, 6 + 2 * i, 20];
    const image = rgbImage(56, 64);
    for (let row = y; row < y + side; row++) image.data.fill(220, (row * 64 + x) * 3, (row * 64 + x + side) * 3);
    await writePng(join(folder, `${i}.png`), image);
    rows.push(`${i}.png,${x},${y},${x + side},${y + side},roof`);
  }
  writeFileSync(join(folder, 'boxes.csv'), `${rows.join('\n')}\n`);
}

test('the program that trains, predicts and evaluates', async () => {
  assert.ok(programs[0]!.split('\n').length <= 20);
  for (const [name, count] of [
    ['tiles', 10],
    ['new', 2],
    ['unseen', 3],
  ] as const)
    await drawSquares(name, count);
  assert.match(run(0), /^held out: F1 [\d.e-]+\nunseen: F1 [\d.e-]+\n$/);
  assert.match(readFileSync(join(cwd, 'runs', 'mine', 'report.html'), 'utf8'), '<html');
  assert.match(readFileSync(join(cwd, 'predictions.csv'), 'utf8'), /^image,x1,y1,x2,y2,label/);
});

test('the program with tensors and gradients, also as JavaScript', () => {
  for (const extension of ['ts', 'mjs']) assert.match(run(1, extension), /^\[ 3, 3, 3, 16 \] -?\d+\.\d+/);
});

test('there is no program that is not run', () => {
  assert.is(programs.length, 2);
});

test.run();
