import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('the tables in the documentation are those of bench/results', () => {
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, ['scripts/bench-tables.mjs', '--check'], {
    cwd,
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
});

test.run();
