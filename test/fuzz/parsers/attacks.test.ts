/** Small files that ask for much: each is refused by an error that names it, in a process with little memory. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attacks } from './attacks.ts';
import { sourceOptions } from '../../support/source-options.ts';

const program = fileURLToPath(new URL('attack.ts', import.meta.url));

for (const [i, { file, expected }] of attacks.entries()) {
  test(file, () => {
    const args = ['--max-old-space-size=512', ...sourceOptions, program, String(i)];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal([status, signal], [0, null], stderr.slice(0, 2000));
    const found = JSON.parse(stdout) as Record<'name' | 'message', string> &
      Record<'milliseconds' | 'kilobytes', number>;
    console.log(`# ${file}: ${(found.milliseconds / 1000).toFixed(2)} s, ${Math.round(found.kilobytes / 1000)} MB`);
    assert.match(found.message, expected);
    assert.ok(found.message.includes(file), 'the error names the file');
    assert.ok(found.message.length < 2000);
    assert.not.ok(['RangeError', 'TypeError', 'SyntaxError', 'none'].includes(found.name), found.name);
  });
}

test.run();
