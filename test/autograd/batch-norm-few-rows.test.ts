import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { inDryRun } from '../../src/tensor/dry-run.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice } from '../support/device.ts';
import { uniformValues } from '../support/fill.ts';
import { loadCases } from '../support/op-case.ts';
import { opSuite } from '../support/op-suite.ts';

// Batch normalisation with the kernels for GPUs, on any adapter: few rows take one launch in each direction.
await testDevice({ tuning: 'nvidia' });

const values = (name: string, ...shape: number[]): ops.Tensor =>
  ops.tensor(
    uniformValues(
      name,
      shape.reduce((a, b) => a * b),
    ),
    { shape },
  );

for (const [rows, launches] of [
  [[1, 64, 64], 1],
  [[4, 32, 32], 1],
  [[1, 4097], 3],
  [[2, 2049], 3],
] as const) {
  test(`${rows.join(' x ')} rows take ${launches} launches, and update the running statistics`, async () => {
    const layer = new ops.BatchNorm2d(10);
    const x = values('x', ...rows, 10);
    const found = inDryRun(() => void layer.forward(x)).launches;
    assert.is(found.length, launches, found.join('\n'));

    const count = x.size / 10;
    const y = layer.forward(x);
    const data = (await x.data()) as Float32Array;
    const ofChannel = (c: number): Float64Array => Float64Array.from({ length: count }, (_, i) => data[i * 10 + c]!);
    const means = Array.from({ length: 10 }, (_, c) => ofChannel(c).reduce((a, b) => a + b) / count);
    const squares = means.map((mean, c) => ofChannel(c).reduce((sum, v) => sum + (v - mean) ** 2, 0));
    const expected = [...means.map((mean) => 0.1 * mean), ...squares.map((sum) => 0.9 + (0.1 * sum) / (count - 1))];
    const actual = Float32Array.of(
      ...((await layer.runningMean.data()) as Float32Array),
      ...((await layer.runningVar.data()) as Float32Array),
    );
    const tolerance = { relative: 1e-6, largest: 1e-6 };
    assertClose(actual, expected, { tolerance, label: 'running statistics' });
    const normalized = expected
      .slice(0, 10)
      .map((_, c) => (data[c]! - means[c]!) / Math.sqrt(squares[c]! / count + 1e-5));
    assertClose(((await y.data()) as Float32Array).slice(0, 10), normalized, { tolerance, label: 'y' });
    for (const t of [x, y]) t.dispose();
    layer.dispose();
  });
}

test('a mean that is large against the deviation costs no precision', async () => {
  const offset = 1000;
  const noise = uniformValues('noise', 512 * 4);
  const x = ops.tensor(
    noise.map((v) => Math.fround(offset + v)),
    { shape: [512, 4] },
  );
  const { y, mean, variance } = ops.batchNorm(x, ops.ones([4]), ops.zeros([4]));
  const data = (await x.data()) as Float32Array;
  const column = Float64Array.from({ length: 512 }, (_, i) => data[4 * i]! - offset);
  const center = column.reduce((a, b) => a + b) / 512;
  const spread = column.reduce((sum, v) => sum + (v - center) ** 2, 0) / 512;
  const tolerance = { relative: 1e-5, largest: 0 };
  assertClose(((await variance.data()) as Float32Array).slice(0, 1), [spread], { tolerance, label: 'variance' });
  for (const t of [x, y, mean, variance]) t.dispose();
});

const cases = await loadCases(['batchNorm']);
await opSuite('few rows', cases);
