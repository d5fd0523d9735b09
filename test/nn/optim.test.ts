import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../src/autograd/ops/unary.ts';
import { reshape, transpose } from '../../src/autograd/ops/shape.ts';
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.ts';
import { maxPool2d } from '../../src/autograd/ops/pool2d.ts';
import { backward } from '../../src/autograd/tape.ts';
import { loadTorchvisionStateDict, toTorchvisionStateDict } from '../../src/weights/torchvision.ts';
import { clipGradNorm, clipGradValue } from '../../src/nn/clip.ts';
import { ExponentialMovingAverage } from '../../src/nn/ema.ts';
import { Conv2d, Linear } from '../../src/nn/layers.ts';
import { BatchNorm2d } from '../../src/nn/norm.ts';
import { Module, Parameter, readStateDict, type HostTensor } from '../../src/nn/module.ts';
import { Adam, AdamW, Lion, RMSprop, SGD, type Optimizer } from '../../src/nn/optim.ts';
import {
  cosine,
  exponential,
  linearWarmup,
  multiStepDecay,
  oneCycle,
  ReduceOnPlateau,
  Scheduler,
  stepDecay,
  type Schedule,
} from '../../src/nn/schedule.ts';
import { tensor, write } from '../../src/tensor/create.ts';
import { setDefaultDevice } from '../../src/tensor/device.ts';
import { keep, tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { floats, hashUniform, readFixture, toNhwc, type Encoded } from '../golden/read.ts';
import { lion } from '../reference/optim.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';

interface Fixture {
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly optimisers: readonly {
    readonly name: string;
    readonly kind: 'SGD' | 'Adam' | 'AdamW' | 'RMSprop';
    readonly options: Record<string, never>;
    readonly steps: readonly Encoded[];
  }[];
  readonly schedules: readonly {
    readonly name: string;
    readonly options: Record<string, number>;
    readonly baseLr: number;
    readonly lr: readonly number[];
    readonly metrics?: readonly number[];
  }[];
  readonly clipping: readonly {
    readonly kind: 'norm' | 'value';
    readonly limit: number;
    readonly normType: 2 | 'inf';
    readonly total: number;
    readonly gradients: readonly Encoded[];
  }[];
  readonly training: {
    readonly input: { readonly name: string; readonly shape: readonly number[] };
    readonly targets: readonly number[];
    readonly initial: readonly { name: string; shape: readonly number[]; scale: number; centre: number }[];
    readonly losses: readonly number[];
    readonly final: Readonly<Record<string, Encoded>>;
    readonly evalOutput: Encoded;
  };
}

const device = await testDevice();
const fixture = readFixture<Fixture>('optim');
const optimizers = { SGD, Adam, AdamW, RMSprop };
const camel = (name: string): string => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());

function makeParameters(): Parameter[] {
  return fixture.parameters.map(({ name, shape }) => new Parameter(tensor(hashUniform(name, shape), { shape })));
}

for (const { name, kind, options, steps } of fixture.optimisers) {
  test(`ten steps of ${name} are PyTorch's`, async () => {
    await leavesNothing(device, async () => {
      const parameters = makeParameters();
      const own = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
      const optimizer = new optimizers[kind](parameters, own as unknown as { lr: number }) as Optimizer;
      for (let step = 0; step < 10; step++) {
        parameters.forEach((parameter, i) => {
          const { name, shape } = fixture.parameters[i]!;
          parameter.grad = keep(tensor(hashUniform(`${name}.grad.${step}`, shape), { shape }));
        });
        optimizer.step();
        optimizer.zeroGrad();
        for (const [i, parameter] of parameters.entries()) {
          const expected = floats(steps[i]!).subarray(step * parameter.size, (step + 1) * parameter.size);
          assertClose(await parameter.data(), expected, {
            tolerance: { relative: 2e-6, absolute: 1e-6 },
            label: `step ${step}`,
          });
        }
      }
      optimizer.dispose();
      for (const parameter of parameters) parameter.dispose();
    });
  });
}

test('ten steps of Lion are those of the reference', async () => {
  await leavesNothing(device, async () => {
    const parameters = makeParameters();
    const options = { betas: [0.8, 0.95], weightDecay: 0.1 } as const;
    const optimizer = new Lion(parameters, { lr: 0.01, ...options });
    const expected = fixture.parameters.map(({ name, shape }) => Float64Array.from(hashUniform(name, shape)));
    const steps = expected.map((values) => lion(values, { learningRate: 0.01, ...options }));
    for (let step = 0; step < 10; step++) {
      parameters.forEach((parameter, i) => {
        const { name, shape } = fixture.parameters[i]!;
        const values = hashUniform(`${name}.grad.${step}`, shape);
        parameter.grad = keep(tensor(values, { shape }));
        steps[i]!(values);
      });
      optimizer.step();
      optimizer.zeroGrad();
      for (const [i, parameter] of parameters.entries()) {
        const tolerance = { relative: 2e-6, absolute: 1e-6 };
        assertClose(await parameter.data(), expected[i]!, { tolerance, label: `step ${step}` });
      }
    }
    parameters[0]!.grad = keep(tensor(new Float32Array(12).fill(NaN), { shape: [3, 4] }));
    optimizer.step();
    assert.ok((await parameters[0]!.data()).every(Number.isNaN));
    for (const used of [optimizer, ...parameters]) used.dispose();
  });
});

const schedules: Record<string, (o: Record<string, number>) => Schedule> = {
  step: (o) => stepDecay({ every: o['step_size']!, gamma: o['gamma']! }),
  'multi-step': (o) => multiStepDecay({ at: o['milestones'] as unknown as number[], gamma: o['gamma']! }),
  cosine: (o) => cosine({ steps: o['T_max']!, floor: o['eta_min']! / 0.2 }),
  'one-cycle': (o) => oneCycle({ steps: o['total_steps']! }),
  warmup: (o) => linearWarmup({ steps: o['total_iters']!, start: o['start_factor']! }),
  'warmup-default': () => linearWarmup({ steps: 5 }),
};
for (const { name, options, baseLr, lr } of fixture.schedules) {
  const make = schedules[name];
  if (make === undefined) continue;
  test(`the learning rates of ${name} are PyTorch's`, () => {
    const parameters = makeParameters();
    const optimizer = new SGD(parameters, { lr: options['max_lr'] ?? baseLr });
    const scheduler = new Scheduler(optimizer, make(options));
    const rates = lr.map(() => {
      const rate = optimizer.groups[0]!.lr;
      scheduler.step();
      return rate;
    });
    assertClose(rates, lr, { tolerance: { relative: 1e-6 }, label: 'rates' });
    for (const parameter of parameters) parameter.dispose();
  });
}

test("the rates of a plateau schedule are PyTorch's", () => {
  const { options, baseLr, lr, metrics } = fixture.schedules.find(({ name }) => name === 'plateau')!;
  const parameters = makeParameters();
  const optimizer = new SGD(parameters, { lr: baseLr });
  const plateau = new ReduceOnPlateau(optimizer, { factor: options['factor']!, patience: options['patience']! });
  const rates = metrics!.map((metric) => {
    const rate = optimizer.groups[0]!.lr;
    plateau.step(metric);
    return rate;
  });
  assertClose(rates, lr, { tolerance: { relative: 1e-6 }, label: 'rates' });
  for (const parameter of parameters) parameter.dispose();
});

for (const { kind, limit, normType, total, gradients } of fixture.clipping) {
  if (normType === 'inf') continue;
  test(`clipping by ${kind} to ${limit} is PyTorch's`, async () => {
    await leavesNothing(device, async () => {
      const parameters = makeParameters();
      parameters.forEach((parameter, i) => {
        const { name, shape } = fixture.parameters[i]!;
        parameter.grad = keep(tensor(hashUniform(`${name}.clip`, shape), { shape }));
      });
      if (kind === 'norm') {
        const norm = clipGradNorm(parameters, limit);
        assertClose([await norm.item()], [total], { tolerance: { relative: 1e-6 }, label: 'norm' });
        norm.dispose();
      } else {
        clipGradValue(parameters, limit);
      }
      for (const [i, parameter] of parameters.entries()) {
        assertClose(await parameter.grad!.data(), floats(gradients[i]!), {
          tolerance: { relative: 2e-6 },
          label: 'gradient',
        });
        parameter.dispose();
      }
    });
  });
}

class Small extends Module {
  readonly conv = new Conv2d(3, 6, { kernel: 3, padding: 1 });
  readonly bn = new BatchNorm2d(6);
  readonly fc = new Linear(96, 5);

  forward(x: Tensor): Tensor {
    return tidy(() => {
      const features = maxPool2d(relu(this.bn.forward(this.conv.forward(x))), { kernel: 2 });
      // PyTorch flattens channels first.
      return this.fc.forward(reshape(transpose(features, [0, 3, 1, 2]), [x.shape[0]!, -1]));
    });
  }
}

test("ten steps of training a small network are PyTorch's", async () => {
  await leavesNothing(device, async () => {
    const { input, targets, initial, losses, final, evalOutput } = fixture.training;
    const net = new Small();
    const weights = initial.map(({ name, shape, scale, centre }): [string, HostTensor] => [
      name.slice('small.'.length),
      { shape, data: hashUniform(name, shape, 0, scale, centre) },
    ]);
    loadTorchvisionStateDict(net, new Map(weights), { strict: false });
    const [n, c, h, w] = input.shape as [number, number, number, number];
    const x = tensor(toNhwc(hashUniform(input.name, input.shape), input.shape), { shape: [n, h, w, c] });
    const y = tensor(Int32Array.from(targets));
    const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 });
    for (const expected of losses) {
      const loss = tidy(() => {
        const loss = crossEntropy(net.forward(x), y);
        backward(loss);
        optimizer.step();
        optimizer.zeroGrad();
        return loss;
      });
      assertClose([await loss.item()], [expected], { tolerance: { relative: 1e-5 }, label: 'loss' });
      loss.dispose();
    }
    const state = toTorchvisionStateDict(await readStateDict(net.stateDict()));
    for (const [name, value] of Object.entries(final)) {
      assertClose(state.get(name)!.data, floats(value), { tolerance: { relative: 1e-5, absolute: 1e-5 }, label: name });
    }
    net.eval();
    const output = net.forward(x);
    assertClose(await output.data(), floats(evalOutput), {
      tolerance: { relative: 1e-4, absolute: 1e-4 },
      label: 'output',
    });
    for (const used of [output, x, y]) used.dispose();
    optimizer.dispose();
    net.dispose();
  });
});

test('the state of an optimiser continues another one exactly', async () => {
  await leavesNothing(device, async () => {
    const [a, b] = [makeParameters(), makeParameters()];
    const feed = (parameters: Parameter[], step: number): void =>
      parameters.forEach((parameter) => {
        const values = hashUniform(`resume.${step}`, parameter.shape);
        parameter.grad = keep(tensor(values, { shape: parameter.shape }));
      });
    const first = new AdamW(a, { lr: 0.1 });
    for (let step = 0; step < 3; step++) {
      feed(a, step);
      first.step();
      first.zeroGrad();
    }
    const second = new AdamW(b, { lr: 0.1 });
    const saved = new Map<string, HostTensor>();
    for (const [name, value] of first.stateDict()) {
      saved.set(name, {
        shape: value.shape,
        data: value.data instanceof Float32Array ? value.data : ((await (value as Tensor).data()) as Float32Array),
      });
    }
    second.loadStateDict(saved);
    for (const [i, parameter] of b.entries()) write(parameter, await a[i]!.data());
    for (const [optimizer, parameters] of [
      [first, a],
      [second, b],
    ] as const) {
      feed(parameters, 3);
      optimizer.step();
      optimizer.zeroGrad();
    }
    for (const [i, parameter] of b.entries()) assert.equal(await parameter.data(), await a[i]!.data());
    assert.throws(
      () => second.loadStateDict(new Map([['7.m', { shape: [1], data: Float32Array.of(1) }]])),
      /AdamW: state 7\.m does not belong to any of the 2 parameters/,
    );
    for (const optimizer of [first, second]) optimizer.dispose();
    for (const parameter of [...a, ...b]) parameter.dispose();
  });
});

test('groups have settings of their own, and bad settings are refused', async () => {
  const [a, b] = makeParameters() as [Parameter, Parameter];
  const before = await b.data();
  for (const parameter of [a, b])
    parameter.grad = keep(tensor(hashUniform('g', parameter.shape), { shape: parameter.shape }));
  const optimizer = new SGD([{ parameters: [a] }, { parameters: [b], lr: 0 }], { lr: 0.5 });
  assert.equal(
    optimizer.groups.map((group) => group.lr),
    [0.5, 0],
  );
  optimizer.step();
  assert.equal(await b.data(), before);
  assert.throws(
    () => new SGD([{ parameters: [a] }, { parameters: [a] }], { lr: 1 }),
    /^SGD: a parameter is in two groups$/,
  );
  assert.throws(() => new SGD([], { lr: 1 }), /no parameters/);
  assert.throws(() => new SGD([a], { lr: Number.NaN }), /lr is NaN/);
  assert.throws(() => new SGD([a], { lr: 1, nesterov: true }), /nesterov needs momentum/);
  optimizer.dispose();
  a.dispose();
  b.dispose();
});

test('clipping leaves finite gradients finite when others are not', async () => {
  await leavesNothing(device, async () => {
    for (const broken of [Number.NaN, Infinity]) {
      const [a, b] = [
        [3, 4],
        [broken, 1],
      ].map((values) => {
        const parameter = new Parameter(tensor([0, 0]));
        parameter.grad = keep(tensor(values));
        return parameter;
      }) as [Parameter, Parameter];
      const norm = clipGradNorm([a, b], 1);
      assert.not.ok(Number.isFinite(await norm.item()));
      assert.ok((await a.grad!.data()).every(Number.isFinite));
      assert.not.ok(Number.isFinite((await b.grad!.data())[0]!));
      norm.dispose();
      for (const parameter of [a, b]) {
        parameter.grad!.dispose();
        parameter.dispose();
      }
    }
  });
});

test('the moving average leaves out what is constant, bit for bit', async () => {
  await leavesNothing(device, async () => {
    const layer = new Linear(40, 3);
    const before = await layer.weight.data();
    const ema = new ExponentialMovingAverage(layer, 0.7, { constant: new Set([layer.weight]) });
    for (let i = 0; i < 5; i++) {
      write(layer.bias!, [i, i, i]);
      ema.update();
    }
    assert.equal(await ema.stateDict().get('weight')!.data(), before);
    const decays = [1, 2, 3, 4, 5].map((n) => Math.min(0.7, (1 + n) / (10 + n)));
    const bias = await ema.stateDict().get('bias')!.data();
    const expected = decays.slice(1).reduce((average, decay, i) => decay * average + (1 - decay) * (i + 1), 0);
    // The first average holds the initial bias to the share of the first decays only.
    const initial = decays.reduce((a, b) => a * b, 1);
    assert.ok(Math.abs(bias[0]! - expected) <= initial, `${bias[0]} ${expected}`);
    ema.dispose();
    layer.dispose();
  });
});

test('an exponential schedule rises by the same factor each step', () => {
  const schedule = exponential({ steps: 5, ratio: 1e4 });
  assertClose([0, 1, 2, 3, 4, 9].map(schedule), [1, 10, 100, 1000, 1e4, 1e4], {
    tolerance: { relative: 1e-12 },
    label: 'rates',
  });
  assert.is(exponential({ steps: 1, ratio: 7 })(0), 1);
  assert.throws(() => exponential({ steps: 5, ratio: -1 }), /ratio is -1/);
});

test('the moving average follows the weights, and swapping twice changes nothing', async () => {
  await leavesNothing(device, async () => {
    const layer = new Linear(1, 1);
    write(layer.weight, [0]);
    const ema = new ExponentialMovingAverage(layer, 0.5);
    write(layer.weight, [1]);
    ema.update(); // The decay starts at 2 / 11.
    ema.swap();
    assertClose(await layer.weight.data(), [9 / 11], { tolerance: { relative: 1e-6 }, label: 'average' });
    ema.swap();
    assert.equal([...(await layer.weight.data())], [1]);
    ema.dispose();
    layer.dispose();
  });
});

test('an optimiser counts a parameter that is listed twice in a group once', async () => {
  await leavesNothing(device, async () => {
    const [p, q] = [new Parameter(tensor([1, 2])), new Parameter(tensor([1, 2]))];
    const [twice, once] = [new SGD([p, p], { lr: 0.5, momentum: 0.9 }), new SGD([q], { lr: 0.5, momentum: 0.9 })];
    for (const [optimizer, parameter] of [
      [twice, p],
      [once, q],
    ] as const) {
      for (let i = 0; i < 2; i++) {
        parameter.grad = keep(tensor([1, -1]));
        optimizer.step();
        optimizer.zeroGrad();
      }
    }
    assert.equal(await p.data(), await q.data());
    for (const used of [twice, once, p, q]) used.dispose();
  });
});

test('gradients of parameters that are listed twice are clipped once', async () => {
  await leavesNothing(device, async () => {
    const p = new Parameter(tensor([0, 0]));
    p.grad = keep(tensor([3, 4]));
    const norm = clipGradNorm([p, p], 1);
    assertClose([await norm.item()], [5], { tolerance: { relative: 1e-6 }, label: 'norm' });
    assertClose(await p.grad.data(), [0.6, 0.8], { tolerance: { relative: 1e-5 }, label: 'gradient' });
    clipGradValue([p, p], 0.7);
    assertClose(await p.grad.data(), [0.6, 0.7], { tolerance: { relative: 1e-5 }, label: 'gradient' });
    norm.dispose();
    p.dispose();
  });
});

test('the average of tied weights is one, and swapping twice restores them', async () => {
  await leavesNothing(device, async () => {
    const shared = new Linear(1, 1, { bias: false });
    write(shared.weight, [1]);
    const tied = new (class extends Module {
      readonly a = shared;
      readonly b = shared;
    })();
    const ema = new ExponentialMovingAverage(tied, 0.5);
    write(shared.weight, [100]);
    ema.swap();
    assert.equal([...(await shared.weight.data())], [1]);
    ema.swap();
    assert.equal([...(await shared.weight.data())], [100]);
    ema.update(); // The decay starts at 2 / 11.
    ema.swap();
    const expected = 1 + (99 * 9) / 11;
    assertClose(await shared.weight.data(), [expected], { tolerance: { relative: 1e-6 }, label: 'average' });
    assert.equal([...ema.stateDict().keys()], ['a.weight', 'b.weight']);
    ema.dispose();
    tied.dispose();
  });
});

test('an average refuses a module that has changed since', () => {
  const module = new (class extends Module {
    layer = new Linear(1, 1, { bias: false });
  })();
  const ema = new ExponentialMovingAverage(module, 0.5);
  module.layer.dispose();
  module.layer = new Linear(2, 1, { bias: false });
  assert.throws(
    () => ema.update(),
    /ExponentialMovingAverage: layer\.weight was added to the module, removed or replaced/,
  );
  ema.dispose();
  module.dispose();
});

test('the memory of an optimiser lives where its parameters do', async () => {
  await withDevice({}, async (other) => {
    const elsewhere = new Parameter(tensor([1, 2], { device: other }));
    setDefaultDevice(device);
    const before = device.memory().tensors;
    const optimizer = new AdamW([elsewhere], { lr: 0.1 });
    elsewhere.grad = keep(tensor([1, -1], { device: other }));
    optimizer.step();
    assertClose(await elsewhere.data(), [0.899, 2.098], { tolerance: { relative: 1e-5 }, label: 'parameter' });
    assert.is(device.memory().tensors, before);
    optimizer.dispose();
  });
});

test('a state of another optimiser is refused whole', async () => {
  await leavesNothing(device, async () => {
    const parameters = makeParameters();
    const [sgd, adam] = [new SGD(parameters, { lr: 0.1, momentum: 0.9 }), new Adam(parameters, { lr: 0.1 })];
    for (const optimizer of [sgd, adam]) {
      for (const parameter of parameters)
        parameter.grad = keep(tensor(hashUniform('g', parameter.shape), { shape: parameter.shape }));
      optimizer.step();
      optimizer.zeroGrad();
    }
    const state = await readStateDict(adam.stateDict());
    const refused = (change: (state: Map<string, HostTensor>) => void, message: RegExp): void => {
      const broken = new Map(state);
      change(broken);
      assert.throws(() => adam.loadStateDict(broken), message);
    };
    const momenta = await readStateDict(sgd.stateDict());
    assert.throws(
      () => adam.loadStateDict(momenta),
      /^Adam: state 0\.m is missing: it may be of another kind of optimiser$/,
    );
    assert.throws(() => sgd.loadStateDict(state), /SGD: state 0\.momentum is missing/);
    refused((s) => s.delete('1.v'), /Adam: state 1\.v is missing/);
    refused(
      (s) => s.set('1.momentum', s.get('1.m')!),
      /1\.momentum is of another kind of optimiser, expected steps, m, v/,
    );
    for (const steps of [-1, 0.5, NaN]) {
      refused(
        (s) => s.set('1.steps', { shape: [], data: Float32Array.of(steps) }),
        new RegExp(`Adam: state 1\\.steps: it is ${steps}, expected an integer >= 0`),
      );
    }
    refused((s) => s.set('1.v', { shape: [4], data: new Float32Array(3) }), /1\.v: expected 4 values, got 3/);
    refused((s) => s.set('1.v', { shape: [3], data: new Float32Array(3) }), /1\.v: expected \[4\], got \[3\]/);
    refused(
      (s) => s.set('1.v', { shape: [4], data: new Int32Array(4) } as unknown as HostTensor),
      /1\.v: expected a Float32Array, got Int32Array/,
    );
    refused((s) => s.set('01.v', s.get('1.v')!), /01\.v does not belong to any of the 2 parameters/);
    assert.equal(await readStateDict(adam.stateDict()), state);
    // A parameter that the state does not have has taken no step.
    adam.loadStateDict(new Map([...state].filter(([name]) => name.startsWith('0.'))));
    assert.is(adam.stateDict().has('1.steps'), false);
    const other = new Adam(parameters, { lr: 0.1 });
    other.loadStateDict(adam.stateDict());
    assert.equal(await readStateDict(other.stateDict()), await readStateDict(adam.stateDict()));
    for (const used of [sgd, adam, other, ...parameters]) used.dispose();
  });
});

test('a gradient of another shape is refused before anything changes', async () => {
  await leavesNothing(device, async () => {
    const [p, q] = [new Parameter(tensor([1, 2])), new Parameter(tensor([1, 2, 3]))];
    p.grad = keep(tensor([1, 1]));
    q.grad = keep(tensor([1]));
    const optimizer = new SGD([p, q], { lr: 1 });
    assert.throws(
      () => optimizer.step(),
      /^SGD: gradient \[1\] and parameter \[3\] differ in shape, expected the same$/,
    );
    assert.equal([...(await p.data())], [1, 2]);
    for (const used of [optimizer, p, q]) used.dispose();
  });
});

test('optimisers refuse what is no parameter', () => {
  const layer = new Linear(1, 1);
  const make = (parameters: unknown) => () => new SGD(parameters as Parameter[], { lr: 1 });
  assert.throws(make(layer), /^SGD: parameters are .*, expected for example module\.parameters\(\)$/);
  assert.throws(make([layer.weight, 1]), /^SGD: a parameter is 1, expected a tensor$/);
  assert.throws(() => new Adam([layer.weight], { lr: 1, betas: [0.9, 1] }), /Adam: betas\[1\] is 1, expected/);
  assert.throws(() => new SGD([layer.weight], { lr: 1, momentum: NaN }), /SGD: momentum is NaN/);
  layer.dispose();
});

/** Rates of 30 steps, with an evaluation after every third, and a pause in which everything is made anew. */
function ratesOf(pauseAt: number): number[] {
  const metrics = [1, 0.8, 0.8, 0.9, 0.7, 0.7, 0.7, 0.7, 0.6, 0.6];
  const make = () => {
    const optimizer = { groups: [{ lr: 0.3 }, { lr: 0.07 }] };
    const scheduler = new Scheduler(optimizer, oneCycle({ steps: 40 }));
    return { optimizer, scheduler, plateau: new ReduceOnPlateau(optimizer, { factor: 0.3, patience: 1 }) };
  };
  let run = make();
  const rates: number[] = [];
  for (let step = 0; step < 30; step++) {
    if (step === pauseAt) {
      const [scheduler, plateau] = [run.scheduler.stateDict(), run.plateau.stateDict()];
      run = make();
      const load = [
        () => run.scheduler.loadStateDict(JSON.parse(JSON.stringify(scheduler)) as typeof scheduler),
        () => run.plateau.loadStateDict(JSON.parse(JSON.stringify(plateau)) as typeof plateau),
      ];
      if (step % 2 === 1) load.reverse();
      for (const one of load) one();
    }
    rates.push(...run.optimizer.groups.map(({ lr }) => lr));
    run.scheduler.step();
    if (step % 3 === 2) run.plateau.step(metrics[(step - 2) / 3]!);
  }
  return rates;
}

test('schedules and plateaus resume exactly, and keep each other', () => {
  const rates = ratesOf(-1);
  for (let pauseAt = 0; pauseAt < 30; pauseAt++) assert.equal(ratesOf(pauseAt), rates);
  const plain = { groups: [{ lr: 0.3 }] };
  const scheduler = new Scheduler(plain, oneCycle({ steps: 40 }));
  for (let step = 0; step < 29; step++) scheduler.step();
  // Reduced twice.
  assertClose([rates.at(-2)!], [plain.groups[0]!.lr * 0.3 ** 2], { tolerance: { relative: 1e-12 }, label: 'rate' });
});

test('states of schedules that do not fit are refused', () => {
  const optimizer = { groups: [{ lr: 0.3 }] };
  const scheduler = new Scheduler(optimizer, cosine({ steps: 9 }));
  const plateau = new ReduceOnPlateau(optimizer);
  const state = scheduler.stateDict();
  assert.throws(() => scheduler.loadStateDict({ ...state, steps: 1.5 }), /Scheduler: steps of the state is 1\.5/);
  assert.throws(
    () => scheduler.loadStateDict({ ...state, base: [1, 2] }),
    /base of the state has 2 values, expected 1/,
  );
  assert.throws(() => scheduler.loadStateDict({ ...state, rates: [NaN] }), /rates\[0\] of the state is NaN/);
  assert.throws(() => plateau.loadStateDict({ ...plateau.stateDict(), bad: -1 }), /bad of the state is -1/);
  assert.throws(() => new ReduceOnPlateau(optimizer, { factor: 1 }), /factor is 1, expected a number > 0 and < 1/);
  assert.equal(scheduler.stateDict(), state);
});

test.run();
