import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AnomalyError, detectAnomaly } from '../../src/autograd/anomaly.ts';
import { checkpoint } from '../../src/autograd/checkpoint.ts';
import { scaledDotProductAttention } from '../../src/autograd/ops/attention.ts';
import { add, div, greater, isNaN, mul, sub } from '../../src/autograd/ops/binary.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { rand } from '../../src/autograd/ops/create.ts';
import { argmax } from '../../src/autograd/ops/no-gradient.ts';
import { maxPool2d } from '../../src/autograd/ops/pool2d.ts';
import { maskedFill } from '../../src/autograd/ops/scatter.ts';
import { reshape, slice } from '../../src/autograd/ops/shape.ts';
import { softmax } from '../../src/autograd/ops/softmax.ts';
import { argsort } from '../../src/autograd/ops/sort.ts';
import { exp, isFinite, log, relu, sqrt } from '../../src/autograd/ops/unary.ts';
import { where } from '../../src/autograd/ops/where.ts';
import { backward, noGrad } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { errorOf, leavesNothing, testDevice, withDevice } from '../support/device.ts';

const device = await testDevice();
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

/** Runs a program in a scope, with a leaf, and returns the anomaly of it; null if there is none. */
async function anomalyOf(values: number[], program: (x: Tensor) => void): Promise<AnomalyError | null> {
  let found: AnomalyError | null = null;
  await leavesNothing(device, async () => {
    const x = leaf(values);
    try {
      await detectAnomaly(() =>
        tidy(() => {
          program(x);
        }),
      );
    } catch (error) {
      if (!(error instanceof AnomalyError)) throw error;
      found = error;
    } finally {
      x.dispose();
    }
  });
  return found;
}

test('the forward operation of an infinite or undefined value, with the ranges around it', async () => {
  const logarithm = await anomalyOf([0, 1, 4], (x) => backward(sum(mul(log(reshape(x, [3, 1])), 2))));
  assert.is(logarithm!.operation, 'log');
  assert.is(logarithm!.phase, 'forward');
  assert.is(logarithm!.badInput, null);
  assert.equal(logarithm!.inputs, [{ shape: [3], min: 0, max: 4, nan: 0, infinite: 0 }]);
  assert.equal(logarithm!.output, { shape: [3, 1], min: 0, max: Math.fround(Math.log(4)), nan: 0, infinite: 1 });
  assert.match(logarithm!.trace, /anomaly\.test\.ts/);
  assert.match(logarithm!.message, /^detectAnomaly: log gives values that are not finite, of finite inputs\n/);
  assert.match(
    logarithm!.message,
    /\n {2}input 0: \[3\], from 0 to 4\n {2}output: \[3,1\], 1 infinite, the others from 0/,
  );

  const overflow = await anomalyOf([1, 100], (x) => backward(sum(relu(sub(exp(x), 1)))));
  assert.is(overflow!.operation, 'exp');
  const quotient = await anomalyOf([0, 1], (x) => noGrad(() => sum(div(x, x))));
  assert.is(`${quotient!.operation} ${quotient!.phase} ${quotient!.output.nan}`, 'div forward 1');
  const loss = await anomalyOf([3e38, 3e38], (x) => backward(sum(x)));
  assert.is(`${loss!.operation} ${loss!.phase}`, 'sum forward', 'all gradients are finite');
});

test('the forward operation of a gradient that is not finite, and where it was called', async () => {
  const root = await anomalyOf([0, 4], (x) => backward(sum(mul(sqrt(x), 3))));
  assert.is(`${root!.operation} ${root!.phase}`, 'sqrt backward');
  assert.equal(root!.gradient, { shape: [2], min: 3, max: 3, nan: 0, infinite: 0 });
  assert.equal(root!.inputs[0], { shape: [2], min: 0, max: 4, nan: 0, infinite: 0 });
  assert.is(root!.output.infinite, 1);
  assert.match(root!.trace, /anomaly\.test\.ts/);
  assert.match(root!.message, /the derivative of sqrt gives a gradient that is not finite/);
  // Each gradient is finite, their sum is not.
  const gradients = await anomalyOf([1e-30], (x) => backward(sum(add(mul(x, 3e38), mul(x, 3e38)))));
  assert.is(`${gradients!.operation} ${gradients!.phase} ${gradients!.trace}`, 'add backward ');
});

test('the graph may be older than the check', async () => {
  const x = leaf([0]);
  const loss = sum(sqrt(x));
  const error = (await errorOf(() => detectAnomaly(() => backward(loss)))) as AnomalyError;
  assert.is(`${error.operation} ${error.phase} ${error.trace}`, 'sqrt backward ');
  assert.equal(error.inputs, []);
  for (const t of [x, loss]) t.dispose();
});

test('data and parameters that are damaged are told from operations', async () => {
  const data = tensor([1, NaN]);
  const given = await anomalyOf([1, 2], (x) => backward(sum(relu(mul(x, data)))));
  assert.is(`${given!.operation} ${given!.badInput} ${given!.inputs[1]!.nan}`, 'mul 1 1');
  assert.match(given!.message, /^detectAnomaly: input 1 of mul holds values that are not finite already/);
  const parameter = await anomalyOf([Infinity, 2], (x) => backward(sum(exp(x))));
  assert.is(`${parameter!.operation} ${parameter!.badInput}`, 'exp 0');
  data.dispose();
});

test('inside checkpointed functions, also nested ones', async () => {
  const inner = (x: Tensor): Tensor => sqrt(mul(x, 2));
  const outer = (x: Tensor): Tensor => add(checkpoint(inner, [exp(x)]), checkpoint(inner, [mul(x, 3)]));
  const root = await anomalyOf([0, 1], (x) => backward(sum(checkpoint(outer, [x]))));
  assert.is(`${root!.operation} ${root!.phase} ${root!.inputs[0]!.max}`, 'sqrt backward 6');
  assert.match(root!.trace, /inner/);
  const logarithm = await anomalyOf([0, 1], (x) => backward(sum(checkpoint((x) => log(x), [x]))));
  assert.is(`${logarithm!.operation} ${logarithm!.phase}`, 'log forward');
});

test('infinities that have a purpose are no anomalies', async () => {
  const mask = tensor([1, 0, 0], { dtype: 'bool' });
  const pixels = tensor([1, 2, 3, -Infinity]).view([1, 2, 2, 1]);
  const noData = tensor([1, NaN, 3]);
  const queries = rand([3, 4], { seed: 1 });
  const none = tensor([0, 0, 0, 1, 1, 1, 1, 1, 1], { dtype: 'bool' });
  const rows = none.view([1, 1, 3, 3]);
  const image = queries.view([1, 3, 4, 1]);
  const heads = queries.view([1, 1, 3, 4]);
  const found = await anomalyOf([1, 2, 3], (x) => {
    const masked = sum(mul(softmax(maskedFill(x, mask, -Infinity)), x));
    const pooled = maxPool2d(pixels, { kernel: 2, stride: 2 });
    const padded = maxPool2d(image, { kernel: 3, stride: 2, padding: 1 });
    const known = sum(mul(x, where(isNaN(noData), 0, noData)));
    const attended = scaledDotProductAttention(mul(heads, x0(x)), heads, heads, { mask: rows });
    backward(add(add(masked, known), add(sum(attended), add(sum(pooled), sum(padded)))));
  });
  assert.is(found?.message, undefined);
  for (const t of [mask, pixels, noData, queries, none, rows, image, heads]) t.dispose();
});

test('infinities that are compared or ordered are no anomalies; NaN is, whatever reads it', async () => {
  const mask = tensor([1, 0, 0], { dtype: 'bool' });
  for (const use of [
    (x: Tensor) => argmax(x, 0),
    (x: Tensor) => argsort(x),
    (x: Tensor) => greater(x, 0),
    (x: Tensor) => isFinite(x),
  ]) {
    assert.is((await anomalyOf([1, 2, 3], (x) => use(maskedFill(x, mask, -Infinity))))?.message, undefined);
    assert.is((await anomalyOf([0, 2, 3], (x) => use(div(x, x))))!.operation, 'div');
  }
  const unread = await anomalyOf([0, 1, 2], (x) => greater(log(x), mul(log(x), 2)));
  assert.is(unread?.message, undefined);
  mask.dispose();
});

/** The first element, as a scalar. */
const x0 = (x: Tensor): Tensor => sum(slice(x, [0], [1]));

test('results and errors of the function pass; an anomaly has the error as its cause', async () => {
  assert.is(await detectAnomaly(() => 3), 3);
  assert.is(await detectAnomaly(async () => Promise.resolve(4)), 4);
  const failure = new Error('my own');
  assert.is(
    await errorOf(() =>
      detectAnomaly(() => {
        throw failure;
      }),
    ),
    failure,
  );
  const error = await errorOf(() =>
    detectAnomaly(async () => {
      const y = tidy(() => log(tensor([0])));
      await y.data();
      y.dispose();
      throw failure;
    }),
  );
  assert.instance(error, AnomalyError);
  assert.is(error.cause, failure);
  assert.match((await errorOf(() => detectAnomaly(3 as never))).message, /fn is 3, expected a function/);
  // Nothing is watched any more.
  tidy(() => log(tensor([0])));
});

test('ranges of tensors that are larger than a binding, of many values, and of many operations', async () => {
  await withDevice({ bindingLimit: 2 ** 15 }, async () => {
    const values = Array.from({ length: 10_000 }, (_, i) => (i === 9999 ? -1 : i / 10 - 0.5));
    const x = leaf(values);
    const error = (await errorOf(() => detectAnomaly(() => tidy(() => void log(x))))) as AnomalyError;
    const { min, max, nan, infinite } = error.inputs[0]!;
    assert.equal([min, max, nan, infinite], [-1, Math.fround(999.3), 0, 0]);
    assert.equal([error.output.nan, error.output.infinite], [6, 1]);
    x.dispose();
  });
  const found = await anomalyOf([-1], (x) => {
    let y = x;
    for (let i = 0; i < 1500; i++) y = add(y, 1 / 1024);
    sqrt(sub(y, 2));
  });
  assert.is(found!.operation, 'sqrt');
});

test.run();
