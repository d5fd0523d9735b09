import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { relu } from '../../src/autograd/ops/unary.ts';
import { reshape, transpose } from '../../src/autograd/ops/shape.ts';
import { crossEntropy } from '../../src/autograd/ops/losses.ts';
import { maxPool2d } from '../../src/autograd/ops/pool2d.ts';
import { backward } from '../../src/autograd/tape.ts';
import { loadTorchvisionStateDict, toTorchvisionStateDict } from '../../src/weights/torchvision.ts';
import { clipGradNorm, clipGradValue } from '../../src/nn/clip.ts';
import { ExponentialMovingAverage } from '../../src/nn/ema.ts';
import { Conv2d, Linear } from '../../src/nn/layers.ts';
import { BatchNorm2d } from '../../src/nn/norm.ts';
import { Module, Parameter, readStateDict, type HostTensor } from '../../src/nn/module.ts';
import { Adam, AdamW, SGD, type Optimizer } from '../../src/nn/optim.ts';
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
import { keep, tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { floats, hashUniform, readFixture, toNhwc, type Encoded } from '../golden/read.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

interface Fixture {
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly optimisers: readonly {
    readonly name: string;
    readonly kind: 'SGD' | 'Adam' | 'AdamW';
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
const optimizers = { SGD, Adam, AdamW };
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
      /state 7\.m \[1\] does not fit any parameter/,
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
  assert.throws(() => new SGD([a, a], { lr: 1 }), /a parameter is in two groups/);
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

test.run();
