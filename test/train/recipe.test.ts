import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, RetinaNet, stepDecay, type Tensor } from '../../src/index.ts';
import { makeOptimizer, makeSchedule, type RecipeOptions } from '../../src/train/recipe.ts';
import { startingRate } from '../../src/train/starting-rate.ts';
import { keep } from '../../src/tensor/scope.ts';
import { tensor } from '../../src/tensor/create.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { tinySpec } from './support.ts';

const device = await testDevice();

/** Fails unless a schedule gives the rates of a closed form at every step. */
function assertRates(total: number, options: RecipeOptions, form: (step: number) => number): void {
  const schedule = makeSchedule(total, options);
  const steps = Array.from({ length: total }, (_, step) => step);
  assertClose(steps.map(schedule), steps.map(form), { tolerance: { relative: 1e-9, absolute: 1e-12 }, label: 'rates' });
}

/** A line through (0, 1 / 1000) and (steps, 1). */
const rise = (step: number, steps: number): number => 0.001 + (0.999 * step) / steps;

test('cosine rises along a line and falls along half a cosine', () => {
  const form = (step: number): number => (step < 10 ? rise(step, 10) : Math.cos((Math.PI * (step - 10)) / 180) ** 2);
  assertRates(100, { schedule: 'cosine', warmup: 10 }, form);
  assertRates(100, { schedule: 'cosine', warmup: 0.1 }, form);
  assertRates(50, { schedule: 'cosine', warmup: 0 }, (step) => Math.cos((Math.PI * step) / 100) ** 2);
  assertRates(8, { schedule: 'cosine', warmup: 8 }, (step) => rise(step, 8));
});

test("multi-step is torchvision's: a tenth from epochs 16 and 22 of 26, after a warm-up", () => {
  const perEpoch = 7;
  assertRates(26 * perEpoch, { schedule: 'multi-step', warmup: perEpoch }, (step) => {
    if (step < perEpoch) return rise(step, perEpoch);
    const epoch = Math.floor(step / perEpoch);
    return epoch < 16 ? 1 : epoch < 22 ? 0.1 : 0.01;
  });
  assertRates(10, { schedule: 'multi-step', warmup: 0, milestones: [0.5] }, (step) => (step < 5 ? 1 : 0.1));
});

test('constant is 1, after a warm-up if there is one', () => {
  assertRates(9, { schedule: 'constant' }, () => 1);
  assertRates(9, { schedule: 'constant', warmup: 3 }, (step) => Math.min(1, rise(step, 3)));
});

test('one-cycle is a finite rate at every step, for any number of steps', () => {
  for (let total = 1; total <= 40; total++) {
    for (const warmup of [0, 0.2, 0.5, 1, total]) {
      const schedule = makeSchedule(total, { warmup });
      const rates = Array.from({ length: total }, (_, step) => schedule(step));
      assert.ok(
        rates.every((rate) => rate > 0 && rate <= 1),
        `${total} steps, warmup ${warmup}: ${rates.join(' ')}`,
      );
    }
  }
  // A warm-up of a fifth of five steps: the first step is the peak.
  assert.is(makeSchedule(5, {})(0), 1);
});

test('one cycle starts at a 25th, peaks once and ends at a 250,000th', () => {
  const schedule = makeSchedule(101, { warmup: 0.2 });
  assertClose([schedule(0), schedule(100)], [1 / 25, 1 / 250_000], { tolerance: { relative: 1e-9 }, label: 'ends' });
  const rates = Array.from({ length: 101 }, (_, step) => schedule(step));
  const peak = rates.indexOf(Math.max(...rates));
  assert.ok(rates.every((rate, i) => i === 0 || (i <= peak ? rate > rates[i - 1]! : rate < rates[i - 1]!)));
  assert.ok(Math.abs(peak - 0.2 * 101 + 1) <= 1);
});

test('a custom schedule is used unchanged', () => {
  const own = stepDecay({ every: 2, gamma: 0.5 });
  assert.is(makeSchedule(9, { schedule: own }), own);
  assert.throws(() => makeSchedule(9, { schedule: own, warmup: 2 }), /warmup is for named schedules/);
});

test('the groups have their rates and decays, and one step of SGD is the closed form', async () => {
  await leavesNothing(device, async () => {
    manualSeed(1);
    const model = new RetinaNet(1, tinySpec());
    model.backbone.body.conv1.freeze();
    const decay = 0.25;
    const optimizer = makeOptimizer(model, {
      optimizer: 'sgd',
      learningRate: 0.5,
      backboneRate: 0.1,
      weightDecay: decay,
    });
    assert.equal(
      optimizer.groups.map(({ lr, weightDecay }) => [lr, weightDecay]),
      [
        [0.5, decay],
        [0.5, 0],
        [0.05, decay],
        [0.05, 0],
      ],
    );
    const grouped = new Set<Tensor>(optimizer.groups.flatMap(({ parameters }) => parameters));
    const before = new Map<string, Float32Array>();
    for (const [name, parameter] of model.namedParameters()) {
      assert.is(grouped.has(parameter), name !== 'backbone.body.conv1.weight', name);
      before.set(name, Float32Array.from(await parameter.data()));
      parameter.grad = keep(tensor(new Float32Array(parameter.size).fill(1), { shape: parameter.shape }));
    }
    // Momentum of 0.9: after two steps of the same gradient the second direction is 1.9 of it.
    optimizer.step();
    optimizer.zeroGrad();
    for (const [name, parameter] of model.namedParameters()) {
      const rate = name === 'backbone.body.conv1.weight' ? 0 : name.startsWith('backbone.body.') ? 0.05 : 0.5;
      const shrink = parameter.shape.length > 1 ? decay : 0;
      const expected = before.get(name)!.map((w) => w - rate * (1 + shrink * w));
      assertClose(await parameter.data(), expected, { tolerance: { relative: 1e-5, absolute: 1e-6 }, label: name });
      parameter.grad?.dispose();
      parameter.grad = null;
    }
    optimizer.dispose();
    model.dispose();
  });
});

test('AdamW with the rate for the network is the default; invalid options are rejected', () => {
  const model = new RetinaNet(1, tinySpec());
  const adam = makeOptimizer(model, { batchSize: 8, accumulate: 2 });
  const rate = startingRate({ optimizer: 'adamw', width: 8, images: 16, isPretrained: false });
  assert.equal(
    adam.groups.map(({ lr }) => lr),
    [rate, rate, rate, rate],
  );
  for (const [options, reason] of [
    [{ optimizer: 'adam' }, /optimizer is "adam", expected one of adamw, sgd/],
    [{ learningRate: Number.NaN }, /learningRate is NaN/],
    [{ backboneRate: -1 }, /backboneRate is -1/],
    [{ weightDecay: -1 }, /weightDecay is -1/],
    [{ optimizer: 'sgd', momentum: 1 }, /momentum is 1, expected a number >= 0 and < 1/],
  ] as const) {
    assert.throws(() => makeOptimizer(model, options as RecipeOptions), reason);
  }
  for (const [options, reason] of [
    [{ schedule: 'linear' }, /schedule is "linear", expected one of one-cycle, cosine, multi-step, constant/],
    [{ warmup: 1.5 }, /warmup is 1.5/],
    [{ warmup: 11 }, /warmup is 11, expected a fraction of the steps < 1 or an integer <= 10/],
    [{ warmup: -0.1 }, /warmup is -0.1/],
    [{ schedule: 'multi-step', milestones: [16, 22] }, /milestones\[0\] is 16, expected a number > 0 and < 1/],
  ] as const) {
    assert.throws(() => makeSchedule(10, options as unknown as RecipeOptions), reason);
  }
  model.dispose();
});

test.run();
