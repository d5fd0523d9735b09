import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/common/errors.ts';
import { removePartialFiles, replaceFile, writeError } from '../../src/common/node/replace-file.ts';

const root = mkdtempSync(join(tmpdir(), 'retinagrad-replace-'));
test.after(() => rmSync(root, { recursive: true }));

test('a file is written, then replaced, in folders that it makes', () => {
  const path = join(root, 'a', 'b', 'file');
  replaceFile('op', path, 'text é');
  assert.is(readFileSync(path, 'utf8'), 'text é');
  replaceFile('op', path, Uint8Array.of(1, 2));
  assert.equal([...readFileSync(path)], [1, 2]);
  assert.equal(readdirSync(join(root, 'a', 'b')), ['file']);
});

test('a file that cannot be written is named, and leaves nothing behind', () => {
  mkdirSync(join(root, 'folder', 'inside'), { recursive: true });
  writeFileSync(join(root, 'file'), '');
  for (const path of [join(root, 'folder'), join(root, 'file', 'x')]) {
    const before = readdirSync(root).sort();
    assert.throws(
      () => replaceFile('op', path, 'x'),
      (error: InputError) => {
        assert.instance(error, InputError);
        assert.is(error.file, path);
        assert.match(error.message, /cannot be written/);
        return true;
      },
    );
    assert.equal(readdirSync(root).sort(), before);
  }
});

test('errors of the system say what to do', () => {
  const textOf = (code: string): string => writeError('op', 'run/x', Object.assign(new Error('raw'), { code })).message;
  assert.is(textOf('ENOSPC'), 'op: run/x: cannot be written: the disk is full; free some space (ENOSPC)');
  for (const code of ['EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'])
    assert.match(textOf(code), new RegExp(`^op: run/x: cannot be written: .*; .* \\(${code}\\)$`));
  assert.is(textOf('EOTHER'), 'op: run/x: cannot be written: raw');
});

test('what a killed process left is removed, and nothing else', () => {
  const folder = join(root, 'left');
  mkdirSync(folder);
  for (const name of ['.state.safetensors.1b4e.partial', 'state.safetensors', '.hidden', 'x.partial'])
    writeFileSync(join(folder, name), '');
  removePartialFiles(folder);
  assert.equal(readdirSync(folder).sort(), ['.hidden', 'state.safetensors', 'x.partial']);
});

test.run();
