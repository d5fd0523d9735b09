// Element types: integers keep all 32 bits, what a type does not hold is refused, and no function cuts the graph silently.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  add,
  arange,
  backward,
  cast,
  clamp,
  detach,
  div,
  equal,
  full,
  greaterEqual,
  less,
  mean,
  mul,
  relu,
  sqrt,
  sum,
  tensor,
  where,
  write,
  zeros,
  type Tensor,
} from '../../src/index.ts';
import { testDevice } from '../support/device.ts';

await testDevice();

const ints = (values: number[]): Tensor => tensor(values, { dtype: 'int32' });
const values = async (t: Tensor): Promise<number[]> => [...(await t.data())];

test('scalars and fills of integers keep all 32 bits', async () => {
  assert.equal(await values(add(ints([0]), 16777217)), [16777217]);
  assert.equal(await values(equal(ints([16777217]), 16777217)), [1]);
  assert.equal(await values(full([1], 2147483647, { dtype: 'int32' })), [2147483647]);
  assert.equal(await values(full([1], -2147483648, { dtype: 'int32' })), [-2147483648]);
  assert.equal(await values(full([1], 4294967295, { dtype: 'uint32' })), [4294967295]);
  assert.equal(await values(where(tensor([true]), ints([1]), 2147483647)), [1]);
  assert.equal(await values(clamp(ints([-2147483648, 5, 2147483647]), -16777217, 16777219)), [-16777217, 5, 16777219]);
  assert.equal(
    await values(arange(16777216, 16777220, 1, { dtype: 'int32' })),
    [16777216, 16777217, 16777218, 16777219],
  );
  assert.equal(await values(arange(3, 0, -1, { dtype: 'uint32' })), [3, 2, 1]);
});

test('a number that the type does not hold is refused, with the name of the operation', () => {
  const x = ints([0, 3]);
  const u = tensor([5], { dtype: 'uint32' });
  const int32 = 'is not a value of type int32, expected an integer from -2147483648 to 2147483647';
  for (const [run, message] of [
    [() => less(x, 0.5), `less: 0.5 ${int32}`],
    [() => greaterEqual(0.5, x), `greaterEqual: 0.5 ${int32}`],
    [() => mul(x, 0.5), `mul: 0.5 ${int32}`],
    [() => div(x, 0.5), `div: 0.5 ${int32}`],
    [() => add(x, 2147483648), `add: 2147483648 ${int32}`],
    [() => add(x, NaN), `add: NaN ${int32}`],
    [() => add(u, -1), 'add: -1 is not a value of type uint32, expected an integer from 0 to 4294967295'],
    [() => where(tensor([true, false]), x, 0.5), `where: 0.5 ${int32}`],
    [() => full([2], 0.5, { dtype: 'int32' }), `full: 0.5 ${int32}`],
    [() => full([2], 2, { dtype: 'bool' }), 'full: 2 is not a value of type bool, expected true or false (1 or 0)'],
    [() => arange(0, 3, 0.5, { dtype: 'int32' }), 'arange: step is 0.5, expected an integer'],
    [() => arange(2147483646, 2147483650, 1, { dtype: 'int32' }), `arange: 2147483649 ${int32}`],
    [() => tensor([1, 2.5], { dtype: 'int32' }), `tensor: 2.5 ${int32}`],
    [() => tensor(new Float32Array([NaN]), { dtype: 'int32' }), `tensor: NaN ${int32}`],
    [() => write(x, [1, 0.5]), `write: 0.5 ${int32}`],
    [() => clamp(x, -0.5, 1), `clamp: -0.5 ${int32}`],
  ] as const) {
    assert.throws(run, (error: Error) => error instanceof RangeError && error.message === message, message);
  }
});

test('integers divide as WGSL defines: towards zero, and by zero not at all', async () => {
  assert.equal(await values(div(ints([7, -7, -2147483648]), ints([0, 2, -1]))), [7, -3, -2147483648]);
});

test('means, roots and gradients are of floats', () => {
  assert.throws(
    () => mean(ints([1, 2, 4])),
    /^mean: expected a float32 tensor, got Tensor\(int32 \[3\]\); convert it with cast\(\)$/,
  );
  assert.throws(() => sqrt(ints([1])), /^sqrt: expected a float32 tensor/);
  assert.throws(() => relu(tensor([true])), /^relu: expected a float32 tensor/);
  assert.throws(
    () => add(tensor([true]), tensor([true])),
    /^add: expected numbers, got Tensor\(bool \[1\]\); convert it with cast\(\)$/,
  );
  const x = tensor([1, 2], { requiresGrad: true });
  assert.throws(
    () => backward(mul(x, 2), { gradient: ints([1, 1]) }),
    /^backward: expected a float32 tensor, got Tensor\(int32 \[2\]\)/,
  );
});

test('bools: from truth values, comparisons and casts, to a Uint8Array and to numbers', async () => {
  const t = tensor([[true, false, true]]);
  assert.is(t.dtype, 'bool');
  assert.equal(t.shape, [1, 3]);
  assert.equal(await t.data(), Uint8Array.of(1, 0, 1));
  assert.equal(await values(sum(t)), [2]);
  assert.is(sum(t).dtype, 'int32');
  assert.equal(await values(cast(tensor([0, -0, NaN, 0.5, 1e-40]), 'bool')), [0, 0, 1, 1, 1]);
  assert.equal(await values(cast(ints([0, -2]), 'bool')), [0, 1]);
  assert.equal(await values(cast(t, 'float32')), [1, 0, 1]);
  assert.equal(await values(zeros([2], { dtype: 'bool' })), [0, 0]);
  assert.equal(await values(full([2], true, { dtype: 'bool' })), [1, 1]);
  assert.equal(await values(tensor(Uint8Array.of(1, 0), { dtype: 'bool' })), [1, 0]);
  assert.throws(() => tensor(Uint8Array.of(2), { dtype: 'bool' }), /^tensor: 2 is not a value of type bool/);
});

test('cast to float32 keeps the graph', async () => {
  const w = tensor([1, 2], { requiresGrad: true });
  backward(sum(mul(cast(w, 'float32'), 3)));
  assert.equal(await values(w.grad!), [3, 3]);
});

test('view refuses where it would cut the graph, and names what does not', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const message =
    'view: gradients do not flow through a view of Tensor(float32 [2]); use reshape(x, shape), which they do, or detach(x) first';
  assert.throws(
    () => w.view([2, 1]),
    (error: Error) => error.message === message,
  );
  assert.throws(
    () => mul(w, 2).view([2, 1]),
    (error: Error) => error.message === message,
  );
  assert.equal(detach(w).view([2, 1]).shape, [2, 1]);
  assert.throws(() => tensor([1, 2]).view([3]), /^view: \[2\] has 2 elements, which do not fill \[3\]$/);
});

test('gradients are 0, not NaN, where a mask decides', async () => {
  const cases: readonly (readonly [string, (x: Tensor) => Tensor, number[], number[]])[] = [
    ['sqrt(relu(x))', (x) => sqrt(relu(x)), [-1, 0, 4], [0, 0, 0.25]],
    ['sqrt(clamp(x, 0, 1))', (x) => sqrt(clamp(x, 0, 1)), [-1, 0.25, 2], [0, 1, 0]],
    ['1 / relu(x)', (x) => div(1, relu(x)), [-1, 2], [0, -0.25]],
  ];
  for (const [name, f, at, want] of cases) {
    const x = tensor(at, { requiresGrad: true });
    backward(sum(f(x)));
    assert.equal(
      await values(x.grad!),
      want.map((v) => v + 0),
      name,
    );
  }
});

test.run();
