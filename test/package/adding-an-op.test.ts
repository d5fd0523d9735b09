// The blocks of docs/adding-an-op.md, applied to a copy of the repository: the operation passes its tests there.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, temporaryFolder } from '../support/files.ts';

const page = readFileSync(join(root, 'docs/adding-an-op.md'), 'utf8');
/** Blocks under the path of a file: its text, or lines that are added to it. */
const fileBlocks = [...page.matchAll(/^`([^`\n]+)`(, added:)?\n\n```\w+\n(.*?)^```$/gms)];
const blocks = [...page.matchAll(/^```\w+\n(.*?)^```$/gms)];

// Inside the repository, where packages are found.
const copy = temporaryFolder(join(root, '.cache-adding-an-op-'));
const tests = ['autograd', 'cases', 'fuzz', 'reference', 'support'].map((folder) => `test/${folder}`);
for (const path of ['src', ...tests, 'bench/ladder', 'scripts', 'package.json', 'tsconfig.json']) {
  cpSync(join(root, path), join(copy, path), { recursive: true });
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', env: { ...process.env, ...env } });
}

const runProgram = (file: string, env?: NodeJS.ProcessEnv) =>
  run(['--conditions', 'retinagrad-source', '--import', 'tsx', file], env);

function runCases(): { readonly passed: number; readonly total: number } {
  const generated = run(['scripts/wgsl.mjs']);
  assert.is(generated.status, 0, generated.stderr);
  const { stdout, stderr } = runProgram('test/autograd/ops.test.ts', {
    RETINAGRAD_OPS: 'softshrink',
    FORCE_COLOR: '0',
  });
  const [total, passed] = ['Total', 'Passed'].map((word) => new RegExp(`^ +${word}: +(\\d+)$`, 'm').exec(stdout)?.[1]);
  assert.ok(total !== undefined && passed !== undefined, `${stdout}${stderr}`);
  return { passed: Number(passed), total: Number(total) };
}

test('the operation of the page passes its tests, and a broken kernel does not', () => {
  for (const [, file, added, text] of fileBlocks) {
    (added === undefined ? writeFileSync : appendFileSync)(join(copy, file!), text!);
  }
  assert.equal(
    fileBlocks.map(([, file]) => file),
    [
      'src/kernels/wgsl/softshrink.wgsl',
      'src/kernels/softshrink.ts',
      'src/autograd/ops/softshrink.ts',
      'src/index.ts',
      'test/reference/elementwise.ts',
      'test/cases/softshrink.ts',
    ],
  );
  const rows = 10;
  const undifferentiated = 3;
  const sliced = 1;
  const total = rows + (rows - undifferentiated) + sliced;
  assert.equal(runCases(), { passed: total, total });

  const [row] = /^ {6}softshrink: .*?^ {6}\),\n/ms.exec(page)!;
  const table = join(copy, 'test/fuzz/rows/elementwise.ts');
  const before = readFileSync(table, 'utf8');
  const after = before.replace(/^(?= {2}hardSwish: )/m, row);
  assert.is.not(after, before);
  writeFileSync(table, after);
  const arguments_ = ['--ops', 'softshrink,mul,sum', '--programs', '200'];
  const fuzz = run(['--conditions', 'retinagrad-source', '--import', 'tsx', 'test/fuzz/main.ts', ...arguments_]);
  assert.match(fuzz.stdout, /^2\d\d programs, 0 disagree$/m, fuzz.stderr);

  const kernel = join(copy, 'src/kernels/wgsl/softshrink.wgsl');
  writeFileSync(
    kernel,
    readFileSync(kernel, 'utf8').replace('abs(v) > vec4f(params.lambda)', 'abs(v) < vec4f(params.lambda)'),
  );
  const broken = runCases();
  assert.is(broken.total, total);
  assert.ok(broken.passed < total, 'the tests do not detect the broken kernel');
});

test('the program that defines an operation of its own', () => {
  const program = blocks.at(-1)![1]!;
  assert.is(blocks.length, fileBlocks.length + 1, 'a block is not run');
  writeFileSync(join(copy, 'own-op.ts'), program);
  const { status, stderr, stdout } = runProgram('own-op.ts');
  assert.is(status, 0, stderr);
  assert.match(stdout, /checked: 3/);
});

test.run();
