import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeSyntheticSpaceNet } from '../../src/synthetic/node/write-spacenet.ts';
import { inFolder } from './support.ts';

test(
  'worker threads of the built package, without tsx, give what the thread of the caller gives',
  inFolder(async (folder) => {
    const path = await writeSyntheticSpaceNet({ out: folder, chips: 3, size: 64 });
    const code = `
      import { createHash } from 'node:crypto';
      import { openWorkerSource, packedBytes } from 'retinagrad/data';
      for (const workers of [0, 2]) {
        const recipe = { path: ${JSON.stringify(path)}, augment: { mosaic: 1 }, drawFrom: [0, 1, 2] };
        const source = await openWorkerSource(recipe, { workers });
        for (let i = 0; i < 3; i++) {
          const { id, image, boxes } = await source.read(i, 1, 2);
          console.log(id, createHash('sha256').update(packedBytes(image)).digest('hex'), JSON.stringify([...boxes]));
        }
        await source.close();
      }`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.is(stderr, '');
    assert.is(status, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.is(lines.length, 6);
    assert.equal(lines.slice(3), lines.slice(0, 3));
  }),
);

test.run();
