import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReLU } from '../../src/nn/activations.ts';
import { Conv2d, Linear, Sequential, Upsample } from '../../src/nn/layers.ts';
import { BatchNorm2d, FrozenBatchNorm2d, GroupNorm } from '../../src/nn/norm.ts';
import {
  constant,
  fans,
  kaimingNormal,
  kaimingUniform,
  normal,
  skipInit,
  uniform,
  xavierUniform,
  type Initializer,
} from '../../src/nn/init.ts';
import { manualSeed } from '../../src/autograd/seeds.ts';
import { rand, randn } from '../../src/autograd/ops/create.ts';
import { Module, Parameter, readStateDict } from '../../src/nn/module.ts';
import { tensor } from '../../src/tensor/create.ts';
import { setDefaultDevice } from '../../src/tensor/device.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';

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
    assert.throws(() => b.loadStateDict(broken, { strict: false }), /of another shape or type/);
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

test('random initial values that are skipped are zeros, and what comes next is as if they had been drawn', async () => {
  await leavesNothing(device, async () => {
    const nets: Sequential[] = [];
    const nexts: number[] = [];
    for (const make of [(net: () => Sequential) => net(), skipInit]) {
      manualSeed(3);
      nets.push(make(() => new Sequential(new Conv2d(3, 4, { kernel: 3 }), new BatchNorm2d(4), new Linear(4, 2))));
      const next = new Linear(1, 1);
      nexts.push((await next.weight.data())[0]!);
      next.dispose();
    }
    assert.is(nexts[0], nexts[1]);
    assert.not.equal(nexts[0], 0, 'values are drawn again after it');
    const [drawn, skipped] = nets as [Sequential, Sequential];
    assert.ok((await skipped.stateDict().get('0.weight')!.data()).every((value) => value === 0));
    assert.equal([...(await skipped.stateDict().get('1.weight')!.data())], [1, 1, 1, 1], 'constants are as ever');
    skipped.loadStateDict(drawn.stateDict());
    assert.equal(await readStateDict(skipped.stateDict()), await readStateDict(drawn.stateDict()));
    for (const net of nets) net.dispose();
  });
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

class Tied extends Module {
  readonly embedding = new Linear(2, 3, { bias: false });
  readonly head = this.embedding;
  readonly copy = this.embedding.weight;
}

test('tied parameters are listed once, under their first name, and saved under all names', async () => {
  await leavesNothing(device, async () => {
    const net = new Tied();
    assert.equal(
      [...net.namedParameters()].map(([name]) => name),
      ['copy'],
    );
    assert.is(net.parameters().length, 1);
    assert.equal([...net.stateDict().keys()], ['copy', 'embedding.weight', 'head.weight']);
    assert.is(net.modules().length, 2);
    const state = await readStateDict(net.stateDict());
    net.loadStateDict(state);
    net.loadStateDict(net.stateDict());
    assert.equal(await readStateDict(net.stateDict()), state);
    state.set('head.weight', { shape: [2, 3], data: new Float32Array(6) });
    assert.throws(
      () => net.loadStateDict(state),
      /of another shape or type: head\.weight: it is the same tensor as copy, its values differ/,
    );
    net.dispose();
  });
});

test('parameters, buffers and modules are found in arrays, maps, sets and objects', () => {
  const of = (value: number): Parameter => new Parameter(tensor([value]));
  const cycle: unknown[] = [of(7)];
  cycle.push(cycle);
  class Net extends Module {
    readonly list = [of(0), [of(1), null, [tensor([2])]], 'text'];
    readonly map = new Map<unknown, unknown>([
      ['a', of(3)],
      [4, new Linear(1, 1)],
    ]);
    readonly set = new Set([of(5)]);
    readonly record = { x: of(6), y: { z: new Linear(1, 1, { bias: false }) } };
    readonly cycle = cycle;
    readonly #hidden = of(8);
    get hidden(): Parameter {
      return this.#hidden;
    }
  }
  const net = new Net();
  assert.equal(
    [...net.namedParameters()].map(([name]) => name),
    ['list.0', 'list.1.0', 'map.a', 'set.0', 'record.x', 'cycle.0', 'map.4.weight', 'map.4.bias', 'record.y.z.weight'],
  );
  assert.equal(
    [...net.namedBuffers()].map(([name]) => name),
    ['list.1.2.0'],
  );
  assert.equal(
    [...net.namedChildren()].map(([name]) => name),
    ['map.4', 'record.y.z'],
  );
  net.hidden.dispose();
  net.dispose();
});

test('modules may refer to each other', () => {
  class Child extends Module {
    readonly weight = new Parameter(tensor([1]));
    parent: Module | null = null;
  }
  class Parent extends Module {
    readonly child = new Child();
    readonly self = this;
  }
  const parent = new Parent();
  parent.child.parent = parent;
  assert.equal([...parent.stateDict().keys()], ['child.weight']);
  assert.is(parent.eval().child.training, false);
  assert.is(parent.child.train().training, true);
  assert.is(parent.training, true);
  assert.is(parent.modules().length, 2);
  parent.freeze();
  assert.is(parent.child.weight.requiresGrad, false);
  parent.dispose();
});

test('two tensors of one name are refused', () => {
  class Net extends Module {
    readonly map = new Map<unknown, Parameter>([
      [0, new Parameter(tensor([1]))],
      ['0', new Parameter(tensor([2]))],
    ]);
  }
  const net = new Net();
  assert.throws(() => net.stateDict(), /^Net: two tensors are called map\.0$/);
  for (const parameter of net.parameters()) parameter.dispose();
});

test('every value of a state dict is checked before any is loaded', async () => {
  await withDevice({}, async (other) => {
    const foreign = tensor([1, 2], { device: other });
    setDefaultDevice(device);
    await leavesNothing(device, async () => {
      class Net extends Module {
        readonly a = new Parameter(tensor([1, 2]));
        readonly ids = tensor(Int32Array.of(3, 4));
      }
      const net = new Net();
      const gone = tensor([1, 2]);
      gone.dispose();
      const [floats, ids] = [tensor([5, 6]), tensor(Int32Array.of(7, 8))];
      const cases: [unknown, RegExp][] = [
        [{ shape: [2], data: new Float32Array(3) }, /a: expected 2 values, got 3/],
        [{ shape: [2], data: [1, 2] }, /a: expected a Float32Array, got Array/],
        [{ shape: [2], data: new Float64Array(2) }, /a: expected a Float32Array, got Float64Array/],
        [{ shape: [2] }, /a: expected a Float32Array, got no data/],
        [null, /a: expected a tensor or \{ shape, data \}/],
        [new Float32Array(2), /a: expected a tensor or \{ shape, data \}/],
        [ids, /a: expected float32, got int32/],
        [gone, /a: its tensor was disposed/],
        [foreign, /a: its tensor is on another device/],
      ];
      for (const [value, message] of cases) {
        const state = new Map([
          ['ids', ids],
          ['a', value as Tensor],
        ]);
        assert.throws(() => net.loadStateDict(state), message);
      }
      assert.throws(() => net.loadStateDict({ a: floats } as never), /^loadStateDict: expected a Map/);
      assert.equal([...(await net.ids.data())], [3, 4]);
      net.loadStateDict(
        new Map<string, Tensor>([
          ['ids', ids],
          ['a', floats],
        ]),
      );
      assert.equal([...(await net.ids.data())], [7, 8]);
      let message = '';
      await readStateDict(net.stateDict()).catch((error: Error) => (message = error.message));
      assert.match(message, /^readStateDict: ids is int32, expected float32/);
      for (const used of [floats, ids, net]) used.dispose();
      assert.throws(() => net.loadStateDict(new Map([['a', net.a]]), { strict: false }), /a: it was disposed/);
    });
  });
});

test('tensors of a module can be loaded into each other', async () => {
  await leavesNothing(device, async () => {
    class Net extends Module {
      readonly a = new Parameter(tensor([1]));
      readonly b = new Parameter(tensor([2]));
    }
    const net = new Net();
    net.loadStateDict(
      new Map([
        ['a', net.b],
        ['b', net.a],
      ]),
    );
    assert.equal([await net.a.item(), await net.b.item()], [2, 1]);
    net.dispose();
  });
});

test('seeds outside the integers are refused, and all bits of a seed count', async () => {
  for (const seed of [0.3, -1, NaN, Infinity, 2 ** 53]) {
    for (const [name, use] of [
      ['manualSeed', () => manualSeed(seed)],
      ['rand', () => rand([1], { seed })],
      ['randn', () => randn([1], { seed })],
    ] as const) {
      assert.throws(use, new RegExp(`^${name}: seed is ${seed}, expected an integer from 0 to`));
    }
  }
  const first = async (seed: number): Promise<number> => {
    manualSeed(seed);
    const t = rand([1]);
    const value = await t.item();
    t.dispose();
    return value;
  };
  const seeds = [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
  const values = await Promise.all(seeds.map(first));
  assert.is(new Set(values).size, seeds.length);
  assert.is(await first(0), values[0]);
});

test.run();
