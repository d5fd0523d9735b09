import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice } from '../support/device.ts';
import { uniformValues } from '../support/fill.ts';

// The epilogue of a convolution or of batch normalisation must equal the separate operations.
const device = await testDevice();

type Op = (inputs: readonly Tensor[], after: ops.Epilogue) => Tensor;

/** Batch normalisation of few rows as GPUs compute it, in one launch. */
const withFewRows: Op = ([x, g, b], after) => {
  const before = device.tuning;
  device.tuning = 'nvidia';
  try {
    return ops.batchNorm(x!, g!, b!, {}, after).y;
  } finally {
    device.tuning = before;
  }
};

const cases: readonly (readonly [name: string, shapes: readonly number[][], op: Op])[] = [
  ['conv2d', [[2, 5, 7, 3], [3, 3, 3, 6], [6]], ([x, w, b], after) => ops.conv2d(x!, w!, b!, { padding: 1 }, after)],
  ['conv2d 1x1', [[2, 5, 7, 8], [1, 1, 8, 4], [4]], ([x, w, b], after) => ops.conv2d(x!, w!, b!, {}, after)],
  [
    'conv2d, Winograd',
    [[2, 13, 14, 32], [3, 3, 32, 32], [32]],
    ([x, w, b], after) => ops.conv2d(x!, w!, b!, { padding: 1 }, after),
  ],
  [
    'conv2d, Winograd with small tiles',
    [[2, 7, 8, 128], [3, 3, 128, 128], [128]],
    ([x, w, b], after) => ops.conv2d(x!, w!, b!, { padding: 1 }, after),
  ],
  [
    'conv2d in groups',
    [[2, 5, 7, 6], [3, 3, 3, 10], [10]],
    ([x, w, b], after) => ops.conv2d(x!, w!, b!, { padding: 1, groups: 2 }, after),
  ],
  [
    'depthwise conv2d',
    [[2, 5, 7, 8], [3, 3, 1, 8], [8]],
    ([x, w, b], after) => ops.conv2d(x!, w!, b!, { padding: 1, groups: 8 }, after),
  ],
  ['batchNorm', [[3, 5, 7, 4], [4], [4]], ([x, g, b], after) => ops.batchNorm(x!, g!, b!, {}, after).y],
  ['batchNorm, odd channels', [[3, 5, 7, 5], [5], [5]], ([x, g, b], after) => ops.batchNorm(x!, g!, b!, {}, after).y],
  ['batchNorm of few rows', [[3, 5, 7, 12], [12], [12]], withFewRows],
  ['batchNorm of few rows, odd channels', [[3, 5, 7, 13], [13], [13]], withFewRows],
  [
    'batchNormInference',
    [[3, 5, 7, 4], [4], [4]],
    ([x, g, b], after) => ops.batchNormInference(x!, g!, b!, g!, ops.abs(b!), {}, after),
  ],
];

for (const [name, shapes, op] of cases) {
  for (const { relu, adds } of [
    { relu: true, adds: false },
    { relu: false, adds: true },
    { relu: true, adds: true },
  ]) {
    test(`${name} with${relu ? ' relu' : ''}${adds ? ' add' : ''} is what the operations one by one are`, async () => {
      const run = (fused: boolean): Promise<unknown>[] => {
        const results = ops.tidy(() => {
          const inputs = shapes.map((shape, i) => leaf(`${name} ${i}`, shape));
          const plain = (): Tensor => op(inputs, {});
          const shape = ops.tidy(plain).shape;
          const add = adds ? leaf('add', shape) : null;
          let y = fused ? op(inputs, { add, relu }) : plain();
          if (!fused && add !== null) y = ops.add(y, add);
          if (!fused && relu) y = ops.relu(y);
          const wanted = add === null ? inputs : [...inputs, add];
          return [y, ...ops.grad(y, wanted, { gradient: ops.tensor(uniformValues('dy', y.size), { shape: y.shape }) })];
        });
        return results.map(async (t) => {
          const data = await t.data();
          t.dispose();
          return data;
        });
      };
      const [actual, expected] = [await Promise.all(run(true)), await Promise.all(run(false))];
      assert.is(actual.length, expected.length);
      expected.forEach((result, i) => {
        assertClose(actual[i] as Float32Array, result as Float32Array, {
          tolerance: { relative: 1e-6, largest: 1e-6 },
          label: `tensor ${i}`,
        });
      });
    });
  }
}

for (const [name, xs, ws, groups] of [
  ['direct', [2, 5, 7, 3], [3, 3, 3, 6], 1],
  ['Winograd', [2, 13, 14, 32], [3, 3, 32, 32], 1],
  ['Winograd with small tiles', [2, 7, 8, 128], [3, 3, 128, 128], 1],
  ['in groups', [2, 5, 7, 6], [3, 3, 3, 10], 2],
  ['depthwise', [2, 5, 7, 3], [3, 3, 1, 6], 3],
] as const) {
  test(`conv2d with scale, ${name}, is a convolution times the scale`, async () => {
    const results = ops.tidy(() => {
      const [x, w, bias] = [leaf('x', xs), leaf('w', ws), leaf('bias', [ws[3]])];
      const scale = ops.tensor(uniformValues('scale', ws[3]), { shape: [ws[3]] });
      const fused = ops.conv2d(x, w, bias, { padding: 1, groups }, { scale, relu: true });
      const plain = ops.relu(ops.add(ops.mul(ops.conv2d(x, w, null, { padding: 1, groups }), scale), bias));
      const gradient = ops.tensor(uniformValues('dy', fused.size), { shape: fused.shape });
      return [fused, plain].map((y) => [y, ...ops.grad(y, [x, w, bias], { gradient })]);
    });
    const [actual, expected] = await Promise.all(
      results.map((list) => Promise.all(list.map(async (t) => (await t.data()) as Float32Array))),
    );
    for (const t of results.flat()) t.dispose();
    expected!.forEach((values, i) => {
      assertClose(actual![i]!, values, { tolerance: { relative: 1e-5, largest: 1e-5 }, label: `tensor ${i}` });
    });
  });
}

// Gradients select where ReLU decides: at 0 the derivative of the root is infinite, and 0 times infinity is NaN.
for (const [name, xs, ws, groups] of [
  ['direct', [2, 5, 7, 3], [3, 3, 3, 6], 1],
  ['Winograd', [2, 13, 14, 32], [3, 3, 32, 32], 1],
  ['in groups', [2, 5, 7, 6], [3, 3, 3, 10], 2],
  ['depthwise', [2, 5, 7, 4], [3, 3, 1, 4], 4],
] as const) {
  for (const scaled of [false, true]) {
    test(`where ReLU of conv2d, ${name}${scaled ? ' with scale' : ''}, gives 0, an infinite gradient ends`, async () => {
      const results = ops.tidy(() => {
        const [x, w, bias] = [leaf('x', xs), leaf('w', ws), leaf('bias', [ws[3]])];
        const scale = scaled ? ops.ones([ws[3]]) : null;
        // Some outputs above, some below 0; a root above 0 has a finite gradient.
        const y = ops.conv2d(x, w, bias, { padding: 1, groups }, { scale, relu: true });
        const roots = ops.sqrt(y);
        return [y, ...ops.grad(roots, [x, w, bias], { gradient: ops.ones(roots.shape) })];
      });
      const [y, ...gradients] = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
      for (const t of results) t.dispose();
      assert.ok(y!.some((v) => v === 0) && y!.some((v) => v > 0));
      for (const values of gradients) assert.ok(values.every(Number.isFinite));
    });
  }
}

for (const [name, norm] of [
  ['batchNorm', (x, g, b) => ops.batchNorm(x, g, b, {}, { relu: true }).y],
  ['batchNormInference', (x, g, b) => ops.batchNormInference(x, g, b, b, ops.abs(g), {}, { relu: true })],
] as readonly (readonly [string, (x: Tensor, gamma: Tensor, beta: Tensor) => Tensor])[]) {
  test(`where ReLU of ${name} gives 0, an infinite gradient ends`, async () => {
    const results = ops.tidy(() => {
      const [x, gamma, beta] = [leaf('x', [3, 5, 7, 4]), leaf('gamma', [4]), leaf('beta', [4])];
      const y = norm(x, gamma, beta);
      return [y, ...ops.grad(ops.sqrt(y), [x, gamma, beta], { gradient: ops.ones(y.shape) })];
    });
    const [y, ...gradients] = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
    for (const t of results) t.dispose();
    assert.ok(y!.some((v) => v === 0) && y!.some((v) => v > 0));
    for (const values of gradients) assert.ok(values.every(Number.isFinite));
  });
}

test('what is added must have the shape of the result', () => {
  ops.tidy(() => {
    const x = ops.zeros([1, 4, 4, 8]);
    const add = ops.zeros([1, 4, 4, 1]);
    const message = /add \[1,4,4,1\] does not fit the result: expected \[1,4,4,8\]/;
    assert.throws(() => ops.conv2d(x, ops.zeros([1, 1, 8, 8]), null, {}, { add }), message);
    assert.throws(() => ops.batchNorm(x, ops.ones([8]), ops.zeros([8]), {}, { add }), message);
  });
});

function leaf(name: string, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return ops.tensor(uniformValues(name, size), { shape, requiresGrad: true });
}

test.run();
