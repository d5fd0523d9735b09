import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sample } from '../../src/data/types.ts';
import { manualSeed, RetinaNet, write, type SpecOverrides } from '../../src/index.ts';
import { freezeBackbone } from '../../src/train/freeze.ts';
import { readLosses, Trainer, type StepLosses, type TrainerOptions } from '../../src/train/trainer.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { changedNames, squares, tinySpec, valuesOf } from './support.ts';

const device = await testDevice();
const test = suite('Trainer');
const samples = await Promise.all([0, 1, 2, 3].map((index) => squares.get(index)));
// Boxes of different number, so that images have different numbers of foreground anchors.
const uneven = samples.map((sample, i): Sample =>
  i % 2 === 0
    ? sample
    : {
        ...sample,
        boxes: sample.boxes.subarray(0, 4),
        labels: sample.labels.subarray(0, 1),
      },
);

const makeModel = (overrides: SpecOverrides = {}): RetinaNet => {
  manualSeed(5);
  return new RetinaNet(1, tinySpec(overrides));
};
const frozenNorms: SpecOverrides = { backbone: { depth: 18, width: 8, norm: 'frozen' } };

/** Gradients by name and the numbers of one step. */
async function gradientsOf(
  model: RetinaNet,
  batch: readonly Sample[],
  options: Partial<TrainerOptions>,
): Promise<{ gradients: Map<string, Float32Array>; numbers: StepLosses }> {
  const trainer = new Trainer(model, { totalSteps: 10, clipNorm: null, averageDecay: null, ...options });
  const numbers = await readLosses(trainer.gradients(batch));
  const gradients = new Map<string, Float32Array>();
  for (const [name, { grad }] of model.namedParameters()) {
    if (grad !== null) gradients.set(name, (await grad.data()) as Float32Array);
  }
  trainer.dispose();
  return { gradients, numbers };
}

/** Fails unless gradients agree within rounding, relative to the largest value of each. */
function assertSame(found: ReadonlyMap<string, Float32Array>, expected: ReadonlyMap<string, Float32Array>): void {
  assert.equal([...found.keys()], [...expected.keys()]);
  for (const [name, values] of expected) {
    const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    assertClose(found.get(name)!, values, {
      tolerance: { relative: 1e-3, absolute: 1e-4 * largest + 1e-9 },
      label: name,
    });
  }
}

test('the gradients of small batches add up to those of the whole one', async () => {
  await leavesNothing(device, async () => {
    const model = makeModel(frozenNorms);
    const whole = await gradientsOf(model, uneven, {});
    for (const accumulate of [2, 4]) {
      const parts = await gradientsOf(model, uneven, { accumulate });
      assertSame(parts.gradients, whole.gradients);
      for (const name of ['loss', 'classification', 'boxRegression', 'gradientNorm', 'positives'] as const)
        assertClose([parts.numbers[name]], [whole.numbers[name]], { tolerance: { relative: 1e-5 }, label: name });
    }
    const three = await gradientsOf(model, uneven.slice(0, 3), {});
    const twoAndOne = await gradientsOf(model, uneven.slice(0, 3), { accumulate: 2 });
    assertSame(twoAndOne.gradients, three.gradients);
    model.dispose();
  });
});

test("with the batch's normaliser each small batch is weighted by its fraction of the images", async () => {
  const model = makeModel({ ...frozenNorms, loss: { normalizer: 'batch' } });
  const both = await gradientsOf(model, uneven, { accumulate: 2 });
  const [first, second] = [
    await gradientsOf(model, uneven.slice(0, 2), {}),
    await gradientsOf(model, uneven.slice(2), {}),
  ];
  const mean = new Map(
    [...first.gradients].map(([name, values]) => [
      name,
      values.map((value, i) => 0.5 * value + 0.5 * second.gradients.get(name)![i]!),
    ]),
  );
  assertSame(both.gradients, mean);
  assertClose([both.numbers.loss], [(first.numbers.loss + second.numbers.loss) / 2], {
    tolerance: { relative: 1e-5 },
    label: 'loss',
  });
  model.dispose();
});

test('positives are the foreground anchors per image', async () => {
  const model = makeModel(frozenNorms);
  const one = await Promise.all(
    uneven.map(async (sample) => (await gradientsOf(model, [sample], {})).numbers.positives),
  );
  assert.ok(one.every((count) => Number.isInteger(count) && count >= 1));
  const { numbers } = await gradientsOf(model, uneven, { accumulate: 2 });
  assert.is(numbers.positives, one.reduce((a, b) => a + b) / 4);
  model.dispose();
});

test('frozen stages and their averages are unchanged, bit for bit', async () => {
  await leavesNothing(device, async () => {
    for (const [freeze, frozen] of [
      [2, /^backbone\.body\.(conv1|bn1|layer1)\./],
      [5, /^backbone\.body\./],
    ] as const) {
      const model = makeModel();
      const before = await valuesOf(model);
      const trainer = new Trainer(model, { totalSteps: 3, freeze, averageDecay: 0.7, warmup: 0 });
      for (let step = 0; step < 3; step++) trainer.step(samples).dispose();
      const names = [...before.keys()];
      const expected = names.filter((name) => !frozen.test(name)).sort();
      assert.equal(changedNames(before, await valuesOf(model)).sort(), expected);
      const averages = new Map([...(await trainer.averagedWeights())].map(([name, { data }]) => [name, data]));
      assert.equal(changedNames(before, averages).sort(), expected);
      for (const [name, parameter] of model.namedParameters())
        assert.is(parameter.requiresGrad, !frozen.test(name), name);
      trainer.dispose();
      assert.ok(
        model.parameters().every(({ requiresGrad }) => requiresGrad),
        'trainable again',
      );
      model.dispose();
    }
  });
});

/** Runs work without recordings: a profile needs each operation by itself. */
const unrecorded = async (work: () => void): Promise<void> => void (await device.profile(work));

for (const [name, overrides, options] of [
  ['batch norm', {}, {}],
  ['clipping, averages, SGD and frozen stages', {}, { clipNorm: 0.1, averageDecay: 0.9, optimizer: 'sgd', freeze: 2 }],
  [
    'checkpointing and a normaliser of its own',
    { backbone: { depth: 18, width: 8, norm: 'batch', checkpoint: true }, loss: { normalizer: 'ema' } },
    {},
  ],
] as const) {
  test(`recorded steps with ${name} give the same bits`, async () => {
    await leavesNothing(device, async () => {
      const states = [];
      for (const isRecorded of [true, false]) {
        const model = makeModel(overrides);
        const trainer = new Trainer(model, { totalSteps: 8, warmup: 2, ...options });
        const losses: StepLosses[] = [];
        for (let step = 0; step < 7; step++) {
          // The images of a step and the number of their boxes change; a batch of another size is between them.
          const batch = step === 3 ? samples.slice(0, 1) : [uneven[step % 4]!, samples[(step + 1) % 4]!];
          let numbers = null;
          const take = (): void => {
            numbers = trainer.gradients(batch);
            trainer.keepWeights();
            trainer.update();
          };
          if (isRecorded) take();
          else await unrecorded(take);
          losses.push(await readLosses(numbers!));
          if (step === 2) assert.is(device.memory().recordedBytes > 0, isRecorded);
        }
        await trainer.withAverage(async () => assert.is(device.memory().recordedBytes, 0));
        states.push({ losses, state: await trainer.snapshot() });
        trainer.dispose();
        model.dispose();
      }
      assert.equal(states[0]!.losses, states[1]!.losses);
      assert.equal(states[0]!.state, states[1]!.state);
    });
  });
}

test('frozen stages with activation checkpointing give the same step', async () => {
  const values = [];
  for (const checkpoint of [false, true]) {
    const model = makeModel({ backbone: { depth: 18, width: 8, norm: 'batch', checkpoint } });
    const trainer = new Trainer(model, { totalSteps: 2, freeze: 3, warmup: 0 });
    trainer.step(samples).dispose();
    values.push(await valuesOf(model));
    trainer.dispose();
    model.dispose();
  }
  assert.equal(changedNames(values[0]!, values[1]!), []);
});

test('parameters that were frozen before stay frozen', () => {
  const model = makeModel();
  model.backbone.body.layer1.freeze();
  freezeBackbone(model, 3).release();
  for (const [name, { requiresGrad }] of model.namedParameters())
    assert.is(requiresGrad, !name.startsWith('backbone.body.layer1.'), name);
  assert.throws(() => freezeBackbone(model, 6), /stages is 6, expected an integer from 0 to 5/);
  model.freeze();
  assert.throws(() => new Trainer(model, { totalSteps: 1 }), /every parameter is frozen/);
  model.dispose();
});

test('without averages the last weights are evaluated and saved', async () => {
  const model = makeModel();
  const trainer = new Trainer(model, { totalSteps: 2, averageDecay: null });
  trainer.step(samples).dispose();
  const last = await valuesOf(model);
  const saved = new Map([...(await trainer.averagedWeights())].map(([name, { data }]) => [name, data]));
  assert.equal(changedNames(last, saved), []);
  assert.equal(await trainer.withAverage(async () => changedNames(last, await valuesOf(model))), []);
  trainer.dispose();
  model.dispose();
});

test('parameters that are not finite are named from the loss backwards', async () => {
  const model = makeModel();
  const trainer = new Trainer(model, { totalSteps: 2, averageDecay: null });
  assert.equal(await trainer.brokenParameters(), []);
  trainer.gradients(samples).dispose();
  // As if the gradient of one filter had overflowed.
  const name = 'backbone.body.layer4.0.conv1.weight';
  const gradient = new Map(model.namedParameters()).get(name)!.grad!;
  write(gradient, new Float32Array(gradient.size).fill(Number.NaN));
  trainer.update();
  assert.equal(await trainer.brokenParameters(), [name]);
  trainer.dispose();
  model.dispose();
});

test('a step is repeated with the weights before it, to name the operation that is not finite', async () => {
  await leavesNothing(device, async () => {
    const model = makeModel(frozenNorms);
    const trainer = new Trainer(model, { totalSteps: 3, averageDecay: null });
    trainer.gradients(samples).dispose();
    trainer.keepWeights();
    trainer.update();
    assert.is(await trainer.examine(samples), null, 'no false alarm');

    const name = 'backbone.body.layer4.0.conv1.weight';
    const weight = new Map(model.namedParameters()).get(name)!;
    const good = await valuesOf(model);
    write(weight, new Float32Array(weight.size).fill(3e38));
    trainer.gradients(samples).dispose();
    trainer.keepWeights();
    const kept = await valuesOf(model);
    trainer.update();
    assert.ok(changedNames(kept, await valuesOf(model)).length > 1, 'the update changes other weights');
    const anomaly = await trainer.examine(samples);
    assert.is(`${anomaly!.operation} ${anomaly!.phase} ${anomaly!.inputs[1]!.name}`, `conv2d forward ${name}`);
    assert.is(anomaly!.inputs[1]!.max, Math.fround(3e38));
    assert.equal(changedNames(kept, await valuesOf(model)), []);
    assert.equal(changedNames(good, await valuesOf(model)), [name]);
    trainer.dispose();
    model.dispose();
  });
});

test('invalid settings are rejected', () => {
  const model = makeModel();
  for (const [options, reason] of [
    [{ accumulate: 0 }, /accumulate is 0, expected an integer >= 1/],
    [{ clipNorm: 0 }, /clipNorm is 0, expected a number > 0, or none/],
    [{ averageDecay: 1 }, /averageDecay is 1/],
    [{ freeze: 1.5 }, /stages is 1.5/],
    [{ totalSteps: 0 }, /totalSteps is 0/],
  ] as const) {
    assert.throws(() => new Trainer(model, { totalSteps: 5, ...options }), reason);
  }
  assert.ok(model.parameters().every(({ requiresGrad }) => requiresGrad));
  model.dispose();
});

test.run();
