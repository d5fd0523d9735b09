// docs/ops.md is what the case tables tell. RETINAGRAD_WRITE=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { testDevice } from '../support/device.ts';
import { root } from '../support/files.ts';
import { loadCases } from '../support/op-case.ts';
import { opsPage } from '../support/ops-page.ts';

test('docs/ops.md lists every public operation as it is', async () => {
  // The same kernels on every computer.
  const device = await testDevice({ tuning: 'cpu' });
  const page = opsPage(device, await loadCases());
  await device.idle();
  const file = join(root, 'docs/ops.md');
  if (process.env['RETINAGRAD_WRITE'] === '1') writeFileSync(file, page);
  const written = readFileSync(file, 'utf8').split('\n');
  const differ = page.split('\n').filter((line, i) => line !== written[i]);
  assert.equal(differ, [], 'write it again: RETINAGRAD_WRITE=1 npm test -- ops-page');
});

test.run();
