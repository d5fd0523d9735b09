import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { inDryRun } from '../../src/tensor/dry-run.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice } from '../support/device.ts';
import { loadCases } from '../support/op-case.ts';
import { opSuite } from '../support/op-suite.ts';

// Reductions with the kernels for GPUs, on any adapter: a long axis takes one launch if the result is small.
await testDevice({ tuning: 'nvidia' });

for (const [shape, axes, launches] of [
  [[24552], [0], 1],
  [[32768], [0], 1],
  [[32769], [0], 3],
  [[3, 257], [1], 1],
  [[3, 256], [1], 2],
  [[2, 14, 16, 36], [0, 1, 2], 1],
  [[5, 65, 9], [1], 1],
  [[1, 4096, 7], [1], 1],
  [[1, 4097, 7], [1], 3],
  [[4097, 65], [1], 2],
] as const) {
  test(`[${shape}] over [${axes}] takes ${launches} launches`, async () => {
    const x = ops.randn(shape, { seed: 1 });
    const count = ops.tidy(() => inDryRun(() => void ops.sum(x, axes)).launches.length);
    assert.is(count, launches);
    const data = (await x.data()) as Float32Array;
    const inner = sizeOf(shape.slice(axes.at(-1)! + 1));
    const extent = sizeOf(axes.map((axis) => shape[axis]!));
    const along = (o: number, i: number): number[] =>
      Array.from({ length: extent }, (_, k) => data[(o * extent + k) * inner + i]!);
    const results = Array.from({ length: data.length / extent }, (_, at) => along(Math.floor(at / inner), at % inner));
    const found = ops.tidy(() => [ops.sum(x, axes), ops.max(x, axes), ops.min(x, axes)]);
    const [sum, largest, smallest] = await Promise.all(found.map((t) => t.data()));
    const tolerance = { absolute: 1e-6 * extent };
    assertClose(
      sum!,
      results.map((list) => list.reduce((a, b) => a + b)),
      { tolerance, label: 'sum' },
    );
    assert.equal(
      [...largest!],
      results.map((list) => Math.max(...list)),
    );
    assert.equal(
      [...smallest!],
      results.map((list) => Math.min(...list)),
    );
    for (const t of [x, ...found]) t.dispose();
  });
}

test('a NaN anywhere wins, and integers are exact', async () => {
  for (const at of [0, 300, 999]) {
    const values = Float32Array.from({ length: 1000 }, (_, i) => (i === at ? NaN : -i));
    const x = ops.tensor(values);
    const found = ops.tidy(() => [ops.sum(x), ops.max(x), ops.min(x)]);
    for (const t of found) assert.ok(Number.isNaN(await t.item()), `NaN at ${at}`);
    for (const t of [x, ...found]) t.dispose();
  }
  const x = ops.tensor(
    Int32Array.from({ length: 1000 }, (_, i) => 2 ** 24 + i),
    { dtype: 'int32' },
  );
  const found = ops.tidy(() => [ops.max(x), ops.min(x)]);
  assert.equal(await Promise.all(found.map((t) => t.item())), [2 ** 24 + 999, 2 ** 24]);
  for (const t of [x, ...found]) t.dispose();
});

await opSuite('tree', await loadCases(['sum', 'max', 'min', 'mean']));
