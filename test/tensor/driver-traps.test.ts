// Ten traps of WebGPU drivers and decoders, each with the guard that keeps programs out of it. Each test fails without its
// guard. What tests elsewhere cover in more detail is in ELSEWHERE.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AnomalyError, detectAnomaly } from '../../src/autograd/anomaly.ts';
import { clamp, isNaN, maximum } from '../../src/autograd/ops/binary.ts';
import { argmax } from '../../src/autograd/ops/no-gradient.ts';
import { max } from '../../src/autograd/ops/reduce.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { relu } from '../../src/autograd/ops/unary.ts';
import { grad } from '../../src/autograd/tape.ts';
import { decodePng } from '../../src/imagery/node/png.ts';
import { findCarrier, findLavapipe } from '../../src/node/drivers.ts';
import { waitAsleep } from '../../src/node/init.ts';
import { tensor } from '../../src/tensor/create.ts';
import { GpuOutOfMemoryError } from '../../src/tensor/errors.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { empty, type Tensor } from '../../src/tensor/tensor.ts';
import { runNode } from '../cli/support.ts';
import { errorOf, testDevice, withDevice } from '../support/device.ts';

/** Tests of the same guards in other files: the number of the trap, the file and the test. */
const ELSEWHERE: readonly (readonly [trap: number, file: string, test: string])[] = [
  [2, 'tensor/tensor.test.ts', 'tidy frees what is not returned or kept'],
  [4, 'autograd/special-values.test.ts', 'readFixture<'],
  [5, 'tensor/device.test.ts', 'memoryLimit'],
  [7, 'tensor/failed-batch.test.ts', 'the driver rejects'],
  [9, 'imagery/png-jpeg.test.ts', 'bomb.png'],
  [9, 'imagery/hostile.test.ts', 'a second IHDR chunk'],
];

const device = await testDevice();
const MIB = 2 ** 20;

/** Runs a program with the library in a process of its own. Returns what it prints. */
async function printed(body: string, ...options: string[]): Promise<string> {
  const source = new URL('../../src/', import.meta.url).href;
  const program = `
    import { init } from '${source}node/init.ts';
    import { tensor } from '${source}tensor/create.ts';
    import { tidy } from '${source}tensor/scope.ts';
    const device = await init();
    ${body}
  `;
  const ended = await runNode(process.cwd(), [...options, '--input-type=module', '--eval', program]);
  assert.is(ended.status, 0, ended.stderr);
  return ended.stdout;
}

test('1. a device survives the collection of the object that opened it (Device.owner)', async () => {
  const body = `
    for (let i = 0; i < 30; i++) {
      gc();
      const x = tensor(new Float32Array(1000).fill(i));
      await x.data();
      x.dispose();
      await new Promise((resolve) => setTimeout(resolve));
    }
    console.log('alive');`;
  assert.is(await printed(body, '--expose-gc'), 'alive\n');
});

test('2. memory does not wait for the garbage collector (tidy, dispose, BufferPool)', () => {
  const { tensors, buffers } = device.memory();
  for (let i = 0; i < 500; i++) tidy(() => void empty(device, [MIB / 4], 'float32', 'test'));
  assert.is(device.memory().tensors, tensors);
  assert.ok(device.memory().buffers <= buffers + 1, `${device.memory().buffers} buffers`);
});

test('3. destroyed buffers are freed though no kernel runs (Commands.flush)', async () => {
  const body = `
    const values = new Float32Array(${(16 * MIB) / 4});
    const start = process.memoryUsage().rss;
    for (let i = 0; i < 50; i++) {
      tensor(values).dispose();
      device.trim();
      await device.idle();
    }
    console.log((process.memoryUsage().rss - start) / ${MIB});`;
  const growth = Number(await printed(body));
  assert.ok(growth < 400, `${growth} MiB of 800`);
});

test('4. NaN is found by its bits (isNan in the kernels, value_range.wgsl)', async () => {
  const x = tensor([NaN, -1], { requiresGrad: true });
  const y = tensor([-1, NaN]); // A comparison with a number keeps the number that came first.
  const results = tidy((): Tensor[] => [
    relu(x),
    clamp(x, -1, 1),
    maximum(x, 1),
    max(x),
    isNaN(x),
    argmax(x, 0),
    max(y),
    argmax(y, 0),
    ...grad(sum(relu(x)), [x]),
  ]);
  const values = await Promise.all(results.map(async (result) => [...(await result.data())]));
  assert.equal(values, [[NaN, 0], [NaN, -1], [NaN, 1], [NaN], [1, 0], [0], [NaN], [1], [1, 0]]);
  const error = await errorOf(() => detectAnomaly(() => tidy(() => void relu(x))));
  assert.is((error as AnomalyError).inputs[0]!.nan, 1);
  for (const t of [x, y, ...results]) t.dispose();
});

test('5. memory has a limit, because software drivers have none (memoryLimit, and its default)', async () => {
  await withDevice({ memoryLimit: 2 * MIB }, async (own) => {
    assert.instance(await errorOf(() => empty(own, [MIB], 'float32', 'test')), GpuOutOfMemoryError);
  });
  if (device.adapter.kind === 'hardware') return;
  const { totalmem } = os;
  os.totalmem = () => 4 * MIB;
  syncBuiltinESMExports();
  try {
    await withDevice({}, async (own) => {
      const error = await errorOf(() => empty(own, [MIB], 'float32', 'test'));
      assert.instance(error, GpuOutOfMemoryError);
      assert.match(error.message, /the memory limit of 2\.4 MiB/);
    });
  } finally {
    os.totalmem = totalmem;
    syncBuiltinESMExports();
  }
});

test('6. each device has an adapter of its own, because the first one uses it up (openAdapter)', async () => {
  for (let i = 0; i < 2; i++) {
    await withDevice({}, async () => {
      const x = tensor([i]);
      assert.equal([...(await x.data())], [i]);
    });
  }
});

test('7. errors that no scope holds are thrown, and nothing is printed (ErrorScopes)', async () => {
  const body = `
    device.gpu.createBuffer({ label: 'mine', size: 16, usage: 0xffff });
    const error = await device.idle().catch((error) => error);
    console.log(JSON.stringify([error?.name, /mine|usage/i.test(error?.message)]));`;
  assert.is(await printed(body), '["GpuValidationError",true]\n');
});

test('8. waiting for the GPU sleeps between polls (waitAsleep)', async () => {
  const { wait } = Atomics;
  let sleeps = 0;
  Atomics.wait = ((...args: Parameters<typeof wait>) => {
    sleeps++;
    return wait(...args);
  }) as typeof wait;
  const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  try {
    await soon();
    assert.is(sleeps, 0, 'nothing waits for the GPU');
    await device.wait(soon());
    assert.ok(sleeps > 0, 'the device of Node');
    await waitAsleep(soon());
    sleeps = 0;
    await soon();
    await soon();
    assert.ok(sleeps < 3, 'it stops');
  } finally {
    Atomics.wait = wait;
  }
});

test('9. a decoder sees only files whose sizes are true (checkPng before pngjs)', async () => {
  // 66 bytes that declare 20000 x 20000 pixels, of which pngjs makes 1.6 GB.
  const bomb = Buffer.from(
    '89504e470d0a1a0a0000000d4948445200004e2000004e2008020000006c12d16e0000000949444154789c630000000100015eff7df90000000049454e44ae426082',
    'hex',
  );
  assert.match(
    (await errorOf(() => decodePng(bomb, 'bomb.png'))).message,
    /^readPng: bomb\.png: 20000 x 20000 pixels exceed maxPixels/,
  );
});

test('10. SwiftShader is found behind the exports of its package, and a worker says that it cannot select drivers', async () => {
  const carrier = findCarrier();
  assert.match(carrier?.archive ?? '', /bin[\\/]swiftshader\.tar\.br$/);
  assert.match(carrier?.version ?? '', /^\d+\.\d+\.\d+$/);
  if (process.platform !== 'linux' || findLavapipe() === null) return;
  const other = device.adapter.name.includes('llvmpipe') ? 'swiftshader' : 'lavapipe';
  const program = `
    require('tsx/cjs');
    const { init } = require(${JSON.stringify(new URL('../../src/node/init.ts', import.meta.url).pathname)});
    init({ adapter: '${other}' }).then(
      (device) => device.adapter.name,
      (error) => error.message,
    ).then((text) => require('node:worker_threads').parentPort.postMessage(text));`;
  const worker = new Worker(program, { eval: true, execArgv: [] });
  const said = await new Promise<string>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.match(said, /was opened instead: a worker cannot select the driver; call init in the main thread first/);
});

test('the tests that are named elsewhere exist', () => {
  for (const [trap, file, name] of ELSEWHERE) {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    assert.ok(text.includes(name), `trap ${trap}: ${file} has no "${name}"`);
  }
});

test.run();
