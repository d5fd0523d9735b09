import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { networkCost, trainingBytes } from '../../src/doctor/cost.ts';
import { costReport, extrapolate } from '../../src/doctor/cost-report.ts';
import { measureTraining } from '../../src/doctor/measure.ts';
import { recommend } from '../../src/doctor/recommend.ts';
import { adviseSize, countSamples, placeSamples } from '../../src/doctor/size-advice.ts';
import type { Recommendation } from '../../src/doctor/types.ts';
import { suggestAnchors } from '../../src/doctor/anchor-suggestion.ts';
import { placeBoxes } from '../../src/detector/anchor-coverage.ts';
import { RetinaNet, retinaNetSpec, type RetinaNetSpec } from '../../src/index.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';
import { imageOf, smallSpec } from '../detector/support.ts';
import { itemOf, objectAt } from './support.ts';

const device = await testDevice();

/** torchvision's network of a depth, for images that are not resized by default. */
const network = (depth: 18 | 34 | 50 | 101, minSize: number | null = null): RetinaNetSpec =>
  retinaNetSpec('torchvision', { backbone: { depth, norm: 'batch' }, transform: { minSize } });

const near = (value: number, expected: number, tolerance: number, what: string): void =>
  assert.ok(Math.abs(value / expected - 1) < tolerance, `${what}: ${value}, expected ${expected}`);

test('multiply-adds are those that torchvision was measured to have', () => {
  // Billions, of one class, counted with hooks on torchvision 0.14's modules.
  const measured = [
    [18, 128, 128, 2.45],
    [18, 512, 512, 39.2],
    [50, 512, 512, 51.8],
    [18, 800, 1344, 161],
    [50, 800, 1344, 213],
  ] as const;
  for (const [depth, height, width, expected] of measured) {
    near(
      networkCost(network(depth), 1, [height, width]).macs / 1e9,
      expected,
      0.01,
      `ResNet-${depth} at ${height} x ${width}`,
    );
  }
});

test('activations and parameters are those that torchvision has', () => {
  near(networkCost(network(18), 1, [512, 512]).activationBytes, 109e6, 0.03, 'ResNet-18');
  near(networkCost(network(50), 1, [512, 512]).activationBytes, 289e6, 0.03, 'ResNet-50');
  assert.is(networkCost(network(50), 91, [64, 64]).parameters, 34_068_119);
  assert.is(networkCost(retinaNetSpec('torchvisionV2'), 91, [64, 64]).parameters, 38_198_935);
});

test('parameters are those of the network itself, for any spec', () => {
  const specs = [
    smallSpec,
    retinaNetSpec('torchvision', {
      backbone: { depth: 34, width: 8, norm: 'batch' },
      pyramid: { channels: 16 },
      head: { channels: 8, convs: 2 },
    }),
    retinaNetSpec('torchvisionV2', {
      backbone: { depth: 101, width: 4 },
      pyramid: { channels: 8 },
      head: { channels: 8, convs: 2, normGroups: 4 },
    }),
  ];
  for (const spec of specs) {
    const model = new RetinaNet(3, spec);
    const numbers = model.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.is(networkCost(spec, 3, [64, 64]).parameters, numbers);
    model.dispose();
  }
});

test('peak memory is that of the benchmarks within a tenth', () => {
  // docs/performance.md, megabytes: SGD with momenta, so two copies of the weights in addition to the gradients.
  const measured = [
    [18, 256, 1, 290],
    [18, 256, 8, 596],
    [18, 512, 2, 596],
    [50, 256, 2, 607],
    [50, 512, 1, 845],
    [50, 512, 2, 1367],
  ] as const;
  for (const [depth, side, batch, expected] of measured) {
    const bytes = trainingBytes(networkCost(network(depth), 2, [side, side]), batch, 2);
    near(bytes / 1e6, expected, 0.1, `ResNet-${depth} at ${side}, batch ${batch}`);
  }
});

test('a measured step leaves nothing behind and is near the estimate', async () => {
  const spec = retinaNetSpec('torchvision', {
    ...smallSpec,
    backbone: { depth: 18, width: 16, norm: 'batch' },
    head: { channels: 32, convs: 2 },
  });
  await leavesNothing(device, async () => {
    const { peakBytes, seconds, batch } = await measureTraining(device, spec, 2, [128, 160], 2);
    assert.ok(seconds > 0);
    assert.is(batch, 2);
    near(peakBytes, trainingBytes(networkCost(spec, 2, [128, 160]), 2), 0.35, 'peak');
  });
});

test('a step that does not fit is a finding, and the estimate stays', async () => {
  await withDevice({ memoryLimit: 4e6 }, async (small) => {
    const { report, findings } = await costReport(smallSpec, 1, [256, 256], { device: small, train: 10 });
    assert.equal(
      findings.map(({ kind }) => kind),
      ['device-memory'],
    );
    assert.is(report.measured, null);
    assert.ok(report.batches.every(({ stepSeconds }) => stepSeconds === null));
  });
});

test('an estimate above the memory is a finding if the memory is known', async () => {
  const options = { device: null, train: 10 };
  const { findings } = await costReport(network(50), 1, [2000, 2000], { ...options, memoryLimit: 4e9 });
  assert.equal(
    findings.map(({ kind, severity }) => [kind, severity]),
    [['device-memory', 'error']],
  );
  assert.equal((await costReport(network(50), 1, [2000, 2000], options)).findings, []);
  assert.equal((await costReport(network(50), 1, [256, 256], { ...options, memoryLimit: 4e9 })).findings, []);
});

test('a measured step scales memory and gives the time of an epoch', async () => {
  const { report } = await costReport(smallSpec, 1, [64, 96], { device, train: 100 });
  const [one, two] = report.batches;
  assert.is(one?.bytes, report.measured?.peakBytes);
  assert.ok((two?.bytes ?? 0) > (one?.bytes ?? 0));
  near(two?.epochSeconds ?? 0, 100 * (report.measured?.seconds ?? 0), 1e-9, 'epoch');
  assert.equal(report.trained, [64, 96]);
});

test('memory and time at another size follow from what was measured', async () => {
  const { report } = await costReport(smallSpec, 1, [64, 64], { device, train: 100 });
  assert.equal(extrapolate(report, smallSpec, 1, [64, 64], 100), report);
  const larger = { ...smallSpec, transform: { ...smallSpec.transform, minSize: 256 } };
  const four = extrapolate(report, larger, 1, [64, 64], 400);
  assert.equal(four.trained, [256, 256]);
  const ratio = four.gigaMacs / report.gigaMacs;
  // Sixteen times the pixels; the coarsest levels are rounded up.
  assert.ok(ratio > 14 && ratio <= 16, `${ratio}`);
  near(four.batches[0]?.stepSeconds ?? 0, ratio * (report.batches[0]?.stepSeconds ?? 0), 1e-9, 'step');
  near(four.batches[0]?.epochSeconds ?? 0, 4 * ratio * (report.batches[0]?.epochSeconds ?? 0), 1e-9, 'epoch');
  const off = (costs: typeof report, spec: RetinaNetSpec): number =>
    (costs.batches[2]?.bytes ?? 0) / trainingBytes(networkCost(spec, 1, [64, 64]), 4);
  near(off(four, larger), off(report, smallSpec), 1e-6, 'correction');
  // The step may be measured on something smaller.
  const stepWith = { spec: smallSpec, image: [64, 64] as const };
  const scene = (await costReport(larger, 1, [64, 64], { device, train: 100, stepWith })).report;
  assert.equal(
    [scene.trained, scene.measured?.trained],
    [
      [256, 256],
      [64, 64],
    ],
  );
  near(scene.batches[0]?.stepSeconds ?? 0, ratio * (scene.measured?.seconds ?? 0), 1e-9, 'step of a scene');
});

/** Recommendations for boxes with sides of `side` pixels, a tenth of them of `large`, in images of a size. */
async function recommended(
  side: number,
  width: number,
  height: number,
  train: number,
  memoryLimit: number,
  spec: RetinaNetSpec,
  large = side,
): Promise<Map<Recommendation['setting'], Recommendation>> {
  const boxes = [10, 30, 50].map((x): Box => [x, x, x + side, x + side]);
  const sizes = { p10: side, median: side, p90: large, largest: large };
  const advice = adviseSize(spec, [height, width], sizes, { tile: null, overlap: 64 });
  const placed = placeBoxes([imageOf(width, height, boxes)], spec);
  const { report } = await costReport(spec, 1, [height, width], { device: null, train, memoryLimit });
  const suggestion = suggestAnchors(placed, spec);
  return new Map(recommend({ advice, suggestion, cost: report, train }).map((row) => [row.setting, row]));
}

test('image size: kept if objects are large enough, enlarged if not, tiles for large images', async () => {
  const valueOf = async (...input: Parameters<typeof recommended>): Promise<(string | undefined)[]> => {
    const all = await recommended(...input);
    return [all.get('image size')?.value, all.get('tiles')?.value];
  };
  const own = network(18);
  assert.equal(await valueOf(16, 320, 256, 100, 8e9, own), ['256 (unchanged)', undefined]);
  // 6 pixels become 12.
  assert.equal(await valueOf(6, 320, 256, 100, 8e9, own), ['512', undefined]);
  // Shrunk to 256, objects of 12 pixels have 3; as they were they have enough.
  assert.equal(await valueOf(12, 1200, 1024, 100, 8e9, network(18, 256)), ['1024', undefined]);
  // A scene of 5000 pixels is too large as a whole.
  assert.equal(await valueOf(16, 5000, 5000, 100, 8e9, own), ['none (unchanged)', '640']);
  assert.equal(await valueOf(16, 5000, 5000, 100, 8e9, network(18, 800)), ['none', '640']);
  assert.equal(await valueOf(6, 5000, 5000, 100, 8e9, own), ['640', '320']);
  // Tiles hold large objects, too, here of 500 pixels; of whole images, if objects fill them.
  assert.equal(await valueOf(16, 5000, 5000, 100, 8e9, own, 500), ['none (unchanged)', '992']);
  assert.equal(await valueOf(16, 2000, 1500, 100, 8e9, own, 1200), ['992', undefined]);
  assert.equal(await valueOf(9, 2000, 1500, 100, 8e9, own, 1200), ['1500 (unchanged)', undefined]);
  // Images that are lower than a tile: a tile is enlarged by its shorter side.
  assert.equal(await valueOf(16, 2000, 430, 100, 8e9, own), ['none (unchanged)', '640']);
  assert.equal(await valueOf(6, 2000, 200, 100, 8e9, own), ['416', '320']);
  // Large objects are still large enough in a smaller image.
  assert.equal(await valueOf(160, 1280, 1024, 100, 8e9, own), ['192', undefined]);
});

test('batch size: what fits and leaves enough steps; learning rates scale with its square root; epochs fill the run', async () => {
  const own = network(50, 512);
  const valueOf = async (train: number, limit: number, spec = own): Promise<(string | undefined)[]> => {
    const all = await recommended(24, 512, 512, train, limit, spec);
    return (['batch size', 'learning rate', 'learning rate, fine-tuning', 'epochs'] as const).map(
      (name) => all.get(name)?.value,
    );
  };
  assert.equal(await valueOf(1000, 24e9), ['16', '1e-3', '1e-4', '49']);
  // Batches of 16 would take 375 epochs of 8 steps.
  assert.equal(await valueOf(128, 24e9), ['4', '5e-4', '5e-5', '94']);
  assert.equal(await valueOf(32, 24e9), ['4', '5e-4', '5e-5', '375']);
  assert.equal(await valueOf(3, 24e9), ['1', '2.5e-4', '2.5e-5', '1000']);
  // Four copies of 146 MB and 580 MB an image.
  assert.equal(await valueOf(100_000, 2e9), ['1', '2.5e-4', '2.5e-5', '12']);
  assert.equal((await recommended(24, 512, 512, 100, 5e8, own)).get('batch size')?.value, '1');
  assert.match((await recommended(24, 512, 512, 100, 5e8, own)).get('batch size')?.reason ?? '', 'even one image');
  // Narrow networks take higher rates: 3e-3 for a width of 16.
  const narrow = retinaNetSpec('torchvision', { backbone: { depth: 18, width: 16 }, transform: { minSize: null } });
  assert.is((await valueOf(40, 8e9, narrow))[1], '3e-3');
});

test('a run has the number of steps that its reason names, and few evaluations', async () => {
  for (const train of [1, 5, 45, 128, 900, 50_000]) {
    const all = await recommended(24, 512, 512, train, 24e9, network(50, 512));
    const [, steps, total, needed] = /^(\d+) steps? per epoch, (\d+) in total; .* about (\d+)$/
      .exec(all.get('epochs')!.reason)!
      .map(Number);
    assert.is(total, steps! * all.get('epochs')!.number!);
    assert.ok(total! >= needed!, `${train}: ${total}`);
    assert.is(steps, Math.max(1, Math.floor(train / all.get('batch size')!.number!)));
    const every = all.get('epochs between evaluations')?.number ?? 1;
    assert.ok(all.get('epochs')!.number! / every <= 100);
    assert.not.ok(all.has('training time'), 'no step was measured');
  }
});

test('the time of a run is its epochs; of a long run, a shorter one is named', () => {
  // An image takes a second.
  const cost = (train: number) => ({
    batches: [1, 2, 4, 8, 16].map((batch) => ({
      batch,
      bytes: 1,
      stepSeconds: batch,
      epochSeconds: batch * Math.max(1, Math.floor(train / batch)),
    })),
    memoryLimit: 1e9,
    limitIsAssumed: false,
  });
  const placed = placeBoxes([imageOf(64, 64, [[4, 4, 20, 20]])], smallSpec);
  const timeOf = (train: number, seconds: number): Recommendation => {
    const { batches, ...rest } = cost(train);
    const slower = batches.map((row) => ({ ...row, epochSeconds: row.epochSeconds * seconds }));
    const advice = { rows: [], spec: smallSpec, image: [64, 64] as const, tile: null, overlap: 64 };
    const suggestion = suggestAnchors(placed, smallSpec);
    const report = { ...costOf, ...rest, batches: slower };
    const rows = recommend({ advice, suggestion, cost: report, train });
    return rows.find(({ setting }) => setting === 'training time')!;
  };
  const costOf = {
    image: [64, 64] as const,
    trained: [64, 64] as const,
    parameters: 1,
    gigaMacs: 1,
    measured: null,
  };
  // 30 epochs of 1600 images with batches of 16.
  const short = timeOf(1600, 0.05);
  assert.equal([short.value, short.reason.replace(/,.*/, '')], ['40 min', '30 epochs of 1 min']);
  const long = timeOf(1600, 0.1);
  assert.is(long.value, '80 min');
  // Batches of 8, 200 steps an epoch: 15 epochs of 160 s.
  assert.match(
    long.reason,
    /: more than an hour; train\.batchSize=8 train\.epochs=15 train\.learningRate=auto takes 40 min$/,
  );
  const slow = timeOf(1600, 10);
  assert.match(
    slow.reason,
    /train\.batchSize=1 train\.epochs=2 train\.learningRate=auto takes 8\.9 h; a smaller model\.network/,
  );
  // Fewer epochs of the same batches.
  assert.match(
    timeOf(16_000, 0.03).reason,
    /train\.batchSize=16 train\.epochs=3 train\.learningRate=auto takes 24 min$/,
  );
});

test('samples are counted as tiles are cut, and boxes placed at the scale of their tiles', () => {
  const items = [itemOf('wide.png', 1000, 300, [objectAt([100, 100, 120, 110])]), itemOf('low.png', 300, 100, [])];
  assert.is(countSamples(items, { tile: null, overlap: 64 }), 2);
  // Starts at 0, 192, 384, 576, 744 and at 0, 44; one row of 0, 44.
  assert.is(countSamples(items, { tile: 256, overlap: 64 }), 5 * 2 + 2);
  const spec = network(18, 512);
  const { widths, heights } = placeSamples(items, spec, { tile: 256 });
  assert.equal([...widths, ...heights].map(Math.round), [40, 20], 'tiles of 256 become 512');
  const whole = placeSamples(items, spec, { tile: null });
  assert.equal([...whole.widths, ...whole.heights].map(Math.round), [27, 13], 'limited by the longer side, 1333');
  assert.equal([...placeSamples(items, network(18), { tile: 256 }).widths].map(Math.round), [20]);
});

test.run();
