import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from '../../src/measure/compare.ts';
import { retinaNetConvs } from '../../src/measure/conv-shapes.ts';
import { kernelCases, SIZES } from '../../src/measure/kernel-cases.ts';
import { measureCeiling, measureKernel } from '../../src/measure/kernels.ts';
import { spread } from '../../src/measure/measure.ts';
import { flameChart, labelParts, measureParts } from '../../src/measure/parts.ts';
import { conv2dShape } from '../../src/measure/reference/conv2d.ts';
import { imageDecoder } from '../../src/measure/node/decoding.ts';
import { newResult } from '../../src/measure/node/new-result.ts';
import type { BenchResult } from '../../src/measure/result.ts';
import { checkTask, convTasks } from '../../src/measure/tasks.ts';
import { caseLine } from '../../src/measure/text.ts';
import { measureCheckpoint, measureWhole } from '../../src/measure/whole.ts';
import { checkWhole } from '../../src/measure/whole-check.ts';
import { Workload } from '../../src/measure/workload.ts';
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../../src/kernels/convolution/conv2d.ts';
import { mul, randn, tidy } from '../../src/index.ts';
import { testDevice } from '../support/device.ts';

const device = await testDevice();

test('median and quartiles', () => {
  assert.equal(spread([4, 1, 3, 2, 5]), { median: 3, low: 2, high: 4, samples: 5 });
  assert.equal(spread([1, 2]), { median: 1.5, low: 1.25, high: 1.75, samples: 2 });
});

test('the convolutions of RetinaNet are those of the papers', () => {
  const flops = (depth: 18 | 50): number =>
    retinaNetConvs(depth, [256, 256]).reduce((sum, shape) => {
      const [, p, q] = conv2dShape(shape.x, shape.w, shape);
      return sum + 2 * p * q * shape.w.reduce((a, b) => a * b);
    }, 0);
  const names = retinaNetConvs(50, [256, 256]).map(({ x, w, stride }) => `${x} ${w} ${stride}`);
  for (const expected of [
    '1,256,256,3 7,7,3,64 2',
    '1,64,64,64 1,1,64,256 1',
    '1,64,64,128 3,3,128,128 2',
    '1,8,8,2048 1,1,2048,256 1',
    '1,8,8,2048 3,3,2048,256 2',
    '1,32,32,256 3,3,256,256 1',
  ]) {
    assert.ok(names.includes(expected), `${expected} is missing from ${names.join('; ')}`);
  }
  assert.is(new Set(names).size, names.length);
  // Distinct ones only; a bottleneck network has more of them.
  assert.ok(flops(50) > flops(18));
});

test('a convolution that is wrong in one channel is found', async () => {
  const shape = { x: [1, 9, 9, 8], w: [3, 3, 8, 12], stride: 2, padding: 1 } as const;
  const options = { stride: 2, padding: 1 };
  const tensors = tidy(() => {
    const [x, w, dy] = [randn(shape.x, { seed: 1 }), randn(shape.w, { seed: 2 }), randn([1, 5, 5, 12], { seed: 3 })];
    return [
      x,
      w,
      dy,
      conv2dForward(x, w, null, options),
      conv2dGradInput(dy, w, shape.x, options),
      conv2dGradWeight(dy, x, shape.w, options),
    ];
  });
  const [x, w, dy, ...results] = await Promise.all(tensors.map(async (t) => (await t.data()) as Float32Array));
  for (const t of tensors) t.dispose();
  const tasks = convTasks(shape);
  results.forEach((result, i) => {
    const data = { x: x!, w: w!, dy: dy! };
    assert.is(checkTask(tasks[i]!, data, [result]), null);
    const channels = [12, 8, 12][i]!;
    const broken = result.map((value, at) => (at % channels === 3 ? 0 : value));
    assert.match(checkTask(tasks[i]!, data, [broken])!, /^off by /);
  });
});

test('every kernel that is measured gives the results of its reference', async () => {
  const before = device.memory().tensors;
  // What takes long is tried below, with its time.
  const cases = kernelCases([[64, 64]]).filter(({ name }) => !/SGD|matmul/.test(name));
  for (const { name, prepare } of cases) {
    const { run, check, dispose } = prepare();
    const results = tidy(run);
    const values = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
    assert.is(await check(values), null, name);
    for (const t of results) t.dispose();
    dispose();
  }
  assert.is(device.memory().tensors, before);
});

test('kernels are timed, checked and compared', async () => {
  const ceiling = await measureCeiling(device, 0.01);
  assert.ok(ceiling.gflops > 0 && ceiling.gbps > 0);
  const cases = kernelCases([SIZES['256']]).filter(({ name }) => /conv 3x3 256->18 @4x4 |upsample|SGD/.test(name));
  assert.is(cases.length, 5);
  const result = newResult(device, '0.0.0', ceiling);
  for (const kernel of cases) result.cases.push(await measureKernel(device, kernel, ceiling, 0.01));
  for (const { name, wrong, timing, rate } of result.cases) {
    assert.is(wrong, null, name);
    assert.ok(timing.wall.median > 0 && rate!.value > 0 && rate!.share > 0, name);
  }
  const copy = JSON.parse(JSON.stringify(result)) as BenchResult;
  assert.equal(
    compare(result, copy).map(({ ratio, isClear }) => [ratio, isClear]),
    result.cases.map(() => [1, false]),
  );
  const slower = result.cases.map((measured) => ({
    ...measured,
    timing: { wall: { median: 1e9, low: 1e9, high: 1e9, samples: 1 }, cpu: null, gpu: null },
  }));
  assert.ok(compare(result, { ...result, cases: slower }).every(({ ratio, isClear }) => ratio < 1e-3 && isClear));
});

test('parts of a step add up to the whole, and gradients count for their part', async () => {
  const workload = new Workload(device, { depth: 18, size: 64, batch: 1 });
  labelParts(device, workload);
  const decode = await imageDecoder(device, workload);
  const step = await measureParts(device, 'training step', () => decode().then(() => workload.trainStep()));
  const inference = await measureParts(device, 'inference', () => workload.detect());
  const names = step.parts.map(({ name }) => name);
  for (const name of [
    'stem',
    'layer4',
    'layer4 backward',
    'pyramid',
    'data loading',
    'images',
    'matching',
    'focal loss',
    'focal loss backward',
    'box loss',
    'optimiser',
    'everything else',
  ]) {
    assert.ok(names.includes(name), `${name} is missing from ${names.join(', ')}`);
  }
  const total = step.parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  assert.ok(total >= step.milliseconds * 0.999, `${total} of ${step.milliseconds}`);
  for (const part of step.parts) {
    const kernels = part.kernels.reduce((sum, { dispatches }) => sum + dispatches, 0);
    assert.is(kernels, part.dispatches, part.name);
  }
  for (const name of ['post-processing', 'suppression']) {
    assert.ok(
      inference.parts.some((part) => part.name === name && part.milliseconds > 0),
      `${name} is missing`,
    );
  }
  assert.match(flameChart(step), /^<svg .*layer4 backward/);
  workload.dispose();
});

test('a recorded step of the workload has the loss of one that is not', async () => {
  const losses: number[][] = [];
  for (const isRecorded of [true, false]) {
    const workload = new Workload(device, { depth: 18, size: 64, batch: 1 });
    const found: number[] = [];
    for (let i = 0; i < 4; i++) {
      const loss = workload.queueStep({ isRecorded });
      found.push(await loss.item());
      loss.dispose();
    }
    assert.is(workload.recordedSteps, isRecorded ? 2 : 0, 'from the third on');
    workload.dispose();
    losses.push(found);
  }
  assert.equal(losses[0], losses[1]);
});

test('the whole is timed, checked against stored outputs of float64 and leaves nothing behind', async () => {
  const before = device.memory().tensors;
  const options = { depth: 18, size: 64, batch: 1 } as const;
  const [step, detect] = await measureWhole(device, options, 0.01);
  assert.is(step!.name, 'ResNet-18 64 px, batch 1, training step');
  assert.equal([step!.wrong, detect!.wrong], [null, null]);
  assert.ok(step!.figures!['dispatches']! > detect!.figures!['dispatches']!);
  const { peakBytes, heldBytes, hostMicroseconds, eagerHostMicroseconds } = step!.figures!;
  assert.ok(heldBytes! >= peakBytes!, `${heldBytes} bytes held, ${peakBytes} in use at once`);
  assert.ok(hostMicroseconds! > 0 && eagerHostMicroseconds! > 0);
  assert.match(caseLine(step!), /held .*JavaScript \d+ µs per dispatch, \d+ µs without recording/);
  assert.ok(peakBytes! > 0 && detect!.figures!['imagesPerSecond']! > 0);
  assert.is(device.memory().tensors, before);
});

test('outputs of the network that are wrong are found, where those of float64 are stored', async () => {
  const options = { depth: 18, size: 64, batch: 1 } as const;
  const workload = new Workload(device, options);
  try {
    const { logits, deltas } = workload.outputs();
    const wrong = tidy(() => ({ logits, deltas: mul(deltas, 1.01) }));
    const { prior } = workload.model.spec.head;
    assert.is(await checkWhole({ logits, deltas }, prior, options), null);
    assert.match((await checkWhole(wrong, prior, options))!, /^off by/);
    assert.is(await checkWhole(wrong, prior, { ...options, batch: 2 }), undefined, 'nothing is stored');
    for (const tensor of [logits, deltas, wrong.deltas]) tensor.dispose();
  } finally {
    workload.dispose();
  }
});

test('steps with checkpoints are compared with those without, which give the same losses', async () => {
  const before = device.memory().tensors;
  const [plain, row] = await measureCheckpoint(device, { depth: 18, size: 32, batch: 2 }, 0.01);
  assert.equal(
    [plain.name, row.name],
    ['training step', 'with checkpoints'].map((run) => `ResNet-18 32 px, batch 2, ${run}`),
  );
  assert.is(row.wrong, null);
  const { peakBytes, timeRatio, memoryRatio } = row.figures!;
  assert.is(memoryRatio, peakBytes! / plain.figures!['peakBytes']!);
  assert.ok(memoryRatio! <= 1 && timeRatio! > 0, `${memoryRatio} of the memory, ${timeRatio} of the time`);
  assert.is(device.memory().tensors, before);
});

test.run();
