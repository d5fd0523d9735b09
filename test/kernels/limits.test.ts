import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { grad } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { assertClose } from '../support/compare.ts';
import { Rng } from '../support/rng.ts';
import { testDevice, withDevice } from '../support/device.ts';

const device = await testDevice();

/** Values that differ from element to element, the same on every device. */
function values(name: string, size: number): Float32Array {
  const rng = new Rng(name);
  return Float32Array.from({ length: size }, () => rng.uniform(-1, 1));
}

type Case = readonly [name: string, shapes: readonly (readonly number[])[], op: (...inputs: Tensor[]) => Tensor];

/** Operations on tensors whose batch does not fit into one binding of LIMIT bytes. */
const LIMIT = 4096;
const cases: readonly Case[] = [
  ['relu', [[3000]], (x) => ops.relu(x)],
  ['add', [[3001], [3001]], (a, b) => ops.add(a, b)],
  ['add, stretched', [[5, 7, 40], [40]], (a, b) => ops.add(a, b)],
  [
    'mul, both stretched',
    [
      [50, 1, 7],
      [1, 9, 7],
    ],
    (a, b) => ops.mul(a, b),
  ],
  [
    'mul, rows of an odd size',
    [
      [7, 301],
      [7, 1],
    ],
    (a, b) => ops.mul(a, b),
  ],
  [
    'where',
    [
      [40, 50],
      [40, 50],
    ],
    (a, b) => ops.where(ops.less(a, b), a, 0),
  ],
  ['sum of rows', [[30, 100]], (x) => ops.sum(x, 1)],
  ['sum of a large image batch', [[9, 10, 10, 5]], (x) => ops.sum(x, [1, 2])],
  ['softmax', [[60, 33]], (x) => ops.softmax(x)],
  ['slice', [[40, 70]], (x) => ops.slice(x, [3, 5], [30, 60])],
  [
    'pad',
    [[30, 60]],
    (x) =>
      ops.pad(x, [
        [1, 2],
        [3, 4],
      ]),
  ],
  [
    'concat',
    [
      [20, 70],
      [15, 70],
    ],
    (a, b) => ops.concat([a, b], 0),
  ],
  ['transpose within rows', [[20, 9, 11]], (x) => ops.transpose(x, [0, 2, 1])],
  [
    'matmul',
    [
      [9, 15, 20],
      [9, 20, 13],
    ],
    (a, b) => ops.matmul(a, b),
  ],
  [
    'matmul by one matrix',
    [
      [9, 15, 20],
      [20, 13],
    ],
    (a, b) => ops.matmul(a, b),
  ],
  ['conv2d', [[7, 11, 9, 5], [3, 3, 5, 6], [6]], (x, w, b) => ops.conv2d(x!, w!, b!, { padding: 1 })],
  [
    'conv2d, stride 2',
    [
      [7, 11, 9, 8],
      [3, 3, 8, 4],
    ],
    (x, w) => ops.conv2d(x!, w!, null, { padding: 1, stride: 2 }),
  ],
  ['maxPool2d', [[9, 11, 9, 5]], (x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 1 })],
  ['avgPool2d', [[9, 11, 9, 5]], (x) => ops.avgPool2d(x, { kernel: 2 })],
  ['upsampleNearest', [[9, 5, 7, 5]], (x) => ops.upsampleNearest(x, [11, 13])],
  ['upsampleBilinear', [[9, 5, 7, 4]], (x) => ops.upsampleBilinear(x, [9, 13])],
  ['batchNorm', [[9, 10, 10, 5], [5], [5]], (x, g, b) => ops.batchNorm(x!, g!, b!).y],
  ['groupNorm', [[9, 10, 10, 8], [8], [8]], (x, g, b) => ops.groupNorm(x!, 2, g!, b!)],
  ['topK', [[60, 33]], (x) => ops.topK(x, 5).values],
];

for (const [name, shapes, op] of cases) {
  test(`${name}: tensors larger than the binding limit give the same results and gradients`, async () => {
    const compute = async (): Promise<Float32Array[]> => {
      const results = tidy(() => {
        const inputs = shapes.map((shape, i) => {
          const size = shape.reduce((a, b) => a * b, 1);
          return tensor(values(`${name} ${i}`, size), { shape, requiresGrad: true });
        });
        const y = op(...inputs);
        const dy = tensor(values(`${name} dy`, y.size), { shape: y.shape });
        return [y, ...grad(y, inputs, { gradient: dy })];
      });
      const data: Float32Array[] = [];
      for (const t of results) {
        data.push((await t.data()) as Float32Array);
        t.dispose();
      }
      return data;
    };
    const expected = await compute();
    await withDevice({ bindingLimit: LIMIT }, async () => {
      const actual = await compute();
      assert.ok(
        expected.some((values) => values.byteLength > LIMIT),
        'the case is too small to be cut',
      );
      // Sums are cut at other places, so they may round differently.
      expected.forEach((values, i) => {
        assertClose(actual[i]!, values, { tolerance: { relative: 1e-5, largest: 1e-5 }, label: `tensor ${i}` });
      });
    });
  });
}

test('Winograd convolutions whose tiles do not fit the workspace at once give the same results and gradients', async () => {
  const compute = async (): Promise<Float32Array[]> => {
    const results = tidy(() => {
      const x = tensor(values('x', 2 * 24 * 20 * 32), { shape: [2, 24, 20, 32], requiresGrad: true });
      const w = tensor(values('w', 9 * 32 * 32), { shape: [3, 3, 32, 32], requiresGrad: true });
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
