import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Conv2d, Linear, ReLU, Sequential, Upsample } from '../../src/nn/layers.ts';
import { BatchNorm2d, FrozenBatchNorm2d, GroupNorm } from '../../src/nn/norm.ts';
import {
  constant,
  fans,
  kaimingNormal,
  kaimingUniform,
  manualSeed,
  normal,
  uniform,
  xavierUniform,
  type Initializer,
} from '../../src/nn/init.ts';
import { Module, readStateDict } from '../../src/nn/module.ts';
import { tensor } from '../../src/tensor/create.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();

class Net extends Module {
  readonly stem = new Sequential(new Conv2d(3, 4, { kernel: 3, bias: false }), new BatchNorm2d(4), new ReLU());
  readonly blocks = [new Linear(4, 2), new Linear(4, 2, { bias: false })];
  readonly frozen = new FrozenBatchNorm2d(4);
  readonly nothing = null;
}

test('parameters, buffers and children are named by their path', () => {
  const net = new Net();
  assert.equal(
    [...net.namedParameters()].map(([name]) => name),
    ['stem.0.weight', 'stem.1.weight', 'stem.1.bias', 'blocks.0.weight', 'blocks.0.bias', 'blocks.1.weight'],
  );
  assert.equal(
    [...net.namedBuffers()].map(([name]) => name),
    [
      'stem.1.runningMean',
      'stem.1.runningVar',
      ...['weight', 'bias', 'runningMean', 'runningVar'].map((n) => `frozen.${n}`),
    ],
  );
  net.eval();
  assert.is((net.stem.layers[1] as Module).training, false);
  net.stem.freeze();
  assert.equal(
    net.parameters().map((p) => p.requiresGrad),
    [false, false, false, true, true, true],
  );
  net.dispose();
});

test('a state dict is loaded whole or not at all', async () => {
  await leavesNothing(device, async () => {
    const [a, b] = [new Net(), new Net()];
    const state = await readStateDict(a.stateDict());
    const report = b.loadStateDict(state);
    assert.equal(report, { missing: [], unexpected: [] });
    assert.equal(await readStateDict(b.stateDict()), state);

    const broken = new Map(state);
    broken.delete('stem.0.weight');
    broken.set('extra', { shape: [1], data: Float32Array.of(1) });
    broken.set('blocks.0.bias', { shape: [3], data: Float32Array.of(1, 2, 3) });
    broken.set('blocks.0.weight', { shape: [4, 2], data: new Float32Array(8).fill(9) });
    assert.throws(
      () => b.loadStateDict(broken),
      (error: Error) => {
        assert.match(error.message, /missing: stem\.0\.weight/);
        assert.match(error.message, /unexpected: extra/);
        assert.match(error.message, /blocks\.0\.bias: expected \[2\], got \[3\]/);
        return true;
      },
    );
    assert.throws(() => b.loadStateDict(broken, { strict: false }), /of another shape/);
    assert.equal(await readStateDict(b.stateDict()), state);
    broken.delete('blocks.0.bias');
    assert.equal(b.loadStateDict(broken, { strict: false }), {
      missing: ['stem.0.weight', 'blocks.0.bias'],
      unexpected: ['extra'],
    });
    assert.is((await b.stateDict().get('blocks.0.weight')!.data())[0], 9);
    a.dispose();
    b.dispose();
  });
});

test('the same seed gives the same weights, another one others', async () => {
  const weights = async (seed: number): Promise<number[][]> => {
    manualSeed(seed);
    const net = new Sequential(new Linear(3, 4), new Linear(3, 4));
    const values = [...(await readStateDict(net.stateDict())).values()].map(({ data }) => [...data]);
    net.dispose();
    return values;
  };
  const first = await weights(1);
  assert.equal(await weights(1), first);
  assert.not.equal(await weights(2), first);
  assert.not.equal(first[0], first[2]);
});

test('initialisers have the variance and bounds of their papers', async () => {
  const shape = [3, 3, 64, 128];
  assert.equal(fans(shape), { fanIn: 576, fanOut: 1152 });
  const cases: [string, Initializer, number, number][] = [
    ['constant', constant(3), 3, 0],
    ['uniform', uniform(-1, 3), 1, 4 / Math.sqrt(12)],
    ['normal', normal(2, 0.5), 2, 0.5],
    ['kaimingNormal', kaimingNormal({ mode: 'fanOut' }), 0, Math.sqrt(2 / 1152)],
    ['kaimingUniform', kaimingUniform({ a: Math.sqrt(5) }), 0, Math.sqrt(1 / (3 * 576))],
    ['xavierUniform', xavierUniform(), 0, Math.sqrt(2 / (576 + 1152))],
  ];
  for (const [name, init, mean, std] of cases) {
    const t = init(shape);
    const values = (await t.data()) as Float32Array;
    const average = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length);
    assert.ok(Math.abs(average - mean) < 0.02 * (std || 1e-6), `${name}: mean ${average}`);
    assert.ok(Math.abs(deviation - std) < 0.02 * (std || 1e-6), `${name}: deviation ${deviation}`);
    t.dispose();
  }
});

test('layers refuse what does not fit', () => {
  assert.throws(() => new GroupNorm(3, 8), /8 channels do not divide into 3 groups/);
  assert.throws(() => new Upsample(0), /scale is 0/);
  const norm = new BatchNorm2d(2);
  const x = tensor([1, 2], { shape: [1, 1, 1, 2] });
  assert.throws(() => norm.forward(x), /BatchNorm2d: \[1,1,1,2\] has 1 value per channel/);
  x.dispose();
  norm.dispose();
});

test.run();
