import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../src/autograd/ops/binary.ts';
import { rand } from '../../src/autograd/ops/create.ts';
import { mean } from '../../src/autograd/ops/reduce.ts';
import { square } from '../../src/autograd/ops/unary.ts';
import { backward } from '../../src/autograd/tape.ts';
import { manualSeed } from '../../src/autograd/seeds.ts';
import { ResNet } from '../../src/retinanet/resnet.ts';
import { retinaNetSpec, type BackboneSpec, type StageName } from '../../src/retinanet/spec.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();

interface Run {
  /** Loss, gradients and state, by name. */
  readonly values: Map<string, Float32Array>;
  readonly dispatches: number;
  /** Beside what was there before: held between forward and backward, and the most of all. */
  readonly heldBytes: number;
  readonly peakBytes: number;
}

/** Two training steps' gradients of a small ResNet. */
async function train(backbone: Partial<BackboneSpec>): Promise<Run> {
  manualSeed(7);
  const net = new ResNet(retinaNetSpec('torchvision', { backbone: { depth: 18, width: 4, ...backbone } }).backbone);
  const x = rand([2, 128, 128, 3], { seed: 1 });
  const before = { ...device.memory(), ...device.counters() };
  device.resetPeak();
  let heldBytes = 0;
  const losses = [0, 1].map(() =>
    tidy(() => {
      const [c3, c4, c5] = net.forward(x);
      const loss = add(add(mean(square(c3)), mean(square(c4))), mean(square(c5)));
      heldBytes = device.memory().bytes - before.bytes;
      backward(loss);
      return loss;
    }),
  );
  const peakBytes = device.memory().peakBytes - before.bytes;
  const dispatches = device.counters().dispatches - before.dispatches;
  const values = new Map<string, Float32Array>();
  const read = async (name: string, t: { data(): Promise<unknown> }): Promise<void> =>
    void values.set(name, (await t.data()) as Float32Array);
  for (const [i, loss] of losses.entries()) await read(`loss ${i}`, loss);
  for (const [name, tensor] of net.stateDict()) {
    await read(name, tensor);
    if (tensor.grad !== null) await read(`${name}.grad`, tensor.grad);
  }
  for (const t of [...losses, x]) t.dispose();
  net.dispose();
  return { values, dispatches, heldBytes, peakBytes };
}

for (const norm of ['batch', 'frozen'] as const) {
  test(`a ResNet with ${norm} norm computes the same with checkpointed stages, in less memory`, async () => {
    await leavesNothing(device, async () => {
      const plain = await train({ norm });
      assert.ok(plain.values.has('layer4.1.conv2.weight.grad'));
      let last = plain;
      for (const checkpoint of [['layer1'], ['layer1', 'layer2'], true] as const) {
        const run = await train({ norm, checkpoint });
        for (const [name, expected] of plain.values) assert.equal(run.values.get(name), expected, name);
        assert.is(run.values.size, plain.values.size);
        assert.ok(run.heldBytes < last.heldBytes, `${checkpoint}: holds ${run.heldBytes} after ${last.heldBytes}`);
        assert.ok(run.dispatches > last.dispatches, `${checkpoint}: ${run.dispatches} dispatches`);
        last = run;
      }
      // Fixed norms are part of their convolutions, so that half as much is kept; the peak is then in the stem.
      const share = norm === 'batch' ? 0.9 : 1;
      assert.ok(last.peakBytes <= share * plain.peakBytes, `peak of ${last.peakBytes} after ${plain.peakBytes} bytes`);
    });
  });
}

test('a checkpointed network that is evaluated runs once', async () => {
  const net = new ResNet(
    retinaNetSpec('torchvision', { backbone: { depth: 18, width: 8, checkpoint: true } }).backbone,
  );
  const x = rand([1, 32, 32, 3], { seed: 1 });
  net.freeze();
  const features = tidy(() => net.forward(x));
  assert.ok(features.every(({ node }) => node === null));
  for (const t of [...features, x]) t.dispose();
  net.dispose();
});

test('a stage that does not exist is refused', () => {
  const checkpoint = ['layer5'] as unknown as readonly StageName[];
  const { backbone } = retinaNetSpec('torchvision', { backbone: { checkpoint } });
  assert.throws(
    () => new ResNet(backbone),
    /a stage in checkpoint is "layer5", expected one of layer1, layer2, layer3, layer4/,
  );
});

test.run();
