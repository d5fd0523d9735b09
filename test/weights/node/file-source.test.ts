import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fileSource } from '../../../src/weights/node/file-source.ts';
import { errorOf } from '../../support/errors.ts';

const root = mkdtempSync(join(tmpdir(), 'retinagrad-file-source-'));
test.after(() => rmSync(root, { recursive: true }));
const path = join(root, 'a.bin');

test('ranges of a file are read, and a file that changes is refused', async () => {
  writeFileSync(path, Uint8Array.of(1, 2, 3, 4));
  const source = await fileSource('open', path);
  assert.is(source.size, 4);
  assert.equal(await source.read(1, 3), Uint8Array.of(2, 3));
  assert.equal(await source.read(4, 4), new Uint8Array(0));
  writeFileSync(path, Uint8Array.of(1, 2));
  assert.is((await errorOf(() => source.read(0, 2))).message, `open: ${path}: it changed while it was read`);
});

test('a file that cannot be read is named', async () => {
  const error = await errorOf(() => fileSource('open', join(root, 'none')));
  assert.is(error.message, `open: ${join(root, 'none')}: does not exist`);
  const folder = await fileSource('open', root);
  assert.match((await errorOf(() => folder.read(0, 1))).message, /^open: .*: EISDIR/);
});

test.run();
