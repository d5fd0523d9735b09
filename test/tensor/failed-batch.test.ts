// What happens when the driver rejects a batch of commands: the error names the operation, and no lost value is read.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add, mul } from '../../src/autograd/ops/binary.ts';
import { assign } from '../../src/autograd/ops/no-gradient.ts';
import { tensor, write } from '../../src/tensor/create.ts';
import type { Device } from '../../src/tensor/device.ts';
import { GpuValidationError } from '../../src/tensor/errors.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { shaderStage } from '../../src/tensor/webgpu-flags.ts';
import { errorOf, testDevice, withDevice } from '../support/device.ts';

await testDevice();
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** Records a command that the driver rejects: it binds one buffer twice for writing, which `run` would refuse. */
function recordInvalid(device: Device, target: Tensor): void {
  const { gpu } = device;
  const layout = gpu.createBindGroupLayout({
    entries: [0, 1].map((binding) => ({ binding, visibility: shaderStage.COMPUTE, buffer: { type: 'storage' } })),
  });
  const code = `@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@compute @workgroup_size(1) fn main() { a[0] = b[0]; }`;
  const { buffer } = target.storage;
  device.dispatch({
    operation: 'wrong([2])',
    pipeline: gpu.createComputePipeline({
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: gpu.createShaderModule({ code }), entryPoint: 'main' },
    }),
    bind: () =>
      gpu.createBindGroup({
        layout,
        entries: [0, 1].map((binding) => ({ binding, resource: { buffer: buffer.gpu } })),
      }),
    buffers: [buffer],
    writes: [buffer],
    params: null,
    repack: null,
    groups: [1, 1, 1],
  });
}

test('the next read names the operation that failed, and those that did not run with it', async () => {
  await withDevice({}, async (device) => {
    const [a, old] = [tensor([3, 4]), tensor([1, 1])];
    const y = mul(a, 10);
    recordInvalid(device, old);
    const z = add(y, 1);
    const error = await errorOf(() => z.data());
    assert.instance(error, GpuValidationError);
    assert.is((error as GpuValidationError).operation, 'wrong([2])');
    assert.match(error.message, /^wrong\(\[2\]\): .*aliasing/s);
    assert.match(
      error.message,
      /3 operations recorded with it did not run either: mul\(\[2\], \[2\], \[2\]\); add\(\[2\], \[2\], \[2\]\); copy$/,
    );
  });
});

test('values that were lost are never read or used, until they are written anew', async () => {
  await withDevice({}, async (device) => {
    const [a, old] = [tensor([3, 4]), tensor([1, 1])];
    const y = mul(a, 10);
    recordInvalid(device, old);
    await errorOf(() => device.idle());
    const lost = /its values were lost, because commands before it failed: wrong\(\[2\]\): /;
    for (let time = 0; time < 2; time++) assert.match((await errorOf(() => y.data())).message, lost);
    assert.throws(() => add(y, 1), lost);
    assert.throws(() => assign(a, y), lost);
    // What the failed commands only read is intact.
    assert.equal(await list(a), [3, 4]);
    assert.equal(await list(mul(a, 10)), [30, 40]);
    write(y, [1, 2]);
    assert.equal(await list(add(y, 1)), [2, 3]);
    assign(old, a);
    assert.equal(await list(old), [3, 4]);
  });
});

test('reads in parallel all fail', async () => {
  await withDevice({}, async (device) => {
    const [a, old] = [tensor([3, 4]), tensor([1, 1])];
    const y = mul(a, 10);
    recordInvalid(device, old);
    const results = await Promise.allSettled([a.data(), y.data(), old.data()]);
    // The first read is part of the batch that failed, though its values are intact.
    assert.equal(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.equal(await list(a), [3, 4]);
  });
});

test('an operation on a buffer that was destroyed is named', async () => {
  await withDevice({}, async () => {
    const [a, b] = [tensor([3, 4]), tensor([1, 1])];
    const y = mul(a, 10);
    const z = add(b, 1);
    b.storage.buffer.gpu.destroy();
    const error = await errorOf(() => y.data());
    assert.is((error as GpuValidationError).operation, 'add([2], [2], [2])');
    await errorOf(() => z.data());
    assert.equal(await list(mul(a, 10)), [30, 40]);
  });
});

test.run();
