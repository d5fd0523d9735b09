// Element-wise functions and their gradients at NaN, infinities, signed zeros and the largest numbers, beside PyTorch.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { floats, readFixture, type Encoded } from '../golden/read.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice } from '../support/device.ts';

await testDevice();

interface Case {
  readonly op: string;
  readonly y: Encoded;
  readonly dx?: Encoded;
  readonly da?: Encoded;
  readonly db?: Encoded;
}

const fixture = readFixture<{ values: Encoded; cases: Case[] }>('special');
const values = floats(fixture.values);
const pairs = values.length ** 2;

/** The fixtures' functions that are not one of ours under the same name. */
const composed: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  clamp: (x) => ops.clamp(x, -1, 1),
  sqrtOfRelu: (x) => ops.sqrt(ops.relu(x)),
  sqrtOfClamp: (x) => ops.sqrt(ops.clamp(x, 0, 1)),
  pow0: (x) => ops.pow(x, 0),
  pow2: (x) => ops.pow(x, 2),
  pow3: (x) => ops.pow(x, 3),
  powHalf: (x) => ops.pow(x, 2.5),
  powMinus1: (x) => ops.pow(x, -1),
  amax: (x) => ops.max(ops.reshape(x, [2, 7]), 1),
  amin: (x) => ops.min(ops.reshape(x, [2, 7]), 1),
  softmax: (x) => ops.softmax(ops.reshape(x, [7, 2]), 1),
};

/**
 * Where we differ from PyTorch, and why: positions of the values whose gradient is not compared.
 * NaN inputs: PyTorch passes the gradient on (ELU, hard swish) or drops it; ours is NaN where the formula is.
 */
const differs: Readonly<Record<string, (value: number) => boolean>> = {
  elu: Number.isNaN,
  amax: () => true, // NaN rows: amax gives NaN to all elements, max (which ours follows) the gradient to the NaNs
  amin: () => true,
};

// Functions that grow lose digits in float32.
const tolerance = { relative: 3e-5, absolute: 5e-7 };

function compare(actual: ArrayLike<number>, expected: Encoded, label: string, skip: (value: number) => boolean): void {
  const want = floats(expected);
  const kept = [...want.keys()].filter((i) => !skip(values[i % values.length]!));
  const of = (list: ArrayLike<number>): number[] => kept.map((i) => list[i]!);
  assertClose(of(actual), of(want), { tolerance, label });
}

const never = (): boolean => false;
const unaryOf = (op: string): ((x: Tensor) => Tensor) =>
  composed[op] ?? (ops as unknown as Record<string, (x: Tensor) => Tensor>)[op]!;

for (const c of fixture.cases) {
  const isBinary = c.y.shape[0] === pairs && c.dx === undefined;
  test(c.op, async () => {
    const first = isBinary
      ? Float32Array.from({ length: pairs }, (_, i) => values[Math.floor(i / values.length)]!)
      : values;
    const a = ops.tensor(first, { requiresGrad: c.dx !== undefined || c.da !== undefined });
    if (!isBinary) {
      const y = unaryOf(c.op)(a);
      // PyTorch's log1p overflows at the largest number.
      compare(await y.data(), c.y, c.op, c.op === 'log1p' ? (value) => value > 1e38 : never);
      ops.backward(ops.sum(y));
      compare(await a.grad!.data(), c.dx!, `gradient of ${c.op}`, differs[c.op] ?? never);
      return;
    }
    const second = Float32Array.from({ length: pairs }, (_, i) => values[i % values.length]!);
    const b = ops.tensor(second, { requiresGrad: c.db !== undefined });
    const y = (ops as unknown as Record<string, (a: Tensor, b: Tensor) => Tensor>)[c.op]!(a, b);
    assertClose(await y.data(), floats(c.y), { tolerance, label: c.op });
    if (c.da === undefined) return assert.is(y.dtype, 'bool');
    ops.backward(ops.sum(y));
    compare(await a.grad!.data(), c.da, `gradient of the first operand of ${c.op}`, never);
    compare(await b.grad!.data(), c.db!, `gradient of the second operand of ${c.op}`, never);
  });
}

test('equal elements have no spread, whatever their mean is rounded to', async () => {
  for (const size of [3, 100, 4099]) {
    const x = ops.tensor(new Float32Array(size).fill(-1.1228), { requiresGrad: true });
    const spread = ops.std(x);
    ops.backward(spread);
    assert.is(await spread.item(), 0);
    assert.ok((await x.grad!.data()).every((dx) => dx === 0));
  }
});

test.run();
