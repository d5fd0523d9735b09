// Buffers and a device that are shared with other programs.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add, mul } from '../../src/autograd/ops/binary.ts';
import { backward } from '../../src/autograd/tape.ts';
import { openAdapter } from '../../src/node/adapter.ts';
import { init } from '../../src/node/init.ts';
import { tensor } from '../../src/tensor/create.ts';
import { setDefaultDevice } from '../../src/tensor/device.ts';
import { fromBuffer, toBuffer } from '../../src/tensor/gpu-buffer.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { bufferUsage } from '../../src/tensor/webgpu-flags.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
const { gpu } = device;
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];
const { STORAGE, COPY_SRC, COPY_DST } = bufferUsage;

function bufferOf(
  values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
  usage = STORAGE | COPY_SRC | COPY_DST,
): GPUBuffer {
  const buffer = gpu.createBuffer({ size: values.byteLength, usage: usage | COPY_DST });
  gpu.queue.writeBuffer(buffer, 0, values);
  return buffer;
}

test('a copy of a buffer, at an offset, of any type', async () => {
  await leavesNothing(device, async () => {
    const buffer = bufferOf(Float32Array.of(1, 2, 3, 4, 5), COPY_SRC);
    const x = fromBuffer(buffer, [2, 2], { offset: 4, requiresGrad: true });
    gpu.queue.writeBuffer(buffer, 0, new Float32Array(5));
    assert.equal(await list(x), [2, 3, 4, 5]);
    assert.is(x.requiresGrad, true);
    const ints = fromBuffer(bufferOf(Int32Array.of(-1, 7), COPY_SRC), [2], { dtype: 'int32' });
    assert.equal(await list(ints), [-1, 7]);
    const none = fromBuffer(buffer, [0]);
    assert.equal(await list(none), []);
    for (const t of [x, ints, none]) t.dispose();
  });
});

test("without a copy the tensor is the buffer, in both directions, and the buffer stays the caller's", async () => {
  await leavesNothing(device, async () => {
    const buffer = bufferOf(Float32Array.of(1, 2, 3, 4));
    const { bytes } = device.memory();
    const x = fromBuffer(buffer, [3], { copy: false });
    assert.equal(device.memory().bytes, bytes);
    assert.is(toBuffer(x), buffer);
    gpu.queue.writeBuffer(buffer, 0, Float32Array.of(5, 6, 7));
    const y = mul(x, 2);
    assert.equal(await list(y), [10, 12, 14]);
    const { pooledBytes } = device.memory();
    x.dispose();
    assert.is(device.memory().pooledBytes, pooledBytes);
    gpu.queue.writeBuffer(buffer, 0, Float32Array.of(8, 9, 10));
    const again = fromBuffer(buffer, [4]);
    assert.equal(await list(again), [8, 9, 10, 4]);
    for (const t of [y, again]) t.dispose();
    buffer.destroy();
  });
});

test('toBuffer sends what was recorded, and a write counts as a change in place', async () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const x = tensor([3, 4]);
  const sum = add(x, x);
  const copy = gpu.createBuffer({ size: 8, usage: COPY_SRC | COPY_DST });
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(toBuffer(sum), 0, copy, 0, 8);
  gpu.queue.submit([encoder.finish()]);
  assert.equal(await list(fromBuffer(copy, [2])), [6, 8]);
  const y = mul(w, x);
  gpu.queue.writeBuffer(toBuffer(x, { write: true }), 0, Float32Array.of(5, 6));
  assert.equal(await list(x), [5, 6]);
  assert.throws(() => backward(y, { gradient: sum }), /changed in place/);
  for (const t of [w, x, sum, y]) t.dispose();
});

test('wrong buffers', async () => {
  const buffer = bufferOf(Float32Array.of(1, 2, 3));
  const from = fromBuffer as (...args: unknown[]) => unknown;
  const cases: [() => unknown, string][] = [
    [() => from([1], [1]), 'fromBuffer: the buffer is [1], expected a GPUBuffer'],
    [() => from(buffer, 3), 'fromBuffer: the shape is 3, expected an array of integers; did you mean [3]?'],
    [() => from(buffer, [4]), 'fromBuffer: [4] needs 16 bytes from byte 0, a multiple of 4; the buffer has 12'],
    [
      () => from(buffer, [1], { offset: 2 }),
      'fromBuffer: [1] needs 4 bytes from byte 2, a multiple of 4; the buffer has 12',
    ],
    [
      () => from(buffer, [3], { copy: false }),
      'fromBuffer: without a copy, the offset must be 0 and the size a multiple of 16 bytes, got 0 and 12',
    ],
    [
      () => from(bufferOf(Float32Array.of(1), STORAGE), [1]),
      "fromBuffer: the buffer's usage is 136, expected COPY_SRC",
    ],
    [() => from(buffer, [3], { type: 'int32' }), 'fromBuffer: there is no option type; did you mean dtype?'],
    [() => toBuffer(7 as never), 'toBuffer: the tensor is 7, expected a tensor'],
  ];
  for (const [call, message] of cases) assert.is((await errorOf(call)).message, message);
});

test('init takes a GPUDevice that other code opened', async () => {
  const { gpu: owner, adapter } = await openAdapter(process.env['RETINAGRAD_ADAPTER'] || undefined);
  const foreign = await adapter.requestDevice();
  const shared = await init({ gpu: foreign });
  try {
    assert.is(shared.gpu, foreign);
    assert.is(shared.adapter.name, device.adapter.name);
    assert.is(shared.adapter.kind, device.adapter.kind);
    const buffer = foreign.createBuffer({ size: 16, usage: STORAGE | COPY_SRC | COPY_DST });
    foreign.queue.writeBuffer(buffer, 0, Float32Array.of(1, 2, 3, 4));
    assert.equal(await list(add(fromBuffer(buffer, [4]), 1)), [2, 3, 4, 5]);
    assert.match(
      (await errorOf(() => init({ gpu: {} as never }))).message,
      /^init: gpu is \{ {2}\}, expected a GPUDevice$/,
    );
    assert.is(
      (await errorOf(() => init({ gpu: foreign, adapter: 'x' }))).message,
      'init: adapter and gpu exclude each other: gpu has an adapter',
    );
  } finally {
    shared.destroy();
    setDefaultDevice(device);
  }
  assert.ok(owner);
});

test.run();
