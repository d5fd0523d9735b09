// Recorded functions: the same bits as the function itself, and no recording where it could not give them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as R from '../../src/index.ts';
import type { Update } from '../../src/nn/optim.ts';
import { bufferUsage } from '../../src/tensor/webgpu-flags.ts';
import { errorOf, leavesNothing, testDevice, withDevice } from '../support/device.ts';

const device = await testDevice();

class Net extends R.Module {
  readonly first = new R.Conv2d(3, 4, { kernel: 3, padding: 1, relu: true });
  readonly norm = new R.BatchNorm2d(4);
  readonly last = new R.Linear(4, 2);

  forward(x: R.Tensor): R.Tensor {
    return R.tidy(() => this.last.forward(R.mean(this.norm.forward(this.first.forward(x)), [1, 2])));
  }
}

const net = (): Net => {
  R.manualSeed(3);
  return new Net();
};
const image = (seed: number, side = 6): R.Tensor => R.randn([2, side, side, 3], { seed });
const list = async (t: R.Tensor): Promise<number[]> => {
  const values = [...(await t.data())];
  t.dispose();
  return values;
};

test('replays give the same bits for other inputs, also after a change of weights in place', async () => {
  await leavesNothing(device, async () => {
    const model = net().eval();
    const forward = new R.Recorded((x: R.Tensor) => model.forward(x), { modules: [model] });
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      if (seed === 5) R.write(model.last.bias!, [7, 8]);
      const x = image(seed);
      const [found, expected] = R.noGrad(() => [forward.run(x), model.forward(x)]);
      assert.equal(await list(found!), await list(expected!));
      x.dispose();
    }
    assert.is(forward.runs, 4);
    assert.is(forward.problem, null);
    assert.ok(device.memory().recordedBytes > 0);
    forward.dispose();
    assert.is(device.memory().recordedBytes, 0);
    model.dispose();
  });
});

test('a replay is one submit, and counts its dispatches', async () => {
  const x = image(1);
  const model = net().eval();
  const forward = new R.Recorded((x: R.Tensor) => model.forward(x), { modules: [model] });
  const counts: { dispatches: number; submits: number }[] = [];
  for (let i = 0; i < 4; i++) {
    device.flush();
    const before = device.counters();
    R.noGrad(() => forward.run(x)).dispose();
    device.flush();
    const after = device.counters();
    counts.push({
      dispatches: after.dispatches - before.dispatches,
      submits: after.submits - before.submits,
    });
  }
  assert.is(forward.runs, 2);
  assert.is(counts[0]!.submits, 1);
  for (const count of counts) assert.equal(count, counts[0]);
  forward.dispose();
});

test('a call is recorded when shapes, modes and parameters are those of the call before', async () => {
  const model = net().eval();
  const forward = new R.Recorded((x: R.Tensor) => model.forward(x), { modules: [model], maximum: 2 });
  const call = async (x: R.Tensor): Promise<number> => {
    const before = forward.runs;
    const [found, expected] = R.noGrad(() => [forward.run(x), model.forward(x)]);
    assert.equal(await list(found!), await list(expected!));
    return forward.runs - before;
  };
  const [small, large, other] = [image(1), image(2, 8), image(3, 10)];
  // Each shape is seen, then recorded, then run.
  const order = [small, small, small, large, large, large, small, other, other, other, small, large, large, large];
  const runs: number[] = [];
  for (const x of order) runs.push(await call(x));
  assert.equal(runs, [0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
  // Another tensor in the place of a parameter.
  const { weight } = model.last;
  Object.assign(model.last, { weight: new R.Parameter(R.ones([4, 2])) });
  assert.is(await call(large), 0);
  Object.assign(model.last, { weight });
  assert.is(await call(large), 1);
  // Training updates the running statistics in every run.
  model.train();
  const copy = net();
  copy.loadStateDict(model.stateDict());
  for (let i = 0; i < 4; i++) {
    const [found, expected] = R.noGrad(() => [forward.run(small), copy.forward(small)]);
    assert.equal(await list(found!), await list(expected!));
  }
  assert.equal([...(await model.norm.runningMean.data())], [...(await copy.norm.runningMean.data())]);
  assert.equal([...(await model.norm.runningVar.data())], [...(await copy.norm.runningVar.data())]);
  forward.dispose();
});

test('a result that is still in use is not overwritten', async () => {
  const double = new R.Recorded((x: R.Tensor) => ({ y: R.mul(x, 2), sum: R.sum(x) }));
  const inputs = [1, 2, 3, 4].map((n) => R.tensor([n, n]));
  const results = inputs.map((x) => double.run(x));
  assert.is(double.runs, 0);
  for (const [i, { y, sum }] of results.entries())
    assert.equal([await list(y), await list(sum)], [[2 * (i + 1), 2 * (i + 1)], [2 * (i + 1)]]);
  const again = double.run(inputs[3]!);
  assert.is(double.runs, 1);
  assert.equal(await list(again.y), [8, 8]);
  double.dispose();
  // Results outlive the recording.
  assert.equal(await list(again.sum), [8]);
});

test('gradients are results like any others', async () => {
  await leavesNothing(device, async () => {
    const [model, copy] = [net(), net()];
    const optimizers = [model, copy].map((net) => new R.AdamW(net.parameters(), { lr: 0.01 }));
    const gradients = (net: Net, x: R.Tensor) => {
      const loss = R.mean(R.square(net.forward(x)));
      R.backward(loss);
      R.clipGradNorm(net.parameters(), 0.5);
      const found = net.parameters().map((parameter) => {
        const { grad } = parameter;
        parameter.grad = null;
        return grad;
      });
      return { loss: R.detach(loss), found };
    };
    const recorded = new R.Recorded((x: R.Tensor) => gradients(model, x), { modules: [model] });
    for (let seed = 0; seed < 6; seed++) {
      const x = image(seed);
      const losses = [model, copy].map((net, i) =>
        R.tidy(() => {
          const { loss, found } = i === 0 ? recorded.run(x) : gradients(net, x);
          net.parameters().forEach((parameter, k) => (parameter.grad = R.keep(found[k]!)));
          optimizers[i]!.step();
          optimizers[i]!.zeroGrad();
          return loss;
        }),
      );
      assert.equal(await list(losses[0]!), await list(losses[1]!));
      x.dispose();
    }
    assert.is(recorded.runs, 4);
    const copied = copy.stateDict();
    for (const [name, t] of model.stateDict())
      assert.equal([...(await t.data())], [...(await copied.get(name)!.data())], name);
    for (const held of [recorded, model, copy, ...optimizers]) held.dispose();
  });
});

type Rate = R.OptimizerOptions;
const optimizers: Record<string, (parameters: R.Parameter[]) => R.Optimizer<Rate & { momentum?: number }>> = {
  SGD: (p) => new R.SGD(p, { lr: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  AdamW: (p) => new R.AdamW(p, { lr: 0.01 }),
  RMSprop: (p) => new R.RMSprop(p, { lr: 0.01, momentum: 0.5 }),
  Lion: (p) => new R.Lion(p, { lr: 0.01 }),
};

/** A network with all that a training step changes. */
class Training {
  readonly model = net();
  readonly optimizer: R.Optimizer<Rate & { momentum?: number }>;
  readonly schedule: R.Scheduler;
  readonly average: R.ExponentialMovingAverage;

  constructor(make: (parameters: R.Parameter[]) => R.Optimizer<Rate & { momentum?: number }>) {
    this.optimizer = make(this.model.parameters());
    this.schedule = new R.Scheduler(this.optimizer, (step) => 1 / (1 + step));
    this.average = new R.ExponentialMovingAverage(this.model, 0.99);
  }

  step(x: R.Tensor): R.Tensor {
    const loss = R.mean(R.square(this.model.forward(x)));
    R.backward(loss);
    this.optimizer.step();
    this.optimizer.zeroGrad();
    this.average.update();
    this.schedule.step();
    return R.detach(loss);
  }

  /** Everything that a step changes, by name. */
  async state(): Promise<Record<string, number[]>> {
    const found: Record<string, number[]> = { steps: [this.schedule.steps, this.average.updates] };
    for (const part of ['model', 'average', 'optimizer'] as const) {
      for (const [name, value] of this[part].stateDict()) {
        found[`${part}.${name}`] = [...(value instanceof R.Tensor ? await value.data() : value.data)];
      }
    }
    return found;
  }

  dispose(): void {
    for (const held of [this.optimizer, this.average, this.model]) held.dispose();
  }
}

for (const [name, make] of Object.entries(optimizers)) {
  test(`a whole training step with ${name}, its schedule and averages, gives the same bits`, async () => {
    await leavesNothing(device, async () => {
      const [one, two] = [new Training(make), new Training(make)];
      const recorded = new R.Recorded((x: R.Tensor) => one.step(x), { modules: [one.model] });
      let runs = 0;
      for (let i = 0; i < 10; i++) {
        if (i === 5) for (const { optimizer } of [one, two]) optimizer.groups[0]!.lr = 0.02;
        if (i === 8) for (const { optimizer } of [one, two]) Object.assign(optimizer.groups[0]!, { weightDecay: 0.2 });
        const x = image(i);
        const losses = [recorded.run(x), R.tidy(() => two.step(x))];
        assert.equal(await list(losses[0]!), await list(losses[1]!), `loss ${i}`);
        assert.equal(await one.state(), await two.state(), `step ${i}`);
        x.dispose();
        // The first two steps, and what follows the change of a setting that is compiled into the launches, are not replays.
        if (i >= 2 && i !== 8) runs++;
        if (i < 8) assert.is(recorded.runs, runs, `step ${i}: ${recorded.problem}`);
      }
      assert.is(recorded.problem, null);
      for (const held of [recorded, one, two]) held.dispose();
    });
  });
}

test('a gradient that is left over is added to, as without a recording', async () => {
  const [one, two] = [new Training(optimizers['SGD']!), new Training(optimizers['SGD']!)];
  const recorded = new R.Recorded((x: R.Tensor) => one.step(x), { modules: [one.model] });
  const x = image(3);
  for (let i = 0; i < 5; i++) {
    if (i === 3) for (const { model } of [one, two]) model.last.weight.grad = R.keep(R.ones(model.last.weight.shape));
    recorded.run(x).dispose();
    R.tidy(() => two.step(x)).dispose();
    assert.equal(await one.state(), await two.state(), `step ${i}`);
  }
  assert.is(recorded.runs, 2);
  for (const held of [recorded, one, two, x]) held.dispose();
});

test('parameters that have taken other numbers of steps end a recording of their optimizer', async () => {
  const [one, two] = [new Training(optimizers['AdamW']!), new Training(optimizers['AdamW']!)];
  const recorded = new R.Recorded((x: R.Tensor) => one.step(x), { modules: [one.model] });
  const x = image(3);
  for (let i = 0; i < 6; i++) {
    if (i === 3) {
      for (const { optimizer } of [one, two]) {
        const state = new Map<string, R.Tensor | R.HostTensor>(optimizer.stateDict());
        state.set('0.steps', { shape: [], data: Float32Array.of(40) });
        optimizer.loadStateDict(state);
      }
    }
    recorded.run(x).dispose();
    R.tidy(() => two.step(x)).dispose();
    assert.equal(await one.state(), await two.state(), `step ${i}`);
  }
  for (const held of [recorded, one, two, x]) held.dispose();
});

const x = R.tensor([1, 2, 3]);
const weight = new R.Parameter(R.tensor([1, 2, 3]));

/** Subtracts a rate that grows with the number of the step. */
class Own extends R.Optimizer {
  protected readonly remembers = [];
  protected override update(updates: readonly Update[], { lr }: { lr: number }, step: () => number): void {
    for (const { parameter, gradient } of updates) R.axpby(gradient, parameter, -lr * step(), 1);
  }
}
const optimizer = new Own([weight], { lr: 0.5 });

let held: R.Tensor | null = null;
const unfit: Record<string, [() => R.Tensor, RegExp]> = {
  'draws random numbers': [() => R.mul(x, R.rand([3])), /stream of seeds/],
  'reads values': [
    () => {
      void R.add(x, 1).data();
      return R.mul(x, 2);
    },
    /reads values/,
  ],
  'keeps a tensor': [() => (held = R.keep(R.mul(x, 2))) && R.add(held, 1), /keeps tensors/],
  'leaves a gradient': [
    () => {
      weight.grad?.dispose();
      weight.grad = null;
      const y = R.sum(R.mul(weight, x));
      R.backward(y);
      return R.mul(weight.grad!, 1);
    },
    /keeps tensors/,
  ],
  'steps an optimizer of its own making': [
    () => {
      weight.grad = R.keep(R.ones([3]));
      optimizer.step();
      optimizer.zeroGrad();
      return R.noGrad(() => R.mul(weight, 1));
    },
    /optimizer whose launches/,
  ],
  'returns a part of the graph': [() => R.mul(weight, x), /part of a graph/],
  'returns its argument': [() => x, /did not make/],
};
for (const [name, [fn, problem]] of Object.entries(unfit)) {
  test(`a function that ${name} runs as usual`, async () => {
    R.manualSeed(1);
    R.write(weight, [1, 2, 3]);
    const recorded = new R.Recorded<[R.Tensor], R.Tensor>(() => fn());
    const found: number[][] = [];
    for (let i = 0; i < 4; i++) {
      found.push([...(await recorded.run(x).data())]);
      held?.dispose();
      held = null;
    }
    assert.is(recorded.runs, 0);
    assert.match(recorded.problem!, problem);
    optimizer.dispose();
    R.manualSeed(1);
    R.write(weight, [1, 2, 3]);
    for (let i = 0; i < 4; i++) {
      assert.equal(found[i], [...(await fn().data())]);
      held?.dispose();
      held = null;
    }
    assert.is(device.memory().recordedBytes, 0);
  });
}

test('memory that a recording reads is noticed when it goes', async () => {
  let factor = R.tensor([2, 3]);
  const recorded = new R.Recorded((x: R.Tensor) => R.mul(x, factor));
  const x = R.tensor([1, 1]);
  for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [2, 3]);
  assert.is(recorded.runs, 1);
  factor.dispose();
  factor = R.tensor([4, 5]);
  for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [4, 5]);
  assert.is(recorded.runs, 2);
  recorded.dispose();
});

test('values from the host are part of the recording, those of arguments of its key', async () => {
  const recorded = new R.Recorded((x: R.Tensor, factor: number) => R.mul(R.add(x, R.tensor([1, 2, 3])), factor));
  const x = R.tensor([1, 1, 1]);
  for (const factor of [2, 2, 2, 3, 3, 3, 2]) {
    assert.equal(await list(recorded.run(x, factor)), [2 * factor, 3 * factor, 4 * factor]);
  }
  assert.is(recorded.runs, 3);
  recorded.dispose();
});

test('recordings give way when memory is short', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    const recorded = new R.Recorded((x: R.Tensor) => R.sum(R.mul(R.add(x, 1), 2)));
    const x = R.ones([40_000]);
    for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [160_000]);
    assert.is(recorded.runs, 1);
    assert.ok(own.memory().recordedBytes > 2 ** 17);
    const large = R.ones([180_000]);
    assert.is(own.memory().recordedBytes, 0);
    large.dispose();
    assert.equal(await list(recorded.run(x)), [160_000]);
    x.dispose();
  });
});

test('buffers of different sizes, which do not fit at the same time, share memory', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    const work = (x: R.Tensor): R.Tensor =>
      R.tidy(() => {
        let total: R.Tensor = R.sum(x);
        for (const n of [60_000, 70_000, 80_000, 90_000, 100_000, 70_000]) {
          const part = R.tidy(() => R.sum(R.add(R.ones([n]), 0)));
          total = R.add(total, part);
        }
        return total;
      });
    const recorded = new R.Recorded((x: R.Tensor) => work(x));
    const x = R.ones([3]);
    for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [470_003]);
    assert.is(recorded.runs, 1);
    assert.ok(own.memory().recordedBytes < 2 ** 20);
  });
});

test('a function whose planned memory does not fit runs as without a recording', async () => {
  await withDevice({ memoryLimit: 650_000 }, async (own) => {
    // One large buffer, then three of more than half its size: the plan puts one of them in the memory of the large one.
    const recorded = new R.Recorded((x: R.Tensor) =>
      R.tidy(() => {
        const large = R.tidy(() => R.sum(R.ones([80_000])));
        const three = R.tidy(() => R.sum(R.add(R.ones([48_000]), R.ones([48_000]))));
        return R.add(R.add(large, three), R.sum(x));
      }),
    );
    const x = R.ones([3]);
    const before = own.memory();
    for (let i = 0; i < 4; i++) assert.equal(await list(recorded.run(x)), [176_003]);
    assert.is(recorded.runs, 0);
    assert.match(recorded.problem!, /memory/);
    const { bytes, tensors, recordedBytes, peakBytes } = own.memory();
    assert.equal([bytes, tensors, recordedBytes], [before.bytes, before.tensors, 0]);
    assert.ok(peakBytes <= 650_000, `${peakBytes}`);
    x.dispose();
    assert.is(own.memory().bytes, 0);
  });
});

test('a recording whose memory does not fit is an error, after which the function can be recorded', async () => {
  await withDevice({ memoryLimit: 2 ** 20 }, async (own) => {
    const recorded = new R.Recorded((x: R.Tensor) => R.tidy(() => R.sum(R.mul(R.add(x, 1), 2))));
    const x = R.ones([40_000]);
    assert.equal(await list(recorded.run(x)), [160_000]);
    const large = R.ones([180_000]);
    const before = own.memory().bytes;
    const error = await errorOf(() => recorded.run(x));
    assert.instance(error, R.GpuOutOfMemoryError);
    assert.match(error!.message, /a recorded function: .* would exceed the memory limit of 1.0 MiB/);
    assert.is(own.memory().bytes, before);
    assert.is(own.memory().recordedBytes, 0);
    large.dispose();
    for (let i = 0; i < 4; i++) assert.equal(await list(recorded.run(x)), [160_000]);
    assert.is(recorded.problem, null);
    assert.ok(recorded.runs > 0);
    recorded.dispose();
    x.dispose();
    assert.is(own.memory().bytes, 0);
  });
});

test('a replay that the driver rejects is reported like any launch, and ends the recording', async () => {
  await withDevice({}, async (own) => {
    const recorded = new R.Recorded((x: R.Tensor) => R.mul(R.add(x, 1), 2));
    const x = R.tensor([1, 2]);
    for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [4, 6]);
    const broken = own.gpu.createBuffer({
      size: 16,
      usage: bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST,
    });
    const foreign = R.fromBuffer(broken, [2], { device: own, copy: false });
    broken.destroy();
    const y = recorded.run(foreign);
    const error = await errorOf(() => y.data());
    assert.instance(error, R.GpuValidationError);
    assert.match(error!.message, /did not run either: add.*mul/s);
    assert.match((await errorOf(() => y.data()))!.message, /values were lost/);
    y.dispose();
    for (let i = 0; i < 3; i++) assert.equal(await list(recorded.run(x)), [4, 6]);
    assert.is(recorded.runs, 3);
  });
});

test('what is wrong with the arguments is said', async () => {
  assert.match((await errorOf(() => new R.Recorded(3 as never)))!.message, /fn/);
  assert.match((await errorOf(() => new R.Recorded(() => 1, { maximum: 0 })))!.message, /maximum is 0/);
  assert.match((await errorOf(() => new R.Recorded(() => 1, { modules: [1 as never] })))!.message, /expected a Module/);
  const recorded = new R.Recorded((x: R.Tensor) => R.mul(x, 2));
  const gone = R.ones([1]);
  gone.dispose();
  assert.instance(await errorOf(() => recorded.run(gone)), R.DisposedError);
});

test.run();
