import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manualSeed, RetinaNet } from '../../src/index.ts';
import { findLearningRate, suggest, type RatePoint } from '../../src/train/find-learning-rate.ts';
import { assertClose } from '../support/compare.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { changedNames, squares, tinySpec, valuesOf } from './support.ts';

const device = await testDevice();
const indices = [0, 1, 2, 3, 4, 5];

/** A sweep from 1e-6 to 1 with a loss that is a function of the logarithm of the rate. */
const sweep = (loss: (log10: number) => number, steps = 121): RatePoint[] =>
  Array.from({ length: steps }, (_, i) => {
    const log10 = -6 + (6 * i) / (steps - 1);
    return { learningRate: 10 ** log10, loss: loss(log10) };
  });

test('the suggestion is the smaller of the steepest fall and a tenth of the minimum', () => {
  // Falls as a sigmoid, steepest at 1e-4, and rises from 1e-1 on: the minimum is there.
  const early = suggest(
    sweep((x) => 2 - 1 / (1 + Math.exp(-4 * (x + 4))) - 0.01 * x + Math.max(0, x + 1) ** 2),
    true,
  );
  assert.ok(Math.abs(Math.log10(early.steepest!) + 4) < 0.11, `${early.steepest}`);
  assert.ok(early.minimumTenth! > early.steepest!);
  assert.is(early.suggestion, early.steepest);
  assert.match(early.reason, /^1\.\de-4 is where the loss falls most steeply/);
  // A dent at 1e-2, narrower than a factor of ten: its steepest fall is past a tenth of the minimum's rate.
  const late = suggest(
    sweep((x) => 1 + (1 - Math.exp(-(((x + 2) / 0.5) ** 2))) + 0.001 * Math.abs(x + 2)),
    false,
  );
  assert.ok(Math.abs(Math.log10(late.minimumTenth!) + 3) < 0.11, `${late.minimumTenth}`);
  assert.ok(late.steepest! > late.minimumTenth! && late.steepest! < 1e-2);
  assert.is(late.suggestion, late.minimumTenth);
  assert.match(late.reason, /^\d\.\de-\d is a tenth of the rate at which the loss is lowest/);
});

test('a loss that never falls gives no suggestion', () => {
  const { suggestion, steepest, minimumTenth, reason, curve } = suggest(
    sweep((x) => 10 + x),
    true,
  );
  assert.equal([suggestion, steepest, minimumTenth], [null, null, null]);
  assert.match(reason, /does not fall at any rate/);
  assert.is(curve.length, 121);
});

test('a loss that ends as NaN is left out', () => {
  const points = sweep((x) => 3 - 1 / (1 + Math.exp(-4 * (x + 4))) + Math.max(0, x + 2));
  const end = { learningRate: 2, loss: Number.NaN };
  assert.is(suggest([...points, end], true).suggestion, suggest(points, true).suggestion);
});

test('a sweep trains at rising rates, stops where it diverges, and restores the model, bit for bit', async () => {
  await leavesNothing(device, async () => {
    manualSeed(4);
    const model = new RetinaNet(1, tinySpec({ loss: { normalizer: 'ema' } })).eval();
    const before = await valuesOf(model);
    const rates: number[] = [];
    const { curve, diverged } = await findLearningRate(model, {
      dataset: squares,
      indices,
      batchSize: 2,
      steps: 25,
      from: 1e-4,
      to: 1e6,
      optimizer: 'sgd',
      clipNorm: null,
      freeze: 1,
      onStep: ({ learningRate }) => rates.push(learningRate),
    });
    assert.ok(diverged && curve.length < 25, `${curve.length} steps`);
    assertClose(
      rates,
      Array.from(curve, (_, i) => 1e-4 * 10 ** ((10 * i) / 24)),
      { tolerance: { relative: 1e-9 }, label: 'rates' },
    );
    assert.ok(new Set(curve.map(({ loss }) => loss)).size === curve.length, 'each step has a different loss');
    assert.equal(changedNames(before, await valuesOf(model)), []);
    assert.is(model.training, false);
    assert.ok(model.parameters().every(({ requiresGrad }) => requiresGrad));

    // An error also restores the weights.
    const controller = new AbortController();
    const error = await errorOf(() =>
      findLearningRate(model, {
        dataset: squares,
        indices,
        from: 0.1,
        signal: controller.signal,
        onStep: () => controller.abort(new Error('enough')),
      }),
    );
    assert.is(error.message, 'enough');
    assert.equal(changedNames(before, await valuesOf(model)), []);
    model.dispose();
  });
});

test('invalid settings are rejected', async () => {
  const model = new RetinaNet(1, tinySpec());
  for (const [options, reason] of [
    [{ steps: 9 }, /steps is 9, expected an integer >= 10/],
    [{ from: 1, to: 0.1 }, /to is 0.1, expected a finite number > 1/],
    [{ indices: [] }, /indices.length is 0, expected an integer >= 1/],
    [{ augment: {}, source: { read: (i: number) => squares.get(i) } }, /leave out augment/],
  ] as const) {
    const { message } = await errorOf(() => findLearningRate(model, { dataset: squares, indices, ...options }));
    assert.match(message, reason);
  }
  model.dispose();
});

test.run();
