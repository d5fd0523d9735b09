import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as rg from '../../src/index.ts';
import { testDevice } from '../support/device.ts';

const device = await testDevice();

class Net extends rg.Module {
  readonly conv1 = new rg.Conv2d(3, 8, { kernel: 3, padding: 1 });
  readonly bn = new rg.BatchNorm2d(8);
  readonly conv2 = new rg.Conv2d(8, 4, { kernel: 3, stride: 2, padding: 1 });
  readonly norm = new rg.GroupNorm(2, 4);
  readonly fc = new rg.Linear(4, 3);

  forward(x: rg.Tensor): rg.Tensor {
    return rg.tidy(() => {
      const a = rg.relu(this.bn.forward(this.conv1.forward(x)));
      const b = rg.maxPool2d(rg.relu(this.norm.forward(this.conv2.forward(a))), { kernel: 2 });
      return this.fc.forward(rg.mean(rg.upsampleNearest(b, [3, 5]), [1, 2]));
    });
  }
}

test('1,000 training steps leave the pool and the number of tensors unchanged', async () => {
  rg.manualSeed(1);
  const net = new Net();
  const optimizer = new rg.AdamW(net.parameters(), { lr: 1e-3 });
  const ema = new rg.ExponentialMovingAverage(net, 0.9);
  const x = rg.rand([2, 8, 8, 3], { seed: 1 });
  const y = rg.tensor(Int32Array.of(0, 2));
  const step = (): rg.Tensor =>
    rg.tidy(() => {
      const loss = rg.crossEntropy(net.forward(x), y);
      rg.backward(loss);
      rg.clipGradNorm(net.parameters(), 1);
      optimizer.step();
      optimizer.zeroGrad();
      ema.update();
      return loss;
    });
  let loss = 0;
  const read = async (): Promise<void> => {
    const value = step();
    loss = await value.item();
    value.dispose();
  };
  for (let i = 0; i < 20; i++) await read();
  const first = loss;
  const before = device.memory();
  const submits = device.counters().submits;
  for (let i = 0; i < 1000; i++) {
    if (i % 100 === 99) await read();
    else step().dispose();
  }
  const after = device.memory();
  assert.equal(
    { tensors: after.tensors, bytes: after.bytes, pooled: after.pooledBytes, buffers: after.buffers },
    { tensors: before.tensors, bytes: before.bytes, pooled: before.pooledBytes, buffers: before.buffers },
  );
  const perStep = (device.counters().submits - submits) / 1000;
  assert.ok(perStep < 5, `${perStep} submits per step`);
  assert.ok(loss < first, `loss ${first} before, ${loss} after`);
  console.log(
    `# pool after 1,020 steps: ${after.buffers} buffers, ${after.bytes + after.pooledBytes} bytes; ${perStep} submits per step`,
  );
  for (const t of [x, y]) t.dispose();
  ema.dispose();
  optimizer.dispose();
  net.dispose();
});

test('memory is reported by what it holds', () => {
  const net = new Net();
  const optimizer = new rg.AdamW(net.parameters(), { lr: 1e-3 });
  const x = rg.rand([2, 8, 8, 3], { seed: 1 });
  const loss = rg.mean(rg.square(net.forward(x)));
  const { weights, activations, gradients } = device.memory().uses;
  assert.ok(activations > weights, `${activations} bytes of activations`);
  assert.is(gradients, 0);
  rg.backward(loss);
  optimizer.step();
  const after = device.memory().uses;
  assert.equal([after.weights, after.gradients, after.optimizer], [weights, weights, 2 * weights]);
  assert.ok(after.activations < activations / 2, 'backward frees them');
  const average = new rg.ExponentialMovingAverage(net, 0.9);
  assert.ok(device.memory().uses.averages >= weights, 'with the running statistics');
  const { uses, bytes } = device.memory();
  assert.is(
    Object.values(uses).reduce((a, b) => a + b, 0),
    bytes,
  );
  for (const held of [x, loss, average, optimizer, net]) held.dispose();
});

test('an allocation that fails anywhere in a step leaves nothing behind, and the next step works', async () => {
  rg.manualSeed(1);
  const net = new Net();
  // A parameter that is used twice: its gradients are added.
  const tied = net.fc.weight;
  const optimizer = new rg.AdamW(net.parameters(), { lr: 1e-3 });
  const average = new rg.ExponentialMovingAverage(net, 0.9);
  const x = rg.rand([2, 8, 8, 3], { seed: 1 });
  const step = (): void => {
    rg.tidy(() => {
      const a = rg.checkpoint((input) => net.forward(input), [x]);
      rg.backward(rg.add(rg.mean(rg.square(a)), rg.mean(rg.mul(tied, tied))));
      rg.clipGradNorm(net.parameters(), 1);
      optimizer.step();
      average.update();
    });
    optimizer.zeroGrad();
  };
  step();
  const acquire = device.acquire.bind(device);
  const before = device.memory().tensors;
  let failures = 0;
  try {
    for (let allowed = 0; ; allowed++) {
      let left = allowed;
      device.acquire = (bytes, operation) => {
        if (left-- === 0) throw new rg.GpuOutOfMemoryError(operation, bytes, 'none left');
        return acquire(bytes, operation);
      };
      try {
        step();
        break;
      } catch (error) {
        assert.instance(error, rg.GpuOutOfMemoryError);
        failures++;
        optimizer.zeroGrad();
        assert.is(device.memory().tensors, before, `after allocation ${allowed}: ${(error as Error).message}`);
      }
    }
  } finally {
    device.acquire = acquire;
  }
  assert.ok(failures > 50, `${failures} allocations failed`);
  await device.idle();
  for (const held of [x, average, optimizer, net]) held.dispose();
});

test.run();
