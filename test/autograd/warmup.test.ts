import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as R from '../../src/index.ts';
import { testDevice, withDevice, leavesNothing, errorOf } from '../support/device.ts';

const device = await testDevice();

/** A network with everything that a training step changes: weights, gradients, running statistics, seeds, states. */
class Net extends R.Module {
  readonly body = new R.Sequential(
    new R.Conv2d(3, 4, { kernel: 3, padding: 1, stride: 2 }),
    new R.BatchNorm2d(4),
    new R.ReLU(),
  );
  readonly head = new R.Linear(4, 2);
}

function setUp() {
  R.manualSeed(7);
  const net = new Net();
  const optimizer = new R.AdamW(net.parameters(), { lr: 0.01 });
  const scheduler = new R.Scheduler(optimizer, R.linearWarmup({ steps: 10 }));
  const average = new R.ExponentialMovingAverage(net, 0.9);
  const x = R.randn([2, 8, 8, 3], { seed: 1 });
  const labels = R.tensor([0, 1], { dtype: 'int32' });
  const step = (): R.Tensor => {
    optimizer.zeroGrad();
    const loss = R.tidy(() => {
      const features = R.mul(R.mean(net.body.forward(x), [1, 2]), R.rand([2, 4]));
      const loss = R.crossEntropy(net.head.forward(features), labels);
      R.backward(loss);
      R.clipGradNorm(net.parameters(), 1);
      return loss;
    });
    optimizer.step();
    scheduler.step();
    average.update();
    return loss;
  };
  const dispose = (): void => {
    for (const held of [net, optimizer, average, x, labels]) held.dispose();
  };
  return { net, optimizer, scheduler, average, step, dispose };
}

type SetUp = ReturnType<typeof setUp>;

/** Everything that a step changes, as plain numbers. */
async function stateOf({ net, optimizer, scheduler, average }: SetUp): Promise<unknown> {
  const values = async (state: Iterable<[string, R.Tensor | R.HostTensor | null]>): Promise<unknown> =>
    Promise.all(
      [...state].map(async ([name, t]) => [
        name,
        t === null ? null : [...(t instanceof R.Tensor ? await t.data() : t.data)],
      ]),
    );
  return {
    weights: await values(net.stateDict()),
    gradients: await values([...net.namedParameters()].map(([name, p]) => [name, p.grad])),
    optimizer: await values(optimizer.stateDict()),
    average: await values(average.stateDict()),
    updates: average.updates,
    scheduler: scheduler.stateDict(),
    versions: [...net.stateDict().values()].map(({ storage }) => storage.version),
  };
}

test('a warm-up changes nothing: not before the first step, and not between two', async () => {
  await withDevice({}, async () => {
    // Without a warm-up.
    const plain = setUp();
    const losses: number[] = [];
    const states: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      losses.push(await plain.step().item());
      states.push(await stateOf(plain));
    }
    const next = await R.rand([4]).data();
    plain.dispose();
    // With one before each step.
    const warm = setUp();
    for (let i = 0; i < 3; i++) {
      const before = await stateOf(warm);
      await R.warmup(warm.step);
      assert.equal(await stateOf(warm), before);
      assert.is(await warm.step().item(), losses[i]);
      assert.equal(await stateOf(warm), states[i]);
    }
    assert.equal(await R.rand([4]).data(), next);
    warm.dispose();
  });
});

test('it compiles all kernels of the first step, reports each, and launches none', async () => {
  await withDevice({}, async (own) => {
    const { step, dispose } = setUp();
    await own.idle();
    const { dispatches } = own.counters();
    const { tensors } = own.memory();
    const progress: R.WarmupProgress[] = [];
    await R.warmup(step, { onProgress: (report) => progress.push(report) });
    assert.is(own.counters().dispatches, dispatches);
    assert.is(own.memory().tensors, tensors);
    const { total } = progress[0]!;
    assert.ok(total > 10, `${total} kernels`);
    assert.equal(
      progress,
      Array.from({ length: total + 1 }, (_, done) => ({ done, total })),
    );
    // The first step compiles none any more.
    let compiled = 0;
    const create = own.gpu.createComputePipeline.bind(own.gpu);
    own.gpu.createComputePipeline = (descriptor) => {
      compiled++;
      return create(descriptor);
    };
    assert.ok(Number.isFinite(await step().item()));
    assert.is(compiled, 0);
    // Neither does a second warm-up.
    await R.warmup(step, { onProgress: (report) => progress.push(report) });
    assert.equal(progress.at(-1), { done: 0, total: 0 });
    dispose();
  });
});

test('detect, which reads at its end', async () => {
  await withDevice({}, async () => {
    const spec = R.retinaNetSpec('torchvision', {
      backbone: { depth: 18, width: 4 },
      pyramid: { channels: 8 },
      head: { channels: 8, convs: 1 },
      transform: { minSize: null },
    });
    const model = new R.RetinaNet(1, spec).eval();
    const image = R.rand([64, 64, 3], { seed: 1 });
    let kernels = 0;
    await R.warmup(() => model.detect([image]), { onProgress: ({ total }) => (kernels = total) });
    assert.ok(kernels > 10);
    const [cold] = await model.detect([image]);
    await R.warmup(() => model.detect([image]));
    const [warm] = await model.detect([image]);
    assert.equal(warm!.boxes, cold!.boxes);
    model.dispose();
    image.dispose();
  });
});

test('what the function makes is disposed, what it disposes is not', async () => {
  await leavesNothing(device, async () => {
    const x = R.tensor([1, 2]);
    let kept: R.Tensor | undefined;
    await R.warmup(() => {
      kept = R.keep(R.mul(x, 2));
      x.dispose();
      R.write(x, [3, 4]);
      R.assign(x, R.tensor([5, 6]));
      return R.add(x, 1);
    });
    assert.is(kept!.disposed, true);
    assert.is(x.disposed, false);
    assert.equal([...(await x.data())], [1, 2]);
    x.dispose();
  });
});

test('errors: of the function, of its reads, of a warm-up inside a warm-up, of options', async () => {
  const x = R.tensor([1, 2]);
  assert.is((await errorOf(() => R.warmup(() => R.add(x, R.tensor([1, 2, 3]))))).message.slice(0, 4), 'add:');
  assert.is((await errorOf(() => R.warmup(() => Promise.reject(new Error('other'))))).message, 'other');
  await R.warmup(async () => x.data());
  await R.warmup(() => x.data().then(() => assert.unreachable()));
  let inner: Promise<void> | undefined;
  await R.warmup(() => void (inner = R.warmup(() => 0)));
  assert.match((await errorOf(() => inner)).message, /^warmup: it cannot be called in the function that it warms up$/);
  assert.match(
    (await errorOf(() => R.warmup(() => 0, { progress: 1 } as never))).message,
    /there is no option progress/,
  );
  // It is over: operations work as before.
  assert.equal([...(await R.add(x, 1).data())], [2, 3]);
  x.dispose();
});

test('a kernel that does not compile is an error that names it', async () => {
  await withDevice({}, async (own) => {
    const create = own.gpu.createShaderModule.bind(own.gpu);
    own.gpu.createShaderModule = (descriptor) => create({ ...descriptor, code: 'nonsense' });
    const error = await errorOf(() => R.warmup(() => R.relu(R.tensor([1]))));
    assert.instance(error, R.GpuValidationError);
    assert.match(error.message, /^relu: kernel unary\.wgsl/);
  });
});

test.run();
