import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axpby } from '../../src/autograd/ops/no-gradient.ts';
import { ReLU } from '../../src/nn/activations.ts';
import { Linear, Sequential } from '../../src/nn/layers.ts';
import { Parameter } from '../../src/nn/module.ts';
import { BatchNorm2d } from '../../src/nn/norm.ts';
import { tensor, write } from '../../src/tensor/create.ts';
import type { DType } from '../../src/tensor/dtype.ts';
import { formatValues, shownElements } from '../../src/tensor/format.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { testDevice } from '../support/device.ts';

const device = await testDevice();
const { name } = device.adapter;

/** The text of values, line by line. */
const text = (values: number[], shape: number[] = [values.length], dtype: DType = 'float32'): string[] =>
  formatValues(shownElements(values, shape), shape, dtype).split('\n');
const count = (length: number, step = 1): number[] => Array.from({ length }, (_, i) => i * step);

test('whole numbers, fractions, scientific notation and special values, as in PyTorch', () => {
  assert.equal(text([1, 2, 3]), ['[1., 2., 3.]']);
  assert.equal(text([1, -2, 100]), ['[  1.,  -2., 100.]']);
  assert.equal(text([0.5, -2, 100]), ['[  0.5000,  -2.0000, 100.0000]']);
  assert.equal(text([1e-5, 1]), ['[1.0000e-05, 1.0000e+00]']);
  assert.equal(text([1, 1001]), ['[1.0000e+00, 1.0010e+03]']);
  assert.equal(text([-2e9]), ['[-2.0000e+09]']);
  assert.equal(text([0, NaN, Infinity, -Infinity]), ['[  0.,  nan,  inf, -inf]']);
  assert.equal(text([-0, 0]), ['[-0.,  0.]']);
  assert.equal(text([1, -3], [2], 'int32'), ['[ 1, -3]']);
  assert.equal(text([4294967295, 0], [2], 'uint32'), ['[4294967295,          0]']);
  assert.equal(text([1, 0], [2], 'bool'), ['[ true, false]']);
});

test('nested brackets, scalars and empty tensors', () => {
  assert.equal(text([7], []), ['7.']);
  assert.equal(text([], [0]), ['[]']);
  assert.equal(text([], [2, 0]), ['[[],', ' []]']);
  assert.equal(text([1, 2, 3, 4], [2, 2]), ['[[1., 2.],', ' [3., 4.]]']);
  assert.equal(text(count(8), [2, 2, 2]), ['[[[0., 1.],', '  [2., 3.]],', '', ' [[4., 5.],', '  [6., 7.]]]']);
});

test('long rows are wrapped, and large tensors summarised', () => {
  const lines = text(count(30), [30], 'int32');
  assert.equal(lines, [
    '[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,',
    ' 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]',
  ]);
  assert.equal(text(count(1001), [1001], 'int32'), ['[   0,    1,    2, ...,  998,  999, 1000]']);
  assert.equal(text(count(40 * 30), [40, 30], 'int32'), [
    '[[   0,    1,    2, ...,   27,   28,   29],',
    ' [  30,   31,   32, ...,   57,   58,   59],',
    ' [  60,   61,   62, ...,   87,   88,   89],',
    ' ...,',
    ' [1110, 1111, 1112, ..., 1137, 1138, 1139],',
    ' [1140, 1141, 1142, ..., 1167, 1168, 1169],',
    ' [1170, 1171, 1172, ..., 1197, 1198, 1199]]',
  ]);
  assert.equal(text(count(1200), [2, 300, 2], 'int32')[3], '  ...,');
});

/** What `print` writes to the console. */
async function printed(t: Tensor): Promise<string> {
  const { log } = console;
  let output = '';
  console.log = (line: string) => (output = line);
  try {
    await t.print();
  } finally {
    console.log = log;
  }
  return output;
}

test('print shows type, shape and values', async () => {
  const [a, b] = [
    tensor([
      [1, 2],
      [3, 4.5],
    ]),
    tensor([true, false]),
  ];
  assert.is(await printed(a), 'Tensor(float32 [2,2])\n[[1.0000, 2.0000],\n [3.0000, 4.5000]]');
  assert.is(await printed(b), 'Tensor(bool [2]) [ true, false]');
  a.dispose();
  b.dispose();
});

test('console.log shows type, shape and device, and values while they are known', async () => {
  const a = tensor([1, 2]);
  const unread = `Tensor(float32 [2], ${name}, values not read: await print())`;
  assert.is(inspect(a), unread);
  await a.data();
  assert.is(inspect(a), `Tensor(float32 [2], ${name}) [1., 2.]`);
  assert.is(inspect([a], { breakLength: Infinity }), `[ Tensor(float32 [2], ${name}) [1., 2.] ]`);
  axpby(a, a, 1, 1);
  assert.is(inspect(a), unread);
  await a.data();
  assert.is(inspect(a), `Tensor(float32 [2], ${name}) [2., 4.]`);
  write(a, [3, 4]);
  assert.is(inspect(a), unread);
  a.dispose();
  assert.is(inspect(a), `Tensor(float32 [2], ${name}, disposed)`);
  const p = new Parameter(tensor([1]));
  assert.is(inspect(p), `Parameter(float32 [1], ${name}, requiresGrad, values not read: await print())`);
  p.dispose();
});

test('consoles without a custom text and JSON.stringify show no internals', async () => {
  const a = tensor([1, 2]);
  assert.equal(Object.keys(a), ['shape', 'dtype', 'size', 'requiresGrad']);
  const plain = { dtype: 'float32', shape: [2], device: name, requiresGrad: false };
  assert.equal(JSON.parse(JSON.stringify(a)), plain);
  await a.data();
  assert.equal(JSON.parse(JSON.stringify(a)), { ...plain, values: [1, 2] });
  a.dispose();
  const large = tensor(new Float32Array(2000));
  await large.data();
  assert.is('values' in JSON.parse(JSON.stringify(large)), false);
  large.dispose();
});

test('a device shows its adapter and memory', () => {
  assert.match(inspect(device), /^Device\(.+, (?:software|hardware), \d+ tensors?, .+\)$/);
  assert.is(String(device), `Device(${name})`);
  assert.equal(JSON.parse(JSON.stringify(device)).adapter, { ...device.adapter });
});

test('a module shows its tree', () => {
  const model = new Sequential(new Linear(2, 3), new Sequential(new ReLU(), new BatchNorm2d(3)));
  const expected = `Sequential(
  (0): Linear(weight [2,3], bias [3])
  (1): Sequential(
    (0): ReLU()
    (1): BatchNorm2d(weight [3], bias [3], runningMean [3], runningVar [3])
  )
)`;
  assert.is(inspect(model), expected);
  assert.is(String(model), expected);
  model.dispose();
});

test.run();
