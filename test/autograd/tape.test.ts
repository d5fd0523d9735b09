import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add, mul, sub } from '../../src/autograd/ops/binary.ts';
import { axpby } from '../../src/autograd/ops/no-gradient.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { reshape } from '../../src/autograd/ops/shape.ts';
import { exp, relu, sigmoid, square } from '../../src/autograd/ops/unary.ts';
import { backward, detach, grad, noGrad, record } from '../../src/autograd/tape.ts';
import { gradcheck } from '../../src/autograd/gradcheck.ts';
import { unary } from '../../src/kernels/elementwise.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { errorOf } from '../support/errors.ts';

const device = await testDevice();
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];

test('gradients accumulate over uses and over calls of backward', async () => {
  await leavesNothing(device, async () => {
    const x = leaf([1, 2]);
    tidy(() => backward(sum(add(mul(x, x), mul(x, 3)))));
    assert.equal(await list(x.grad!), [5, 7]);
    tidy(() => backward(sum(x)));
    assert.equal(await list(x.grad!), [6, 8]);
    x.dispose();
  });
});

test('leaves on both sides of an addition own separate gradients', async () => {
  await leavesNothing(device, async () => {
    const [a, b] = [leaf([1]), leaf([2])];
    tidy(() => backward(sum(add(a, b))));
    axpby(a, b.grad!, 1, 1);
    assert.equal([await list(a.grad!), await list(b.grad!)], [[1], [2]]);
    a.dispose();
    b.dispose();
  });
});

test('broadcasting is undone', async () => {
  await leavesNothing(device, async () => {
    const [a, b, c] = [
      leaf([1, 2, 3]),
      tensor([[10], [20]], { requiresGrad: true }),
      tensor(2, { requiresGrad: true }),
    ];
    tidy(() => backward(sum(mul(mul(a, b), c))));
    assert.equal(await list(a.grad!), [60, 60, 60]);
    assert.equal([...b.grad!.shape], [2, 1]);
    assert.equal(await list(b.grad!), [12, 12]);
    assert.equal([...c.grad!.shape], []);
    assert.equal(await list(c.grad!), [180]);
    for (const t of [a, b, c]) t.dispose();
  });
});

test('grad gives gradients of leaves and of results, and leaves .grad alone', async () => {
  await leavesNothing(device, async () => {
    const [x, unused] = [leaf([1, 2]), leaf([5])];
    const [dx, dy, none] = tidy(() => {
      const y = square(x);
      return grad(sum(mul(y, 3)), [x, y, unused]);
    }) as [Tensor, Tensor, Tensor];
    assert.equal([await list(dx), await list(dy), await list(none)], [[6, 12], [3, 3], [0]]);
    assert.is(x.grad, null);
    for (const t of [x, unused, dx, dy, none]) t.dispose();
  });
});

test('noGrad and detach cut the graph', async () => {
  await leavesNothing(device, async () => {
    const x = leaf([2]);
    tidy(() => {
      assert.is(noGrad(() => square(x)).node, null);
      backward(sum(mul(detach(square(x)), x)));
    });
    assert.equal(await list(x.grad!), [4]);
    assert.throws(() => noGrad(async () => 1), /must not be async/);
    tidy(() => assert.throws(() => backward(tensor([1])), /does not depend on any tensor with requiresGrad/));
    x.dispose();
  });
});

test('a saved tensor that is changed in place is noticed', () => {
  const x = leaf([1, 2]);
  tidy(() => {
    const y = exp(x);
    const loss = sum(square(y));
    axpby(x, y, 1, 1);
    assert.throws(() => backward(loss), /square: a tensor of shape \[2\] that backward needs was changed in place/);
  });
  x.dispose();
});

test('the graph is used once, unless it is retained', async () => {
  const x = leaf([3]);
  tidy(() => {
    const loss = sum(square(x));
    backward(loss, { retainGraph: true });
    backward(loss);
    assert.throws(() => backward(loss), /backward was already run through this operation/);
  });
  assert.equal(await list(x.grad!), [12]);
  x.dispose();
});

test('backward refuses what has no one gradient', () => {
  const x = leaf([1, 2]);
  tidy(() => {
    assert.throws(() => backward(square(x)), /\[2\] is not a scalar/);
    assert.throws(() => backward(square(x), { gradient: tensor([1]) }), /gradient \[1\] does not fit the tensor \[2\]/);
  });
  x.dispose();
});

test('activations are freed as backward passes them, and a graph without backward with its result', async () => {
  await leavesNothing(device, async () => {
    const x = leaf(Array.from({ length: 1024 }, () => 0.5));
    const loss = tidy(() => {
      let y = x;
      for (let i = 0; i < 20; i++) y = tidy(() => sigmoid(mul(y, 1.01)));
      return sum(y);
    });
    const held = device.memory().tensors;
    backward(loss);
    assert.ok(held - device.memory().tensors >= 19, `${held} before, ${device.memory().tensors} after`);
    loss.dispose();
    const abandoned = tidy(() => sum(square(exp(x))));
    abandoned.dispose();
    x.dispose();
  });
});

test('a chain of 20,000 operations does not overflow the stack', async () => {
  await leavesNothing(device, async () => {
    const x = leaf([1]);
    tidy(() => {
      let y: Tensor = x;
      for (let i = 0; i < 20_000; i++) y = tidy(() => reshape(y, [1]));
      backward(sum(y));
    });
    assert.equal(await list(x.grad!), [1]);
    x.dispose();
  });
});

test('gradients that are not needed are not computed', () => {
  const [x, frozen] = [leaf([1]), tensor([2])];
  let computed = 0;
  const double = (a: Tensor, b: Tensor): Tensor =>
    record('double', unary('neg', a), [a, b], [], (dy) => [() => unary('neg', dy), () => (computed++, dy)]);
  tidy(() => backward(sum(double(x, frozen))));
  assert.is(computed, 0);
  x.dispose();
  frozen.dispose();
});

test('an operation of one user file: its derivative passes gradcheck, and a wrong one does not', async () => {
  await leavesNothing(device, async () => {
    const cube = (x: Tensor, factor: number): Tensor =>
      record(
        'cube',
        noGrad(() => mul(square(x), x)),
        [x],
        [x],
        (dy, [x]) => [() => mul(dy, mul(square(x), factor))],
      );
    const x = leaf([0.5, -1, 1.5]);
    const [report] = await gradcheck((x) => cube(x, 3), [x]);
    assert.is(report!.checked, 3);
    assert.ok(report!.error < 0.005, `${report!.error}`);
    const error = await errorOf(() => gradcheck((x) => cube(x, 2), [x]));
    assert.match(error.message, /gradcheck: input 0 \[3\], element 0: autograd gives/);
    const y = tensor([1, 2, 3]);
    await gradcheck((x, y) => sub(relu(add(x, 3)), mul(x, y)), [x, y]);
    y.dispose();
    x.dispose();
  });
});

test.run();
