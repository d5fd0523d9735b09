import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { testDevice } from '../support/device.ts';

const device = await testDevice();
const folder = new URL('../../src/kernels/wgsl/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.wgsl'));

test('there are kernels', () => assert.ok(files.length > 0));

for (const file of files) {
  const code = readFileSync(new URL(file, folder), 'utf8');

  test(`${file} begins with its formula and is short enough to read`, () => {
    const [comment = ''] = /^(?:\/\/.*\n)+/.exec(code) ?? [];
    assert.match(comment, /=|<-/, 'a formula is expected in the comment at the top');
    const lines = code.split('\n').length;
    assert.ok(lines <= 300, `${lines} lines`);
  });

  // What the adapter cannot do, no launcher asks of it.
  if (code.includes('\nenable subgroups;') && !device.features.has('subgroups')) continue;
  test(`${file} compiles by itself without a message`, async () => {
    const module = device.guard(file, 0, () => device.gpu.createShaderModule({ label: file, code }));
    const { messages } = await module.getCompilationInfo();
    assert.equal(
      messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`),
      [],
    );
    // A pipeline finds what a module alone does not: too large a workgroup, too many bindings.
    const create = () => device.gpu.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    device.guard(file, 0, create);
    await device.idle();
  });
}

test.run();
