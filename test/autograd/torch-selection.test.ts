// The operations of the library against the results and gradients that PyTorch computed in float64 (test/golden).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { floats, hashUniform, readFixture, type Encoded } from '../golden/read.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
type Tensor = ops.Tensor;
type Axes = number | readonly number[];

interface Options {
  readonly dim: number;
  readonly dims: readonly number[];
  readonly descending: boolean;
  readonly k: number;
  readonly largest: boolean;
  readonly value: number;
  readonly num_classes: number;
  readonly correction: number;
  readonly ord: number | 'inf';
  readonly repeats: readonly number[];
  readonly size: number | readonly number[];
  readonly chunks: number;
  readonly start_dim: number;
  readonly end_dim: number;
  readonly equation: string;
  readonly diagonal: number;
  readonly n: number;
  readonly m: number;
  readonly start: number;
  readonly end: number;
  readonly steps: number;
}

interface Case {
  readonly op: string;
  readonly options: Options;
  readonly inputs: readonly Encoded[];
  readonly results: readonly Encoded[];
  readonly gradients: readonly (Encoded | null)[];
}

/** torch's call of each operation, here. A list of dims is a number or a list, as there. */
const calls: Record<string, (t: readonly Tensor[], o: Options) => Tensor | readonly Tensor[]> = {
  sort: ([x], { dim, descending }) => Object.values(ops.sort(x!, dim, { descending })),
  topk: ([x], { k, dim, largest }) => Object.values(ops.topK(x!, k, { axis: dim, largest })),
  gather: ([x, indices], { dim }) => ops.takeAlongAxis(x!, indices!, dim),
  take_along_dim: ([x, indices], { dim }) => ops.takeAlongAxis(x!, indices!, dim),
  scatter: ([x, indices, source], { dim }) => ops.scatter(x!, indices!, source!, dim),
  scatter_add: ([x, indices, source], { dim }) => ops.scatterAdd(x!, indices!, source!, dim),
  masked_fill: ([x, mask], { value }) => ops.maskedFill(x!, mask!, value),
  one_hot: ([x], { num_classes }) => ops.oneHot(x!, num_classes),
  var: ([x], { dim, correction }) => ops.variance(x!, dim as Axes, { correction }),
  std: ([x], { dim, correction }) => ops.std(x!, dim as Axes, { correction }),
  logsumexp: ([x], { dim }) => ops.logSumExp(x!, dim as Axes),
  vector_norm: ([x], { dim, ord }) => ops.norm(x!, dim as Axes, { p: ord === 'inf' ? Infinity : ord }),
  prod: ([x], { dim }) => ops.prod(x!, dim),
  cumsum: ([x], { dim }) => ops.cumsum(x!, dim),
  any: ([x], { dim }) => ops.any(x!, dim),
  all: ([x], { dim }) => ops.all(x!, dim),
  argmin: ([x], { dim }) => ops.argmin(x!, dim),
  flip: ([x], { dims }) => ops.flip(x!, dims),
  repeat: ([x], { repeats }) => ops.repeat(x!, repeats),
  split: ([x], { size, dim }) => ops.split(x!, size, dim),
  chunk: ([x], { chunks, dim }) => ops.chunk(x!, chunks, dim),
  flatten: ([x], { start_dim, end_dim }) => ops.flatten(x!, start_dim, end_dim),
  stack: (list, { dim }) => ops.stack(list, dim),
  tril: ([x], { diagonal }) => ops.tril(x!, diagonal),
  triu: ([x], { diagonal }) => ops.triu(x!, diagonal),
  eye: (_, { n, m }) => ops.eye(n, m),
  linspace: (_, { start, end, steps }) => ops.linspace(start, end, steps),
  einsum: (list, { equation }) => ops.einsum(equation, ...list),
};

const valuesOf = (encoded: Encoded): ArrayLike<number> =>
  encoded.f32 === undefined
    ? new Int32Array(Uint8Array.from(Buffer.from(encoded.i32!, 'base64')).buffer)
    : floats(encoded);

const tensorOf = (encoded: Encoded): Tensor =>
  ops.tensor(valuesOf(encoded) as Float32Array, {
    shape: encoded.shape,
    dtype: encoded.f32 === undefined ? 'int32' : 'float32',
    requiresGrad: encoded.f32 !== undefined,
  });

const tolerance = { relative: 2e-6, absolute: 2e-6, largest: 2e-6 };

async function compare(actual: Tensor, expected: Encoded, label: string): Promise<void> {
  assert.equal([...actual.shape], [...expected.shape], label);
  assertClose(await actual.data(), valuesOf(expected), { tolerance, label });
}

const numbers = new Map<string, number>();
for (const c of readFixture<{ cases: Case[] }>('selection').cases) {
  const number = (numbers.get(c.op) ?? 0) + 1;
  numbers.set(c.op, number);
  test(`${c.op} ${number} ${JSON.stringify(c.options)} of ${c.inputs.map(({ shape }) => `[${shape}]`).join(', ')}`, () =>
    leavesNothing(device, async () => {
      const inputs = c.inputs.map(tensorOf);
      const results = [calls[c.op]!(inputs, c.options)].flat() as Tensor[];
      assert.is(results.length, c.results.length);
      for (const [i, result] of results.entries()) await compare(result, c.results[i]!, `result ${i}`);
      const wanted = inputs.filter((_, i) => c.gradients[i] !== null);
      const expected = c.gradients.filter((gradient) => gradient !== null);
      if (wanted.length > 0) {
        const { shape } = results[0]!;
        const gradient = ops.tensor(hashUniform('upstream', shape), { shape });
        const actual = ops.grad(results[0]!, wanted, { gradient });
        for (const [i, dx] of actual.entries()) await compare(dx, expected[i]!, `gradient ${i}`);
        for (const t of [gradient, ...actual]) t.dispose();
      }
      for (const t of [...inputs, ...results]) t.dispose();
    }));
}

test.run();
