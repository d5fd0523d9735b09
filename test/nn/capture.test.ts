// What layers compute is kept, once for each call, and gradients reach it; afterwards the model is as before.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grad, Linear, Module, mul, relu, Sequential, sum, tensor, tidy, type Tensor } from '../../src/index.ts';
import { captureOutputs } from '../../src/nn/capture.ts';
import { testDevice } from '../support/device.ts';

await testDevice();

/** One layer that is used twice, and one in a sequence. */
class Net extends Module {
  readonly shared = new Linear(2, 2);
  readonly tower = new Sequential(new Linear(2, 1));

  forward(x: Tensor): Tensor {
    return tidy(() => this.tower.forward(relu(this.shared.forward(mul(this.shared.forward(x), 2)))));
  }
}

test('outputs of each call, by name, outlive the scopes of the model', async () => {
  const net = new Net();
  const x = tensor([[1, -2]]);
  const { result, outputs } = captureOutputs(net, () => tidy(() => net.forward(x)));
  assert.equal([...outputs.keys()], ['shared', 'tower.0', 'tower']);
  const [first, second] = outputs.get('shared')!;
  assert.equal(await first!.data(), await net.shared.forward(x).data());
  assert.equal(await second!.data(), await net.shared.forward(mul(first!, 2)).data());
  assert.equal(await outputs.get('tower')![0]!.data(), await result.data());
});

test('gradients reach what was kept', async () => {
  const net = new Net();
  const { result, outputs } = captureOutputs(net, () => net.forward(tensor([[1, -2]])));
  const [, last] = outputs.get('shared')!;
  const [slope] = grad(sum(result), [last!]);
  const weights = await net.tower.layers[0]!.parameters()[0]!.data();
  const isOn = Array.from(await last!.data(), (value) => Number(value > 0));
  assert.equal(
    Array.from(await slope!.data()),
    isOn.map((on, i) => on * weights[i]!),
  );
});

test('the model is as before, also after an error', () => {
  const net = new Net();
  const before = Object.keys(net.shared);
  assert.throws(
    () =>
      captureOutputs(net, () => {
        net.shared.forward(tensor([[1, 2]]));
        throw new Error('mine');
      }),
    'mine',
  );
  assert.equal(Object.keys(net.shared), before);
  assert.not.ok(Object.hasOwn(net.shared, 'forward'));
});

test.run();
