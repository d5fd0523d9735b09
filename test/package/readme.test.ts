// The README's programs run as they stand.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { writePng } from '../../src/imagery/node/png.ts';
import { root, temporaryFolder } from '../support/files.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program!);
// Inside the package, where its own name can be imported.
const scripts = temporaryFolder(join(root, '.cache-readme-'));
const cwd = temporaryFolder();

/** Runs a program in a folder that holds the data set which it names, and returns what it printed. */
function run(index: number): string {
  const file = join(scripts, `${index}.ts`);
  writeFileSync(file, programs[index]!);
  const args = ['--conditions', 'retinagrad-source', '--import', import.meta.resolve('tsx'), file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout;
}

test('the program that trains a detector', async () => {
  mkdirSync(join(cwd, 'tiles'));
  for (const name of ['a', 'b', 'c']) await writePng(join(cwd, 'tiles', `${name}.png`), rgbImage(40, 56));
  const rows = ['image,x1,y1,x2,y2,label', 'a.png,4,5,30,33,roof', 'b.png,1,1,20,30,roof', 'c.png,,,,,'];
  writeFileSync(join(cwd, 'tiles', 'boxes.csv'), `${rows.join('\n')}\n`);
  const losses = run(0).trim().split('\n').map(Number);
  assert.is(losses.length, 2, 'a batch of two images and one of one');
  assert.ok(losses.every((loss) => loss > 0));
});

test('the program with tensors and gradients', () => {
  assert.match(run(1), /^\[ 3, 3, 3, 16 \] -?\d+\.\d+/);
});

test('there is no program that is not run', () => {
  assert.is(programs.length, 2);
});

test.run();
