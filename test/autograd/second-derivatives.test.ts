// Derivatives of derivatives: for the operations whose derivative is written in recorded operations, `createGraph` gives a gradient that
// can be differentiated again. It is compared with second differences of the float64 reference.
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  add,
  backward,
  checkpoint,
  exp,
  grad,
  matmul,
  maxPool2d,
  mul,
  ones,
  pow,
  relu,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tensor,
  tidy,
  type Tensor,
} from '../../src/index.ts';
import { sizeOf, type Ref } from '../reference/array.ts';
import { hashedWeights } from '../support/central-difference.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { lacksSecond } from '../support/errors.ts';
import { inputsOf, loadCases, type OpCase } from '../support/op-case.ts';

const device = await testDevice();

/** Cases of each operation that are tried, and the largest input among them. */
const CASES = 4;
const LARGEST = 64;
const STEP = 1e-4;

/** sum(w f(x)) in float64. */
function weighted(c: OpCase, inputs: readonly Ref[], weights: Float64Array): number {
  return c.reference(inputs)[0]!.data.reduce((total, value, i) => total + value * weights[i]!, 0);
}

/** The inputs with multiples of `v` added to input k, and `step` to its element i. */
function moved(inputs: readonly Ref[], k: number, v: Float64Array, along: number, i: number, step: number): Ref[] {
  return inputs.map((input, at) =>
    at === k ? { ...input, data: input.data.map((value, j) => value + along * v[j]! + (i === j ? step : 0)) } : input,
  );
}

/** The gradient of sum(v g), where g is the gradient of sum(w f(x)) with respect to input k, by mixed differences. */
function expected(c: OpCase, k: number, w: Float64Array, v: Float64Array): Float64Array {
  const inputs = inputsOf(c);
  const at = (along: number, i: number, step: number): number => weighted(c, moved(inputs, k, v, along, i, step), w);
  return inputs[k]!.data.map(
    (_, i) => (at(STEP, i, STEP) - at(-STEP, i, STEP) - at(STEP, i, -STEP) + at(-STEP, i, -STEP)) / (4 * STEP * STEP),
  );
}

/** The same on the GPU, or null where the operation has no second derivative. */
function computed(c: OpCase, k: number, w: Float64Array, v: Float64Array): Tensor | null {
  return tidy(() => {
    const leaves = inputsOf(c).map(({ data }, i) =>
      tensor(data, { shape: c.inputs[i]!.shape, dtype: c.inputs[i]!.dtype }),
    );
    const x = leaves[k]!;
    x.requiresGrad = true;
    const y = c.run(leaves)[0]!;
    try {
      const [g] = grad(y, [x], { gradient: tensor(w, { shape: y.shape }), createGraph: true });
      const s = sum(mul(g!, tensor(v, { shape: x.shape })));
      // A linear function has a constant gradient.
      return s.node === null ? sub(x, x) : grad(s, [x])[0]!;
    } catch (error) {
      if (lacksSecond(error)) return null;
      throw error;
    }
  });
}

const small = (await loadCases()).filter((c) => !c.costly && c.inputs.every(({ shape }) => sizeOf(shape) <= LARGEST));
const having = new Set<string>();
for (const op of new Set(small.map((c) => c.op))) {
  const cases = small.filter((c) => c.op === op && c.differentiable.length > 0 && sizeOf(c.inputs[0]!.shape) > 0);
  const each = suite(`second derivative: ${op}`);
  for (const c of cases.slice(0, CASES)) {
    for (const k of c.differentiable) {
      each(`${c.name}, input ${k}`, () =>
        leavesNothing(device, async () => {
          const w = hashedWeights(c.name, sizeOf(c.reference(inputsOf(c))[0]!.shape));
          const v = hashedWeights(`${c.name} again`, sizeOf(c.inputs[k]!.shape));
          const actual = computed(c, k, w, v);
          if (actual === null) return;
          having.add(op);
          const tolerance = { relative: 1e-4, largest: 1e-4, absolute: 2e-5 };
          assertClose(await actual.data(), expected(c, k, w, v), { tolerance, label: op });
          actual.dispose();
        }),
      );
    }
  }
  each.run();
}

test('operations that have a second derivative', () => {
  console.log(`# ${having.size} operations have one: ${[...having].sort().join(', ')}`);
  for (const op of [
    'add',
    'mul',
    'div',
    'pow',
    'exp',
    'tanh',
    'sum',
    'mean',
    'matmul',
    'where',
    'softmax',
    'max',
    'slice',
    'crossEntropy',
    'bceWithLogits',
    'giouLoss',
  ]) {
    assert.ok(having.has(op), op);
  }
});

test('a third derivative', async () => {
  const x = tensor([2], { requiresGrad: true });
  const [first] = grad(sum(pow(x, 4)), [x], { createGraph: true });
  const [second] = grad(first!, [x], { createGraph: true });
  const [third] = grad(second!, [x]);
  assert.equal([await first!.item(), await second!.item(), await third!.item()], [32, 48, 48]);
});

test('a gradient penalty trains through backward', async () => {
  // loss = (|d y / d x| - 1)^2 for y = sum(tanh(x w)), of which the gradient of w is known by differences.
  const values = [0.3, -0.5];
  const penalty = (w: Tensor, x: Tensor): Tensor => {
    const [g] = grad(sum(tanh(matmul(x, w))), [x], { createGraph: true });
    return square(sub(sqrt(sum(square(g!))), 1));
  };
  const x = tensor([[0.7, 0.2]], { requiresGrad: true });
  const w = tensor([[values[0]!], [values[1]!]], { requiresGrad: true });
  backward(penalty(w, x));
  const at = (a: number, b: number): number => {
    const slope = 1 - Math.tanh(0.7 * a + 0.2 * b) ** 2;
    return (Math.hypot(slope * a, slope * b) - 1) ** 2;
  };
  const h = 1e-5;
  const want = [
    (at(values[0]! + h, values[1]!) - at(values[0]! - h, values[1]!)) / (2 * h),
    (at(values[0]!, values[1]! + h) - at(values[0]!, values[1]! - h)) / (2 * h),
  ];
  assertClose(await w.grad!.data(), want, { tolerance: { relative: 1e-4 }, label: 'w' });
});

test('backward with createGraph leaves gradients that can be differentiated', async () => {
  const x = tensor([3], { requiresGrad: true });
  backward(sum(mul(x, mul(x, x))), { createGraph: true });
  const g = x.grad!;
  x.grad = null;
  backward(sum(g));
  assert.is(await g.item(), 27);
  assert.is(await x.grad!.item(), 18);
});

test('an operation without a second derivative, and a checkpointed one, say so', () => {
  const x = ones([1, 4, 4, 1], { requiresGrad: true });
  assert.throws(
    () => grad(sum(maxPool2d(x, { kernel: 2 })), [x], { createGraph: true }),
    /^grad: maxPool2d has no second derivative, which createGraph needs; docs\/ops\.md lists the operations that have one$/,
  );
  const y = checkpoint((t: Tensor) => exp(t), [x]);
  assert.throws(() => grad(sum(y), [x], { createGraph: true }), /exp has no second derivative/);
});

test('a gradient without createGraph cannot be differentiated, and says so', () => {
  const x = tensor([2], { requiresGrad: true });
  const [g] = grad(sum(square(x)), [x]);
  assert.throws(() => backward(sum(g!)), /backward: .* does not depend on any tensor with requiresGrad.*createGraph/);
});

test('nothing is left of a graph of gradients', () =>
  leavesNothing(device, async () => {
    const x = ones([5], { requiresGrad: true });
    tidy(() => {
      const [g] = grad(sum(relu(add(mul(x, x), exp(x)))), [x], { createGraph: true });
      backward(sum(square(g!)));
    });
    x.dispose();
  }));

test.run();
