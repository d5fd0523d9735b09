import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';
import { sourceOptions } from '../support/source-options.ts';

test('the tables in the documentation are those of bench/results', () => {
  const args = [...sourceOptions, 'bench/tables.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  assert.is(status, 0, stderr);
});

test.run();
