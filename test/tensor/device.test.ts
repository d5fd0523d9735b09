import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../src/autograd/ops/binary.ts';
import { relu } from '../../src/autograd/ops/unary.ts';
import { run } from '../../src/kernels/run.ts';
import { init } from '../../src/node/init.ts';
import { tensor } from '../../src/tensor/create.ts';
import { defaultDevice, setDefaultDevice, type Device } from '../../src/tensor/device.ts';
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
    assert.ok(pooledBytes <= Math.max(64 * 2 ** 20, 1.5 * peakBytes), `${pooledBytes} pooled, peak ${peakBytes}`);
    assert.ok(pooledBytes > 0.5 * peakBytes, `${pooledBytes} pooled, peak ${peakBytes}`);
    own.trim();
    assert.is(own.memory().pooledBytes, 0);
    await own.idle();
  });
});

test('a step that is repeated makes no buffers, also if its size classes are not in use at once, and whatever is measured', async () => {
  await withDevice({}, async (own) => {
    // 192 MiB of one size class at once, then 80 MiB of another: more is free at the end than was ever in use.
    const step = (): void => {
      own.resetPeak();
      for (const [count, size] of [
        [2, 96],
        [1, 80],
      ] as const) {
        const some = Array.from({ length: count }, () => empty(own, [size * 2 ** 18], 'float32', 'test'));
        for (const t of some) t.dispose();
      }
    };
    step();
    const { buffers } = own.memory();
    let made = 0;
    const create = own.gpu.createBuffer.bind(own.gpu);
    own.gpu.createBuffer = (descriptor) => {
      made++;
      return create(descriptor);
    };
    for (let i = 0; i < 3; i++) step();
    assert.is(made, 0);
    assert.is(own.memory().buffers, buffers);
    await own.idle();
  });
});

test('the memory limit is an error that names the operation, the shape and the bytes', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    const a = empty(own, [100_000], 'float32', 'first');
    const error = (await errorOf(() => empty(own, [500, 500], 'float32', 'second'))) as GpuOutOfMemoryError;
    assert.instance(error, GpuOutOfMemoryError);
    assert.is(error.bytes, 1_000_000);
    assert.match(
      error.message,
      /^second \[500,500\]: 1\.0 MiB more would exceed the memory limit of 1\.0 MiB\. In use are 448\.0 KiB: 448\.0 KiB of input, /,
    );
    assert.is(error.held?.other, own.memory().bytes);
    a.dispose();
    empty(own, [500, 500], 'float32', 'second').dispose();
  });
});

test('free buffers make room for others before the limit is an error', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    for (let i = 1; i <= 9; i++) empty(own, [i * 2 ** 14], 'float32', 'test').dispose();
    empty(own, [2 ** 18], 'float32', 'all').dispose();
    const { pooledBytes, bytes } = own.memory();
    assert.equal([pooledBytes, bytes], [2 ** 20, 0]);
  });
});

/** Makes the driver of a device answer the next error scopes with an error, as if there was no memory. */
function failNextBuffer(own: Device): void {
  class GPUOutOfMemoryError {
    readonly message = 'VK_ERROR_OUT_OF_DEVICE_MEMORY';
  }
  const pop = own.gpu.popErrorScope.bind(own.gpu);
  own.gpu.popErrorScope = async () => {
    own.gpu.popErrorScope = pop;
    await pop();
    return new GPUOutOfMemoryError() as unknown as GPUError;
  };
}

test('no memory on the GPU is an error with what is held, and its buffer is not used again', async () => {
  await withDevice({}, async (own) => {
    const held = tensor([1, 2], { device: own });
    await own.idle();
    failNextBuffer(own);
    const broken = empty(own, [1000], 'float32', 'large');
    const { buffer } = broken.storage;
    const error = (await errorOf(() => own.idle())) as GpuOutOfMemoryError;
    assert.instance(error, GpuOutOfMemoryError);
    assert.match(
      error.message,
      /^large \[1000\]: no room for 4\.0 KiB \(VK_ERROR_OUT_OF_DEVICE_MEMORY\)\. In use are /,
    );
    assert.is(error.held?.other, 256 + 4096);
    broken.dispose();
    const again = empty(own, [1000], 'float32', 'again');
    assert.is.not(again.storage.buffer, buffer);
    assert.equal(await held.data(), Float32Array.of(1, 2));
  });
});

test('a small allocation that fails because the device is lost is reported as the loss', async () => {
  await withDevice({}, async (own) => {
    failNextBuffer(own);
    empty(own, [4], 'float32', 'small');
    own.gpu.destroy();
    const error = (await errorOf(() => own.idle())) as DeviceLostError;
    assert.instance(error, DeviceLostError);
    assert.match(error.message, /the device was lost \(destroyed\)/);
    assert.throws(() => empty(own, [4], 'float32', 'later'), /lost/);
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

test('a lost device is opened again with its options, on a new adapter', async () => {
  await withDevice({ memoryLimit: 2 ** 22, bindingLimit: 2 ** 20 }, async (own) => {
    own.gpu.destroy();
    const next = await own.reopen();
    try {
      assert.is(defaultDevice(), next);
      assert.equal([next.memoryLimit, next.bindingLimit], [2 ** 22, 2 ** 20]);
      assert.is(next.adapter.name, own.adapter.name);
      assert.equal(await add(tensor([1, 2]), 1).data(), Float32Array.of(2, 3));
      setDefaultDevice(device);
      const third = await next.reopen();
      assert.is(defaultDevice(), device, 'another default device stays');
      third.destroy();
    } finally {
      next.destroy();
    }
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
