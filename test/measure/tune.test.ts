import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2d, defaultDevice, init, randn, setDefaultDevice, type Tuning } from '../../src/index.ts';
import { tune } from '../../src/measure/tune.ts';
import { inDryRun } from '../../src/tensor/dry-run.ts';
import { checkTuning, NEVER } from '../../src/tensor/tuning.ts';
import { errorOf, testDevice, withDevice } from '../support/device.ts';
import { init as initInNode } from '../../src/node/init.ts';
import { assertClose } from '../support/compare.ts';

const device = await testDevice();

test('a table that does not fit the adapter is replaced by one that does', async () => {
  // Taken for a GPU, the CPU gets tiles with a barrier for every step of the sum, which it simulates many times slower.
  await withDevice({}, async (other) => {
    const adapter = { ...other.adapter, kind: 'hardware' as const };
    const mistaken = Object.assign(other, { adapter, tuning: undefined });
    const names: string[] = [];
    setDefaultDevice(device); // It measures the device that it is given.
    const { tuning, gain, cases } = await tune(mistaken, {
      size: 32,
      seconds: 2,
      onProgress: ({ name }) => names.push(name),
    });
    assert.is.not(tuning.family, 'tile');
    assert.ok(gain > 1 && cases.length > 0, `${gain} ${JSON.stringify(tuning)}`);
    assert.ok(
      cases.every(({ name, count, builtIn, tuned }) => names.includes(name) && count > 0 && builtIn > 0 && tuned > 0),
    );
    assert.is(mistaken.tuning, undefined);
    assert.is(defaultDevice(), device);
    checkTuning('test', JSON.parse(JSON.stringify(tuning)));
  });
});

test('a tuning that is aborted rejects, and leaves the device as it was', async () => {
  const { tuning } = device;
  const abort = new AbortController();
  let cases = 0;
  const options = {
    size: 32,
    seconds: 60,
    signal: abort.signal,
    onProgress: () => void (++cases === 2 && abort.abort()),
  };
  const { tensors } = device.memory();
  assert.is((await errorOf(() => tune(device, options))).name, 'AbortError');
  assert.is(cases, 2);
  assert.is(device.tuning, tuning);
  assert.is(device.memory().tensors, tensors);
});

test('a device with a table launches its kernels, and computes the same', async () => {
  const table: Tuning = {
    family: 'lane',
    size: 64,
    minWorkgroups: 7,
    winogradMinWork: NEVER,
    winograd4x4: { minTiles: 1 },
    winograd2x2: { minTiles: 1, rows: 1 },
  };
  const results = [];
  for (const tuning of [undefined, table]) {
    const options = { adapter: process.env['RETINAGRAD_ADAPTER'] ?? device.adapter.name };
    const other = await initInNode(tuning === undefined ? options : { ...options, tuning });
    assert.is(other.adapter.tuned, tuning !== undefined);
    const [x, w] = [randn([1, 12, 12, 32], { seed: 1 }), randn([3, 3, 32, 32], { seed: 2 })];
    const { launches } = inDryRun(() => conv2d(x, w, null, { padding: 1 }));
    assert.is(launches.length === 1 && launches[0]!.startsWith('gemm_lane'), tuning !== undefined, launches.join('\n'));
    results.push(await conv2d(x, w, null, { padding: 1 }).data());
    other.destroy();
  }
  await testDevice();
  assertClose(results[1]! as Float32Array, results[0]! as Float32Array, {
    tolerance: { largest: 1e-5 },
    label: 'conv2d',
  });
});

for (const [tuning, text] of [
  [3, 'tuning is 3, expected one of llvmpipe, swiftshader'],
  ['nvida', 'tuning is "nvida", expected one of'],
  [{}, 'tuning.family is undefined, expected one of subgroup, broadcast, lane, tile'],
  [{ family: 'lane', size: 3 }, 'whose shapes its family lane does not have'],
  [{ family: 'tile', shapes: [[32, 32]] }, 'whose shapes its family tile does not have'],
  [{ family: 'broadcast', minWorkgroups: 0 }, 'tuning.minWorkgroups is 0, expected an integer >= 1'],
  [{ family: 'broadcast', minWorkgroups: 1, winogradMinWork: 0 }, 'tuning.winograd4x4.minTiles is undefined'],
] as const) {
  test(`refused: tuning ${JSON.stringify(tuning)}`, async () => {
    const error = await errorOf(() => init({ tuning: tuning as unknown as Tuning }));
    assert.ok(error.message.startsWith('init: ') && error.message.includes(text), error.message);
  });
}

test('wrong options of tune', async () => {
  for (const [options, text] of [
    [{ size: 33 }, 'tune: size is 33, expected a multiple of 32'],
    [{ seconds: 0 }, 'tune: seconds is 0'],
  ] as const) {
    const error = await errorOf(() => tune(device, options));
    assert.ok(error.message.includes(text), error.message);
  }
});

test.run();
