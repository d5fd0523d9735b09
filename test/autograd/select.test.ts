// What the tables of cases do not show: errors, what is left behind, indices out of range, equal bits, many indices.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';

const device = await testDevice();
const int32 = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  ops.tensor(Int32Array.from(values), { shape });

test('the gradient of gather with many indices: each row sums its own, with equal bits every time', async () => {
  const [rows, columns, count] = [20_000, 4, 50_000];
  const indices = Int32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 7 : (i * 7919) % rows));
  const upstream = Float32Array.from({ length: count * columns }, (_, i) => Math.sin(i));
  const expected = new Float64Array(rows * columns);
  indices.forEach((row, i) => {
    for (let c = 0; c < columns; c++) expected[row * columns + c]! += upstream[i * columns + c]!;
  });
  const gradientOf = () =>
    ops.tidy(() => {
      const x = ops.zeros([rows, columns], { requiresGrad: true });
      const y = ops.gather(x, ops.tensor(indices));
      return ops.grad(y, [x], { gradient: ops.tensor(upstream, { shape: [count, columns] }) })[0]!;
    });
  const first = gradientOf();
  const values = await first.data();
  values.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-3 + 1e-5 * Math.abs(expected[i]!)));
  const second = gradientOf();
  assert.equal(await second.data(), values);
  first.dispose();
  second.dispose();
});

test('an index out of range gets no gradient in takeAlongAxis, and gives none in scatterAdd', async () => {
  const indices = int32([1, -1, 3, 2 ** 31 - 1, -(2 ** 31)]);
  const x = ops.tensor([5, 6, 7], { requiresGrad: true });
  const picked = ops.takeAlongAxis(x, indices, 0);
  assert.equal([...(await picked.data())], [6, NaN, NaN, NaN, NaN]);
  ops.backward(ops.sum(picked));
  assert.equal([...(await x.grad!.data())], [0, 1, 0]);
  const source = ops.tensor([1, 2, 3, 4, 5], { requiresGrad: true });
  ops.backward(ops.sum(ops.scatterAdd(ops.zeros([3]), indices, source, 0)));
  assert.equal([...(await source.grad!.data())], [1, 0, 0, 0, 0]);
});

test('scatter: the last of equal indices stays, and only it gets the gradient', async () => {
  const x = ops.tensor([1, 2, 3], { requiresGrad: true });
  const source = ops.tensor([10, 20, 30, 40], { requiresGrad: true });
  const y = ops.scatter(x, int32([2, 0, 2, 2]), source, 0);
  assert.equal([...(await y.data())], [20, 2, 40]);
  ops.backward(ops.sum(y));
  assert.equal([...(await x.grad!.data())], [0, 1, 0]);
  assert.equal([...(await source.grad!.data())], [0, 1, 0, 1]);
});

test('nothing is left behind outside tidy', () =>
  leavesNothing(device, async () => {
    const x = ops.tensor([3, 1, 2, 4], { shape: [2, 2], requiresGrad: true });
    const indices = int32([1, 0], [2, 1]);
    const results = [
      ops.sort(x),
      ops.topK(x, 1, { axis: 0 }),
      { y: ops.argsort(x), z: ops.takeAlongAxis(x, indices, 1) },
      { y: ops.scatter(x, indices, x, 1), z: ops.scatterAdd(x, indices, x, 1) },
      { y: ops.maskedFill(x, indices, 1), z: ops.oneHot(indices, 3) },
      { y: ops.stack([x, x]), z: ops.repeat(x, [2, 3]) },
      { y: ops.variance(x), z: ops.std(x, 1), w: ops.norm(x, 0, { p: 1 }), v: ops.norm(x) },
      { y: ops.logSumExp(x), z: ops.logSumExp(x, 0, { keepDims: true }), w: ops.prod(x), v: ops.prod(x, 1) },
      { y: ops.cumsum(x, 0), z: ops.any(x), w: ops.all(x, 0) },
      { y: ops.tril(x), z: ops.eye(3), w: ops.linspace(0, 1, 3) },
    ];
    await Promise.all(results.flatMap((result) => Object.values(result)).map((t) => t.data()));
    for (const t of results.flatMap((result) => Object.values(result))) t.dispose();
    x.dispose();
    indices.dispose();
  }));

test('a change in place of a result does not show in the input', async () => {
  const x = ops.tensor([3, 4], { shape: [2, 1] });
  const results = [ops.repeat(x, [1, 1]), ops.prod(x, 1), ops.einsum('ij', x), ops.flip(x, 1), ops.tril(x)];
  results.push(ops.stridedSlice(x, [null]), ops.split(x, 2)[0]!, ops.sort(x).values, ops.cumsum(x, 1), ops.stack([x]));
  for (const y of results) ops.assign(y, ops.zeros(y.shape));
  assert.equal([...(await x.data())], [3, 4]);
});

test('errors name the operation, the argument and the shapes', () => {
  const x = ops.zeros([2, 3]);
  const indices = int32([0, 0], [2, 1]);
  const refused: [() => unknown, string][] = [
    [() => ops.gather(ops.zeros([0, 3]), indices), 'gather: axis 0 of [0,3] has nothing to pick'],
    [
      () => ops.takeAlongAxis(x, int32([0]), 0),
      'takeAlongAxis: indices [1] and [2,3] differ in rank, expected one axis for each',
    ],
    [() => ops.takeAlongAxis(ops.zeros([2, 0]), indices, 1), 'takeAlongAxis: axis 1 of [2,0] has nothing to pick'],
    [
      () => ops.scatter(x, int32([0, 0, 0], [3, 1]), ops.zeros([3, 1]), 1),
      'scatter: indices [3,1] do not lie in the source [3,1] and, except along axis 1, in [2,3]',
    ],
    [
      () => ops.scatterAdd(x, indices, ops.zeros([1, 1]), 1),
      'scatterAdd: indices [2,1] do not lie in the source [1,1] and, except along axis 1, in [2,3]',
    ],
    [() => ops.topK(x, 4), 'topK: k is 4, expected an integer from 0 to 3'],
    [() => ops.sort(x, 2), 'sort: axis is 2, expected an integer from -2 to 1'],
    [() => ops.oneHot(indices, 0), 'oneHot: numClasses is 0, expected an integer >= 1'],
    [() => ops.maskedFill(x, ops.zeros([4, 2, 3]), 0), 'maskedFill: the mask [4,2,3] does not broadcast to [2,3]'],
    [() => ops.flatten(x, 1, 0), 'flatten: axis 1 comes after axis 0 in [2,3]'],
    [() => ops.stack([]), 'stack: expected at least one tensor'],
    [() => ops.stack([x, ops.zeros([3, 2])]), 'stack: [2,3] and [3,2] differ, expected tensors of one shape'],
    [() => ops.split(x, [1, 1], 1), 'split: sizes [1,1] do not add up to the 3 of axis 1 of [2,3]'],
    [() => ops.split(x, 0), 'split: the size is 0, expected an integer >= 1'],
    [() => ops.chunk(x, 0), 'chunk: chunks is 0, expected an integer >= 1'],
    [() => ops.repeat(x, [2]), 'repeat: 1 repeats for [2,3], expected one for each axis or more'],
    [() => ops.repeat(x, [2, -1]), 'repeat: a number of repeats is -1, expected an integer >= 0'],
    [() => ops.stridedSlice(x, [0, 0, 0]), 'stridedSlice: the index has 3 entries, [2,3] has 2 axes'],
    [() => ops.stridedSlice(x, [2]), 'stridedSlice: the position along axis 0 is 2, expected an integer from -2 to 1'],
    [() => ops.stridedSlice(x, [{ step: 0 }]), 'stridedSlice: step is 0, expected an integer except 0'],
    [() => ops.variance(x, 1, { correction: NaN }), 'variance: correction is NaN, expected a finite number'],
    [() => ops.std(x, 2), 'std: axis is 2, expected an integer from -2 to 1'],
    [() => ops.norm(x, 0, { p: 3 }), 'norm: p is 3, expected one of 1, 2, Infinity'],
    [() => ops.norm(ops.zeros([2, 0]), 1, { p: Infinity }), 'norm: [2,0] has no elements along axes [1]'],
    [() => ops.cumsum(x, -3), 'cumsum: axis is -3, expected an integer from -2 to 1'],
    [() => ops.argmin(ops.zeros([2, 0]), 1), 'argmin: [2,0] has no elements along axis 1'],
    [() => ops.tril(ops.zeros([3])), 'tril: expected a tensor of at least two axes, got [3]'],
    [() => ops.triu(x, 0.5), 'triu: diagonal is 0.5, expected an integer'],
    [() => ops.eye(-1), 'eye: rows is -1, expected an integer >= 0'],
    [() => ops.linspace(0, Infinity, 3), 'linspace: stop is Infinity, expected a finite number'],
    [() => ops.stridedSlice(x, [{ start: 0.5 }]), 'stridedSlice: start is 0.5, expected an integer'],
  ];
  for (const [call, message] of refused) refuses(call, message);
  assert.throws(
    () => ops.takeAlongAxis(x, x, 0),
    /^takeAlongAxis: indices .* must be int32; convert them with cast\(\)$/,
  );
  assert.throws(() => ops.scatter(x, indices, int32([0, 0], [2, 1]), 0), /^scatter: .* have different types$/);
});

test.run();
