import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { grad } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice, withDevice } from '../support/device.ts';
import { uniformValues } from '../support/fill.ts';

const device = await testDevice();

/** Bytes that the small device binds at once. test/support/op-suite.ts runs cases of operations on such a device. */
const LIMIT = 4096;

test('Winograd convolutions whose tiles do not fit the workspace at once give the same results and gradients', async () => {
  const compute = async (): Promise<Float32Array[]> => {
    const results = tidy(() => {
      const x = tensor(uniformValues('x', 2 * 24 * 20 * 32), { shape: [2, 24, 20, 32], requiresGrad: true });
      const w = tensor(uniformValues('w', 9 * 32 * 32), { shape: [3, 3, 32, 32], requiresGrad: true });
      const y = ops.conv2d(x, w, null, { padding: 1 });
      return [y, ...grad(y, [x, w], { gradient: y })];
    });
    const data = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
    for (const t of results) t.dispose();
    return data;
  };
  const expected = await compute();
  // 60 tiles of 36 x 32 values take 270 KiB.
  await withDevice({ bindingLimit: 160 * 1024 }, async () => {
    const actual = await compute();
    expected.forEach((values, i) => {
      assertClose(actual[i]!, values, { tolerance: { relative: 1e-5, largest: 1e-5 }, label: `tensor ${i}` });
    });
  });
});

test('one part that does not fit is an error that names the operation, the shape and both sizes', async () => {
  await withDevice({ bindingLimit: LIMIT }, async () => {
    const x = ops.zeros([1, 40, 40, 4]);
    const w = ops.zeros([3, 3, 4, 4]);
    assert.throws(
      () => ops.conv2d(x, w),
      /conv2d: one of the 1 parts of \[1,40,40,4\] takes 25.0 KiB, more than this adapter binds to a kernel at once \(4.0 KiB\)/,
    );
  });
});

test('more than 65,535 workgroups are folded into two dimensions', async () => {
  const size = 65_536 * 256 + 77; // relu's workgroups handle 256 elements, sum's and transpose's 64.
  const x = ops.arange(0, size, 1, { device });
  const y = tidy(() => ops.relu(ops.sub(x, 5)));
  const middle = tidy(() => ops.slice(y, [size - 3], [3]));
  const expected = [3, 2, 1].map((n) => Math.fround(Math.fround(size - n) - 5)); // Above 2^24 floats are even.
  assert.equal([...(await middle.data())], expected);
  const rows = tidy(() => ops.sum(ops.reshape(ops.slice(y, [5], [65_540 * 64]), [65_540 * 64, 1]), 1));
  const last = tidy(() => ops.slice(rows, [65_540 * 64 - 2], [2]));
  assert.equal([...(await last.data())], [65_540 * 64 - 2, 65_540 * 64 - 1].map(Math.fround));
  for (const t of [x, y, middle, rows, last]) t.dispose();
  device.trim();
});

test.run();
