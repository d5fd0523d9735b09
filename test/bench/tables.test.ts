import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('the tables in the documentation are those of bench/results', () => {
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const args = ['--conditions', 'retinagrad-source', '--import', 'tsx', 'bench/tables.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  assert.is(status, 0, stderr);
});

test.run();
