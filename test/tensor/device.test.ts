import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../src/autograd/ops/binary.ts';
import { relu } from '../../src/autograd/ops/unary.ts';
import { run } from '../../src/kernels/run.ts';
import { init } from '../../src/node/init.ts';
import { tensor } from '../../src/tensor/create.ts';
import {
  DeviceLostError,
  GpuOutOfMemoryError,
  GpuValidationError,
  NoAdapterError,
  NoDeviceError,
} from '../../src/tensor/errors.ts';
import { sizeClass } from '../../src/tensor/pool.ts';
import { empty } from '../../src/tensor/tensor.ts';
import { errorOf, leavesNothing, testDevice, withDevice } from '../support/device.ts';

const early = await errorOf(() => tensor([1]));
const device = await testDevice();

test('before init, an error says so', () => {
  assert.instance(early, NoDeviceError);
  assert.is(early.message, 'no device is open: call `await init()` first');
});

test('the device says which adapter it took', () => {
  assert.ok(device.adapter.name.length > 0);
  assert.ok(['hardware', 'software'].includes(device.adapter.kind));
});

test('an unknown adapter is an error that lists what was tried and what to install', async () => {
  const error = await errorOf(() => init({ adapter: 'no such adapter' }));
  assert.instance(error, NoAdapterError);
  assert.match(error.message, /named "no such adapter"/);
  assert.match(error.message, /Tried:\n {2}- drivers of the system: /);
  assert.match(error.message, /apt install mesa-vulkan-drivers/);
});

test('buffers are reused by size class, and a class wastes at most a quarter', () => {
  for (let bytes = 1; bytes < 1e6; bytes += 777) {
    const size = sizeClass(bytes);
    assert.ok(size >= bytes && (size === 256 || size <= bytes * 1.25) && size % 16 === 0, `${bytes} -> ${size}`);
  }
  const a = empty(device, [1000], 'float32', 'test');
  const { buffer } = a.storage;
  a.dispose();
  const b = empty(device, [999], 'float32', 'test');
  assert.is(b.storage.buffer, buffer);
  b.dispose();
});

test('the free buffers are bounded, and trim gives them back', async () => {
  await withDevice({}, async (own) => {
    for (let i = 1; i <= 40; i++) empty(own, [i * 2 ** 20], 'float32', 'test').dispose();
    const { pooledBytes, peakBytes, bytes } = own.memory();
    assert.is(bytes, 0);
    assert.ok(pooledBytes <= Math.max(64 * 2 ** 20, peakBytes), `${pooledBytes} pooled, peak ${peakBytes}`);
    own.trim();
    assert.is(own.memory().pooledBytes, 0);
    await own.idle();
  });
});

test('the memory limit is an error that names the operation, the shape and the bytes', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    const a = empty(own, [100_000], 'float32', 'first');
    const error = (await errorOf(() => empty(own, [500, 500], 'float32', 'second'))) as GpuOutOfMemoryError;
    assert.instance(error, GpuOutOfMemoryError);
    assert.is(error.bytes, 1_000_000);
    assert.match(error.message, /second \[500,500\]: .* would exceed the memory limit of 1.0 MiB/);
    a.dispose();
    empty(own, [500, 500], 'float32', 'second').dispose();
  });
});

test('a tensor larger than any buffer is refused', async () => {
  const tooMany = Math.floor(device.limits.maxBufferSize / 4) + 1;
  const error = await errorOf(() => empty(device, [tooMany], 'float32', 'huge'));
  assert.instance(error, GpuOutOfMemoryError);
  assert.match(error.message, /huge \[\d+\]: .* is more than one buffer of this adapter holds/);
});

test('an error in a shader names the kernel and the line', async () => {
  await withDevice({}, async (own) => {
    const broken = {
      file: 'broken.wgsl',
      consts: {},
      aliases: {},
      params: {},
      bindings: { y: 'storage' },
      code: '@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() {\n  y[0] = nonsense;\n}',
    } as const;
    const y = empty(own, [4], 'float32', 'test');
    run(own, broken, { op: 'brokenOp', bind: { y }, params: {}, groups: [1] });
    const error = await errorOf(() => y.data());
    assert.instance(error, GpuValidationError);
    assert.match(error.message, /brokenOp: kernel broken\.wgsl.*:3:10 error: unresolved value 'nonsense'/s);
  });
});

test('more workgroups than a dimension holds are refused before they reach the driver', () => {
  const y = empty(device, [4], 'float32', 'test');
  const kernel = { file: 'k.wgsl', consts: {}, aliases: {}, params: {}, bindings: { y: 'storage' }, code: '' } as const;
  const launch = { op: 'wide', bind: { y }, params: {}, groups: [1, 70_000] } as const;
  assert.throws(() => run(device, kernel, launch), /wide: k\.wgsl: 1,70000,1 workgroups, at most 65535/);
  y.dispose();
});

test('the error that is thrown is the first one, not what failed because of it', async () => {
  await withDevice({}, async (own) => {
    const a = tensor([1, 2], { device: own });
    const create = own.gpu.createBuffer.bind(own.gpu);
    // The next buffer cannot be made; a kernel then writes into it, and the result is read.
    own.gpu.createBuffer = (descriptor) => {
      own.gpu.createBuffer = create;
      return create({ ...descriptor, usage: 0 });
    };
    const error = await errorOf(() => add(relu(a), 1).data());
    assert.instance(error, GpuValidationError);
    assert.match(error.message, /^relu \[2\]: /);
  });
});

test('tensors of two devices do not mix', async () => {
  await withDevice({}, async (own) => {
    const [a, b] = [tensor([1, 2], { device: own }), tensor([1, 2], { device })];
    assert.throws(() => add(a, b), /add: its tensors are on different devices \(b \[2\]\); make them on the same one/);
    b.dispose();
  });
});

test('a lost device is an error from then on', async () => {
  await withDevice({}, async (own) => {
    const a = tensor([1, 2], { device: own });
    own.destroy();
    assert.instance(await errorOf(() => a.data()), DeviceLostError);
    assert.throws(() => add(a, 1), /device/);
  });
});

test('dispatches are sent in batches', async () => {
  await leavesNothing(device, async () => {
    const a = tensor([1]);
    const before = device.counters();
    for (let i = 0; i < 500; i++) add(a, 1).dispose();
    await device.idle();
    const after = device.counters();
    assert.is(after.dispatches - before.dispatches, 500);
    assert.ok(after.submits - before.submits <= 5, `${after.submits - before.submits} submits`);
    a.dispose();
  });
});

test.run();
