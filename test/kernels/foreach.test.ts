// What is done to many tensors at once: several share a launch (src/kernels/foreach.ts).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axpbyAll, scaleAll } from '../../src/autograd/ops/no-gradient.ts';
import { clipGradNorm } from '../../src/nn/clip.ts';
import { ExponentialMovingAverage } from '../../src/nn/ema.ts';
import { Module, Parameter } from '../../src/nn/module.ts';
import { BatchNorm2d } from '../../src/nn/norm.ts';
import { Adam, AdamW, SGD, type Optimizer } from '../../src/nn/optim.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Device } from '../../src/tensor/device.ts';
import { keep } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { adam, adamW, sgd, type Step } from '../reference/optim.ts';
import { assertClose } from '../support/compare.ts';
import { openAdapter } from '../../src/node/adapter.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';
import { Random } from '../../src/common/random.ts';

const device = await testDevice();
/** Tails after a vector and after a workgroup, an empty tensor, and one that a binding of LIMIT bytes cuts in three. */
const sizes = [1, 0, 5, 255, 256, 3000, 4, 257, 64];
const LIMIT = 4096;
const numbers = (name: string, size: number): Float32Array => {
  const rng = new Random(name);
  return Float32Array.from({ length: size }, () => rng.uniform(-1, 1));
};
const tensors = (name: string): Tensor[] => sizes.map((size, i) => tensor(numbers(`${name} ${i}`, size)));
const read = (list: readonly Tensor[]): Promise<Float32Array[]> =>
  Promise.all(list.map(async (t) => (await t.data()) as Float32Array));

/** A device of the user's own, which has the limits that every adapter offers: it binds 8 buffers. */
async function withDefaultLimits(body: (device: Device) => Promise<void>): Promise<void> {
  const { gpu: owner, adapter } = await openAdapter(process.env['RETINAGRAD_ADAPTER'] || undefined);
  const gpu = await adapter.requestDevice();
  await withDevice({ gpu }, body);
  gpu.destroy();
  void owner; // Dawn's instance must outlive its devices.
}

/**
 * Runs a test on the shared device, on one that must cut the largest tensor, and on one with default limits. Gives it the number
 * of its slots' jobs, and of the buffers that a launch binds.
 */
async function onAll(body: (device: Device, jobs: number, buffers: number) => Promise<void>): Promise<void> {
  const filled = sizes.filter((size) => size > 0).length;
  const buffers = Math.min(16, device.limits.maxStorageBuffersPerShaderStage);
  await leavesNothing(device, () => body(device, filled, buffers));
  await withDevice({ bindingLimit: LIMIT }, (small) => body(small, filled + 2, buffers));
  await withDefaultLimits((weak) => body(weak, filled, 8));
}

async function dispatchesOf(device: Device, work: () => void): Promise<number> {
  const before = device.counters().dispatches;
  work();
  await device.idle();
  return device.counters().dispatches - before;
}

const optimizers: Record<string, [make: (of: Parameter[]) => Optimizer, reference: (p: Float64Array) => Step]> = {
  SGD: [(of) => new SGD(of, { lr: 0.1, weightDecay: 0.01 }), (p) => sgd(p, { learningRate: 0.1, weightDecay: 0.01 })],
  'SGD with momentum': [
    (of) => new SGD(of, { lr: 0.1, momentum: 0.9, nesterov: true }),
    (p) => sgd(p, { learningRate: 0.1, momentum: 0.9, nesterov: true }),
  ],
  Adam: [(of) => new Adam(of, { lr: 0.1 }), (p) => adam(p, { learningRate: 0.1 })],
  AdamW: [(of) => new AdamW(of, { lr: 0.1 }), (p) => adamW(p, { learningRate: 0.1 })],
};

for (const [name, [make, reference]] of Object.entries(optimizers)) {
  test(`${name}: parameters share a launch, and each is updated as by itself`, async () => {
    await onAll(async (device, jobs, buffers) => {
      const parameters = tensors('p').map((values) => new Parameter(values));
      const expected = sizes.map((size, i) => Float64Array.from(numbers(`p ${i}`, size)));
      const steps = expected.map(reference);
      const optimizer = make(parameters);
      for (let step = 0; step < 3; step++) {
        // The third parameter has no gradient in the first step, so that it is a step behind from there on.
        const isAbsent = (i: number): boolean => step === 0 && i === 2;
        parameters.forEach((parameter, i) => {
          if (isAbsent(i)) return;
          const gradient = numbers(`g ${step} ${i}`, parameter.size);
          parameter.grad = keep(tensor(gradient));
          steps[i]!(gradient);
        });
        const dispatches = await dispatchesOf(device, () => optimizer.step());
        // The first steps fill the tensors that remember, too.
        if (step === 2) {
          const slots = Math.floor(buffers / (name.startsWith('SGD') ? 3 : 4));
          assert.is(dispatches, Math.ceil((jobs - 1) / slots) + 1);
        }
        optimizer.zeroGrad();
        const actual = await read(parameters);
        actual.forEach((values, i) =>
          assertClose(values, expected[i]!, {
            tolerance: { relative: 1e-5, absolute: 1e-6 },
            label: `step ${step}, parameter ${i}`,
          }),
        );
      }
      optimizer.dispose();
      for (const parameter of parameters) parameter.dispose();
    });
  });
}

test('axpbyAll: pairs share a launch, each with its own alpha', async () => {
  await onAll(async (device, jobs, buffers) => {
    const [xs, ys] = [tensors('x'), tensors('y')];
    const pairs = xs.map((x, i) => ({ x, y: ys[i]!, alpha: i + 1 }));
    assert.is(await dispatchesOf(device, () => axpbyAll(pairs, 0.5)), Math.ceil(jobs / (buffers / 2)));
    (await read(ys)).forEach((actual, i) => {
      const x = numbers(`x ${i}`, sizes[i]!);
      const expected = numbers(`y ${i}`, sizes[i]!).map((y, at) => (i + 1) * x[at]! + 0.5 * y);
      assertClose(actual, expected, { tolerance: { relative: 1e-6, absolute: 1e-6 }, label: `pair ${i}` });
    });
    assert.equal(
      await read(xs),
      sizes.map((size, i) => numbers(`x ${i}`, size)),
      'x is left alone',
    );
    for (const t of [...xs, ...ys]) t.dispose();
  });
});

test('scaleAll: tensors share a launch', async () => {
  await onAll(async (device, jobs, buffers) => {
    const [xs, factor] = [tensors('x'), tensor(-0.25)];
    assert.is(await dispatchesOf(device, () => scaleAll(xs, factor)), Math.ceil(jobs / (buffers - 1)));
    assert.equal(
      await read(xs),
      sizes.map((size, i) => numbers(`x ${i}`, size).map((x) => -0.25 * x)),
    );
    for (const t of [...xs, factor]) t.dispose();
  });
});

test('a list without elements launches nothing', async () => {
  const empty = tensor(new Float32Array(0));
  assert.is(await dispatchesOf(device, () => axpbyAll([{ x: empty, y: empty, alpha: 1 }], 1)), 0);
  assert.is(await dispatchesOf(device, () => axpbyAll([], 1)), 0);
  empty.dispose();
});

class Many extends Module {
  readonly norms = Array.from({ length: 5 }, (_, i) => new BatchNorm2d(i + 3));
}

test('clipping, averaging and running statistics of many tensors take few launches', async () => {
  await withDefaultLimits(async (device) => {
    const model = new Many();
    const parameters = model.parameters();
    assert.is(parameters.length, 10);
    for (const parameter of parameters) parameter.grad = keep(tensor(numbers('g', parameter.size)));
    const ema = new ExponentialMovingAverage(model, 0.9);
    await device.idle();
    // Parameters and running statistics, 20 tensors.
    assert.is(await dispatchesOf(device, () => ema.update()), 5);
    // Sums of squares in two launches, their sum and its root, the factor in five, and the scaling in two.
    assert.is(await dispatchesOf(device, () => clipGradNorm(parameters, 1).dispose()), 2 + 2 + 5 + 2);
    const x = tensor(numbers('x', 2 * 3), { shape: [2, 1, 1, 3] });
    const norm = model.norms[0]!;
    const training = await dispatchesOf(device, () => norm.forward(x).dispose());
    norm.eval();
    norm.train();
    assert.is(training, 3); // statistics, those of the batch and the running ones, the result
    assertClose(
      await norm.runningMean.data(),
      [0, 1, 2].map((c) => 0.1 * 0.5 * (numbers('x', 6)[c]! + numbers('x', 6)[c + 3]!)),
      { tolerance: { relative: 1e-5, absolute: 1e-7 }, label: 'running mean' },
    );
    x.dispose();
    ema.dispose();
    model.dispose();
  });
});

test.run();
