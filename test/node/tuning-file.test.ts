import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { init } from '../../src/node/init.ts';
import { keepTuning, readTuning, tuningFile } from '../../src/node/tuning-file.ts';
import type { AdapterDescription } from '../../src/tensor/device-options.ts';
import { NEVER, type Tuning } from '../../src/tensor/tuning.ts';
import { errorOf } from '../support/errors.ts';

const test = suite('tuning file');
const { XDG_CACHE_HOME: cacheBefore, RETINAGRAD_TUNING: tuningBefore } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'retinagrad-tuning-'));

const tuning: Tuning = {
  family: 'lane',
  size: 16,
  minWorkgroups: 5,
  winogradMinWork: NEVER,
  winograd4x4: { minTiles: NEVER },
  winograd2x2: { minTiles: 1, rows: 1 },
};
const adapter: AdapterDescription = {
  name: 'GPU ../..: 1 (LLVM)',
  vendor: 'vendor',
  architecture: 'a',
  kind: 'hardware',
  subgroupSize: null,
  tuned: false,
};

test.before(() => {
  process.env['XDG_CACHE_HOME'] = folder;
  delete process.env['RETINAGRAD_TUNING'];
});
test.after(() => {
  restore('XDG_CACHE_HOME', cacheBefore);
  restore('RETINAGRAD_TUNING', tuningBefore);
  rmSync(folder, { recursive: true });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

test('a table is found for its adapter and no other', () => {
  const file = keepTuning({ adapter, gain: 1.5, tuning });
  assert.is(file, tuningFile(adapter));
  assert.ok(file.startsWith(join(folder, 'retinagrad', 'tuning')), file);
  assert.equal(readTuning(adapter), tuning);
  for (const other of [{ name: 'GPU ../..: 2 (LLVM)' }, { vendor: 'v' }, { architecture: 'b' }]) {
    assert.is(readTuning({ ...adapter, ...other }), undefined);
  }
  keepTuning({ adapter, gain: 1, tuning });
  assert.is(readTuning(adapter), undefined);
});

test('init uses the table, unless it is told otherwise', async () => {
  const open = async (options: Parameters<typeof init>[0] = {}): Promise<[boolean, unknown]> => {
    const device = await init(options);
    device.destroy();
    return [device.adapter.tuned, device.tuning];
  };
  const device = await init();
  device.destroy();
  keepTuning({ adapter: device.adapter, gain: 2, tuning });
  assert.equal(await open(), [true, tuning]);
  assert.equal(await open({ tuning: 'cpu' }), [false, 'cpu']);
  process.env['RETINAGRAD_TUNING'] = 'built-in';
  assert.equal(await open(), [false, undefined]);
  process.env['RETINAGRAD_TUNING'] = 'cpu';
  assert.equal(await open(), [false, 'cpu']);
  process.env['RETINAGRAD_TUNING'] = 'fast';
  assert.match(
    (await errorOf(() => open())).message,
    /^init: the environment variable RETINAGRAD_TUNING is "fast", expected one of/,
  );
  delete process.env['RETINAGRAD_TUNING'];

  const file = tuningFile(device.adapter);
  for (const [content, reason] of [
    ['{', 'JSON'],
    ['{}', 'tuning is undefined'],
    ['{"tuning": "cpu"}', 'no table'],
    ['{"tuning": {"family": "tile"}}', 'whose shapes'],
  ] as const) {
    writeFileSync(file, content);
    const { message } = await errorOf(() => open());
    assert.ok(message.startsWith(`init: ${file} is no table`) && message.includes(reason), message);
  }
});

test.run();
