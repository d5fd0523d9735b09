// docs/adding-an-op.md adds an operation: its files are put into a copy of the library, which must then compile, and its
// tests must pass.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blocksOf, readPage, root, targetOf } from '../support/markdown.ts';

const PAGE = 'docs/adding-an-op.md';
const additions = blocksOf(PAGE).flatMap((block) => {
  const target = targetOf(block);
  return target === null ? [] : [{ ...target, ...block }];
});

// Inside the checkout, where the compiler and the programs find node_modules.
const copy = mkdtempSync(join(root, '.cache-operation-'));
test.after(() => rmSync(copy, { recursive: true }));
for (const name of readdirSync(root)) {
  if (['src', 'test', 'scripts', 'bench', 'examples'].includes(name)) {
    const filter = (path: string) => !path.endsWith('node_modules');
    cpSync(join(root, name), join(copy, name), { recursive: true, filter });
  }
  if (/\.(?:json|mjs)$/.test(name)) cpSync(join(root, name), join(copy, name));
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

/** A text with the lines of a block: inside what `a line in X` names, otherwise at the end. */
function added(text: string, where: string, code: string): string {
  const name = /^a line in `(\w+)`/.exec(where)?.[1];
  if (name === undefined) return `${text}\n${code}`;
  const start = new RegExp(`^.*\\b${name}\\b.*[[{(]$`, 'm').exec(text);
  assert.ok(start !== null, `there is no ${name} to which a line could be added`);
  const at = start.index + start[0].length + 1;
  return text.slice(0, at) + code + text.slice(at);
}

function run(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  // Not all of it: the counts in it are not those of this file.
  const reasons = `${stdout}${stderr}`.split('\n').filter((line) => /FAIL|[Ee]rror/.test(line));
  assert.is(status, 0, `${args.join(' ')}\n${reasons.slice(0, 20).join('\n')}`);
}

test('its blocks are new files and lines for existing ones', () => {
  const files = additions.map(({ file }) => file);
  assert.ok(files.some((file) => file.endsWith('.wgsl')) && files.includes('src/index.ts'), files.join(', '));
  for (const { file, where, code } of additions) {
    const path = join(copy, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, existsSync(path) ? added(readFileSync(path, 'utf8'), where, code) : code);
  }
});

test('the library compiles with them', () => {
  run('scripts/wgsl.mjs');
  run(join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', 'tsconfig.json');
});

test('the tests that it names pass', () => {
  const commands = [...readPage(PAGE).matchAll(/^ {4}npm test -- (.+)$/gm)].map(([, parts]) => parts!.split(' '));
  assert.ok(commands.length > 0);
  for (const parts of commands) run('scripts/test.mjs', ...parts);
});

test.run();
