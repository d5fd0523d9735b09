// Changes in place, and operands that share memory: nothing that a program can write loses what was recorded before it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mul } from '../../src/autograd/ops/binary.ts';
import { assign, axpby, axpbyAll, scaleAll } from '../../src/autograd/ops/no-gradient.ts';
import { reshape } from '../../src/autograd/ops/shape.ts';
import { backward, detach } from '../../src/autograd/tape.ts';
import { run } from '../../src/kernels/run.ts';
import { sgdStep } from '../../src/kernels/update.ts';
import { Linear } from '../../src/nn/layers.ts';
import { Parameter } from '../../src/nn/module.ts';
import { Adam, SGD } from '../../src/nn/optim.ts';
import { tensor, write } from '../../src/tensor/create.ts';
import { setDefaultDevice } from '../../src/tensor/device.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { errorOf, leavesNothing, testDevice, withDevice } from '../support/device.ts';

const device = await testDevice();
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** Records 10 times [3, 4], runs `change` (which must throw if `message` is given), and expects the product to be there. */
async function keepsWork(change: () => void, message?: string): Promise<void> {
  const [a, b] = [tensor([3, 4]), tensor(10)];
  const y = mul(a, b);
  if (message === undefined) change();
  else assert.is((await errorOf(change)).message, message);
  assert.equal(await list(y), [30, 40]);
  for (const t of [a, b, y]) t.dispose();
}

test('assign of a tensor, a view or a detached view to itself does nothing', async () => {
  await leavesNothing(device, async () => {
    const a = tensor([1, 2]);
    const views = [detach(a), reshape(a, [-1])];
    for (const source of [a, ...views]) {
      await keepsWork(() => assign(a, source));
      await keepsWork(() => assign(source, a));
    }
    assert.equal(await list(a), [1, 2]);
    assert.is(a.storage.version, 0);
    for (const t of [a, ...views]) t.dispose();
  });
});

test('a state dict loads into its own module', async () => {
  const model = new Linear(2, 1);
  const before = await list(model.weight);
  await keepsWork(() => model.loadStateDict(model.stateDict()));
  assert.equal(await list(model.weight), before);
  model.dispose();
});

test('axpby of a tensor with itself or a view of it', async () => {
  await leavesNothing(device, async () => {
    const x = tensor([1, -2, 3]);
    const view = detach(x);
    await keepsWork(() => axpby(x, x, 1, 1));
    assert.equal(await list(x), [2, -4, 6]);
    await keepsWork(() => axpby(view, x, 2, -1));
    assert.equal(await list(x), [2, -4, 6]);
    x.dispose();
    view.dispose();
  });
});

test('updates of several tensors that share memory are those of one after the other', async () => {
  await leavesNothing(device, async () => {
    const [a, b, c] = [tensor([1]), tensor([10]), tensor([100])];
    await keepsWork(() =>
      axpbyAll(
        [
          { x: a, y: b, alpha: 1 }, // b = 11
          { x: b, y: c, alpha: 2 }, // c = 122
          { x: c, y: a, alpha: 1 }, // a = 123
          { x: a, y: a, alpha: 1 }, // a = 246
          { x: c, y: b, alpha: -1 }, // b = -111
        ],
        1,
      ),
    );
    assert.equal([await list(a), await list(b), await list(c)], [[246], [-111], [122]]);
    const factor = tensor(2);
    await keepsWork(() => scaleAll([b, b, c], factor));
    assert.equal([await list(b), await list(c)], [[-444], [244]]);
    for (const t of [a, b, c, factor]) t.dispose();
  });
});

test('a gradient that is its own parameter', async () => {
  const p = new Parameter(tensor([2, 4]));
  const sgd = new SGD([p], { lr: 0.25 });
  p.grad = detach(p);
  await keepsWork(() => sgd.step());
  assert.equal(await list(p), [1.5, 3]);
  sgd.dispose();
  p.dispose();
});

test('wrong shapes, types and devices in place are refused, and change nothing', async () => {
  await withDevice({}, async (other) => {
    const [x, y] = [tensor([1], { device }), tensor([1, 2, 3], { device })];
    const flat = tensor([1, 2, 3, 4, 5, 6], { device });
    const grid = tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3], device });
    const ints = tensor([1, 2, 3], { dtype: 'int32', device });
    const far = tensor([1, 2, 3], { device: other });
    const gone = tensor([1], { device });
    gone.dispose();
    const refused: [() => void, string][] = [
      [() => axpby(x, y, 1, 1), 'axpby: x [1] and y [3] differ in shape, expected the same'],
      [() => axpby(y, x, 1, 1), 'axpby: x [3] and y [1] differ in shape, expected the same'],
      [() => axpby(flat, grid, 1, 1), 'axpby: x [6] and y [2,3] differ in shape, expected the same'],
      [
        () => axpby(ints, ints, 1, 1),
        'axpby: expected a float32 tensor, got Tensor(int32 [3]); convert it with cast()',
      ],
      [() => axpby(y, ints, 1, 1), 'axpby: expected a float32 tensor, got Tensor(int32 [3]); convert it with cast()'],
      [() => axpby(far, y, 1, 1), 'axpby: x [3] and y [3] are on different devices; make them on the same one'],
      [
        () =>
          axpbyAll(
            [
              { x: y, y, alpha: 1 },
              { x: gone, y: x, alpha: 1 },
            ],
            1,
          ),
        'axpby: a tensor of shape [1] was disposed; return it from tidy() or keep() it to use it later',
      ],
      [() => scaleAll([y, ints], x), 'scale: expected a float32 tensor, got Tensor(int32 [3]); convert it with cast()'],
      [() => scaleAll([y], y), 'scale: factor is [3], expected one element'],
      [
        () => assign(y, x),
        'assign: Tensor(float32 [1]) does not fit into Tensor(float32 [3]), expected the same shape and type',
      ],
      [
        () => assign(grid, flat),
        'assign: Tensor(float32 [6]) does not fit into Tensor(float32 [2,3]), expected the same shape and type',
      ],
      [
        () => assign(y, ints),
        'assign: Tensor(int32 [3]) does not fit into Tensor(float32 [3]), expected the same shape and type',
      ],
      [
        () => assign(y, far),
        'assign: Tensor(float32 [3]) and its target are on different devices; make them on the same one',
      ],
      [() => write(y, [1, 2]), 'write: 2 values do not fill a tensor of shape [3]'],
    ];
    const versions = [x, y, flat, grid, ints].map(({ storage }) => storage.version);
    for (const [change, message] of refused) await errorIs(change, message);
    assert.equal(
      [x, y, flat, grid, ints].map(({ storage }) => storage.version),
      versions,
    );
    assert.equal([await list(x), await list(y), await list(far)], [[1], [1, 2, 3], [1, 2, 3]]);
    for (const t of [x, y, flat, grid, ints, far]) t.dispose();
  });
});

async function errorIs(change: () => void, message: string): Promise<void> {
  assert.is((await errorOf(change)).message, message);
}

for (const Optimizer of [SGD, Adam]) {
  test(`${Optimizer.name}: a gradient of another shape, type or device changes no parameter`, async () => {
    await withDevice({}, async (other) => {
      setDefaultDevice(device);
      const [good, bad] = [new Parameter(tensor([1, 2], { device })), new Parameter(tensor([1, 2, 3], { device }))];
      const optimizer = new Optimizer([good, bad], { lr: 1 });
      good.grad = tensor([1, 1], { device });
      const wrong: [Tensor, string][] = [
        [tensor([1], { device }), 'gradient [1] and parameter [3] differ in shape, expected the same'],
        [tensor([[1, 2, 3]], { device }), 'gradient [1,3] and parameter [3] differ in shape, expected the same'],
        [
          tensor([1, 2, 3], { dtype: 'int32', device }),
          'expected a float32 tensor, got Tensor(int32 [3]); convert it with cast()',
        ],
        [
          tensor([1, 2, 3], { device: other }),
          'gradient [3] and parameter [3] are on different devices; make them on the same one',
        ],
      ];
      for (const [gradient, message] of wrong) {
        bad.grad = gradient;
        await errorIs(() => optimizer.step(), `${Optimizer.name}: ${message}`);
      }
      assert.equal(
        [await list(good), await list(bad)],
        [
          [1, 2],
          [1, 2, 3],
        ],
      );
      optimizer.dispose();
      good.dispose();
      bad.dispose();
    });
  });
}

test('backward refuses a gradient that is not float32', async () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = mul(x, 2);
  const gradient = tensor([1, 1], { dtype: 'int32' });
  await keepsWork(
    () => backward(y, { gradient }),
    'backward: expected a float32 tensor, got Tensor(int32 [2]); convert it with cast()',
  );
  assert.is(x.grad, null);
  for (const t of [x, y, gradient]) t.dispose();
});

test('a launch that would write to its own operand is refused, in one slice or in several', async () => {
  const kernel = {
    file: 'copy.wgsl',
    consts: {},
    aliases: {},
    params: {},
    bindings: { x: 'read-only-storage', y: 'storage', z: 'storage' },
    code: `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> z: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = x[0]; z[0] = x[0]; }`,
  } as const;
  const [x, y, z] = [tensor([7, 2]), tensor([3, 4]), tensor(new Float32Array(128))];
  const view = reshape(y, [2, 1]);
  const launch = (bind: { x: Tensor; y: Tensor; z: Tensor }) => (): void =>
    run(device, kernel, { op: 'copy', bind, params: {}, groups: [1] });
  const message = (written: string, operand: string): string =>
    `copy: it would write to Tensor(float32 [${written}]), whose memory is also its operand Tensor(float32 [${operand}]); pass a clone() of the operand`;
  await keepsWork(launch({ x: y, y, z }), message('2', '2'));
  await keepsWork(launch({ x: view, y, z }), message('2', '2,1'));
  await keepsWork(launch({ x, y, z: view }), message('2', '2,1'));
  // Two ranges of one buffer that do not overlap may both be written.
  const [low, high] = [0, 64].map((start) => ({ tensor: z, start, count: 64 })) as [never, never];
  await keepsWork(() => run(device, kernel, { op: 'copy', bind: { x, y: low, z: high }, params: {}, groups: [1] }));
  const values = await z.data();
  assert.equal([values[0], values[64]], [7, 7]);
  for (const t of [x, y, z, view]) t.dispose();
});

test('an optimizer step whose last tensor is wrong records nothing', async () => {
  const [p, q] = [tensor([1]), tensor([2])];
  const before = device.counters().dispatches;
  const job = (parameter: Tensor, gradient: Tensor): Parameters<typeof sgdStep>[0][number] => ({
    gradient,
    momentum: tensor([0]),
    parameter,
  });
  const wrong = tensor([1, 2]);
  const step = { lr: () => 1, t: () => 1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
  assert.throws(() => sgdStep([job(p, tensor([1])), job(q, wrong)], step), /SGD: gradient \[2\]/);
  assert.is(device.counters().dispatches, before);
  assert.equal(await list(p), [1]);
});

test.run();
