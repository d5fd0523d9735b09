import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkpoint } from '../../src/autograd/checkpoint.ts';
import { add, mul } from '../../src/autograd/ops/binary.ts';
import { rand } from '../../src/autograd/ops/create.ts';
import { axpby } from '../../src/autograd/ops/no-gradient.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { exp, relu, sigmoid, square, tanh } from '../../src/autograd/ops/unary.ts';
import { backward, grad, isRecomputing, noGrad } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { uniformValues } from '../support/fill.ts';

const device = await testDevice();
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];
const leaf = (name: string, size = 5): Tensor => tensor(uniformValues(name, size), { requiresGrad: true });

type Fn = (...inputs: Tensor[]) => Tensor;
/** Runs a part of the program: through `checkpoint`, or directly. */
type Run = (fn: Fn, inputs: readonly Tensor[]) => Tensor;
const plainly: Run = (fn, inputs) => fn(...inputs);

/** Fails unless a program gives the same loss and gradients, bit for bit, with and without checkpoints. */
async function same(program: (run: Run, leaves: Tensor[]) => Tensor): Promise<void> {
  const results: number[][][] = [];
  for (const run of [plainly, checkpoint]) {
    await leavesNothing(device, async () => {
      const leaves = ['a', 'b', 'c'].map((name) => leaf(name));
      const loss = tidy(() => {
        const loss = program(run, leaves);
        backward(loss);
        return loss;
      });
      results.push([
        await list(loss),
        ...(await Promise.all(leaves.map(async ({ grad }) => (grad ? list(grad) : [])))),
      ]);
      for (const t of [loss, ...leaves]) t.dispose();
    });
  }
  assert.ok(
    results[0]!.slice(1).some((gradient) => gradient.some((g) => g !== 0)),
    'no gradient at all',
  );
  assert.equal(results[1], results[0]);
}

test('gradients of inputs and of what the function uses besides are those without it', () =>
  same((run, [a, b, c]) => {
    const x = run((a) => sigmoid(mul(exp(a), b!)), [a!]);
    // a and x have contributions from inside and outside, whose order decides how their sum rounds.
    const y = run((x, a) => add(tanh(mul(x, c!)), mul(x, a)), [x, a!]);
    return sum(mul(add(y, x), add(a!, c!)));
  }));

test('no input needs a gradient, but a parameter inside does', () =>
  same((run, [a]) => sum(run((x) => square(mul(exp(x), a!)), [tensor([1, 2, 3, 4, 5])]))));

test('inputs may be disposed, outputs unused, and a function may give its input back', () =>
  same((run, [a, b]) => {
    const y = tidy(() => run((x) => square(exp(x)), [mul(a!, 2)]));
    run((y) => exp(y), [y]);
    return sum(
      mul(
        run((y) => y, [y]),
        b!,
      ),
    );
  }));

test('random numbers whose seed comes from outside repeat', () =>
  same((run, [a]) => sum(run((a) => exp(mul(a, rand([5], { seed: 3 }))), [a!]))));

test('checkpoints nest', () =>
  same((run, [a, b, c]) => {
    const inner: Fn = (x, w) => run((x) => tanh(mul(exp(x), w!)), [sigmoid(x!)]);
    const middle: Fn = (x) => run((x) => square(inner(inner(x!, b!), c!)), [mul(x!, a!)]);
    return sum(run((x) => exp(middle(middle(x!))), [square(a!)]));
  }));

test('each function runs a second time when backward reaches it, and once more per checkpoint around it', async () => {
  const runs: string[] = [];
  const named = (name: string, fn: Fn): Fn => {
    return (...inputs) => {
      runs.push(`${name}${isRecomputing() ? ' again' : ''}`);
      return fn(...inputs);
    };
  };
  const a = leaf('a');
  tidy(() => {
    const inner = named('inner', exp as Fn);
    const outer = named('outer', (x) => checkpoint(inner, [square(x!)]));
    const loss = sum(checkpoint(outer, [checkpoint(named('first', sigmoid as Fn), [a])]));
    assert.equal(runs.splice(0), ['first', 'outer', 'inner']);
    backward(loss);
  });
  assert.equal(runs, ['outer again', 'inner again', 'inner again', 'first again']);
  a.dispose();
});

test('several results, of which backward takes one and then the other', async () => {
  const results: number[][] = [];
  for (const isCheckpointed of [false, true]) {
    await leavesNothing(device, async () => {
      const a = leaf('a');
      const fn = (a: Tensor): { x: Tensor; y: Tensor } => {
        const shared = exp(a);
        return { x: square(shared), y: sigmoid(shared) };
      };
      tidy(() => {
        const { x, y } = isCheckpointed ? checkpoint(fn, [a]) : fn(a);
        backward(sum(x), { retainGraph: true });
        backward(sum(mul(y, 3)));
      });
      results.push(await list(a.grad!));
      a.dispose();
    });
  }
  assert.equal(results[1], results[0]);
});

test('a retained graph runs the function no third time', async () => {
  await leavesNothing(device, async () => {
    const a = leaf('a');
    let runs = 0;
    tidy(() => {
      const loss = sum(checkpoint((a) => (runs++, square(exp(a))), [a]));
      const [once] = grad(loss, [a], { retainGraph: true });
      const [twice] = grad(loss, [a]);
      axpby(once!, twice!, 1, -1);
      a.grad = twice!.alias(twice!.shape, false);
      assert.is(runs, 2);
      assert.throws(() => backward(loss), /backward was already run through this operation/);
    });
    assert.equal(await list(a.grad!), [0, 0, 0, 0, 0]);
    a.dispose();
  });
});

test('grad reaches inputs, results and parameters inside', async () => {
  await leavesNothing(device, async () => {
    const [a, b] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 5], { requiresGrad: true })];
    const gradients = tidy(() => {
      const x = mul(a, 2);
      const y = checkpoint((x) => mul(square(x), b), [x]);
      return grad(sum(mul(y, 7)), [x, y, b]);
    });
    assert.equal(await Promise.all(gradients.map(list)), [
      [2 * 2 * 3 * 7, 2 * 4 * 5 * 7],
      [7, 7],
      [4 * 7, 16 * 7],
    ]);
    assert.is(b.grad, null);
    for (const t of [a, b, ...gradients]) t.dispose();
  });
});

test('the activations of one function at a time are held', async () => {
  const peaks: number[] = [];
  const SIZE = 65_536;
  for (const run of [plainly, checkpoint]) {
    await leavesNothing(device, async () => {
      const a = leaf('a', SIZE);
      const start = device.memory().bytes;
      device.resetPeak();
      tidy(() => {
        let x = a;
        for (let i = 0; i < 8; i++) x = tidy(() => run((x) => tanh(sigmoid(tanh(sigmoid(mul(x!, 1.5))))), [x]));
        backward(sum(x));
      });
      peaks.push((device.memory().peakBytes - start) / (4 * SIZE));
      // Only the gradient remains: the recomputed graph is freed.
      assert.is(device.memory().bytes - start, 4 * SIZE);
      a.dispose();
    });
  }
  // 8 inputs, and a few gradients and activations of one function, instead of 32 activations.
  assert.ok(peaks[0]! >= 32 && peaks[1]! <= 18, `${peaks}`);
});

test('nothing is kept without recording, without a need for gradients, or after an error', async () => {
  await leavesNothing(device, async () => {
    const a = leaf('a');
    const constant = tensor([1]);
    tidy(() => {
      assert.is(noGrad(() => checkpoint((a) => exp(a), [a])).node, null);
      assert.is(checkpoint((x) => exp(x), [constant]).node, null);
      const failing = (a: Tensor): Tensor => {
        exp(a);
        throw new Error('on purpose');
      };
      assert.throws(() => checkpoint(failing, [a]), /on purpose/);
      assert.throws(() => checkpoint(async (a: Tensor) => exp(a), [a]), /must not be async/);
      assert.not(isRecomputing());
      backward(sum(exp(a))); // Recording goes on as before.
    });
    for (const t of [a, constant]) t.dispose();
  });
});

test('a graph that backward never sees frees its inputs with its result', async () => {
  await leavesNothing(device, async () => {
    const a = leaf('a');
    const before = device.memory().tensors;
    const y = tidy(() => checkpoint((x) => square(exp(x)), [sigmoid(a)]));
    assert.is(device.memory().tensors - before, 2); // y, and the input that the second run would read
    y.dispose();
    assert.is(device.memory().tensors, before);
    a.dispose();
  });
});

test('what changed since the first run is an error, and so is a function that does something else', async () => {
  await leavesNothing(device, async () => {
    const [a, w] = [leaf('a'), leaf('w')];
    const changed = /mul: a tensor of shape \[5\] that backward needs was changed in place after it was used/;
    for (const target of [a, w]) {
      tidy(() => {
        const loss = sum(checkpoint((a) => mul(a, w), [a]));
        axpby(target, target === a ? w : a, 1, 1);
        assert.throws(() => backward(loss), changed);
      });
    }
    let runs = 0;
    const differing = (first: Fn, second: Fn): Tensor =>
      sum(checkpoint((a) => (runs++ % 2 === 0 ? first : second)(a), [a]));
    const cases: [Fn, Fn, RegExp][] = [
      [exp as Fn, relu as Fn, /did exp\(\[5\],\[5\]\) in its first run and relu\(\[5\],\[5\]\) in its second/],
      [(a) => exp(exp(a!)), exp as Fn, /did exp\(.*\) in its first run and nothing more in its second/],
      [exp as Fn, (a) => exp(exp(a!)), /did nothing more in its first run and exp\(.*\) in its second/],
    ];
    for (const [first, second, message] of cases) {
      tidy(() => {
        const loss = differing(first, second);
        assert.throws(() => backward(loss), message);
      });
    }
    tidy(() => {
      const asking = (a: Tensor): Tensor => grad(sum(square(a)), [a])[0]!;
      assert.throws(() => checkpoint(asking, [a]), /grad: a checkpointed function cannot ask for gradients/);
      const gone = tensor([1]);
      gone.dispose();
      assert.throws(() => checkpoint((x) => exp(x), [gone]), /checkpoint: a tensor of shape \[1\] was disposed/);
    });
    for (const t of [a, w]) t.dispose();
  });
});

test('profiles tell the second run from the first', async () => {
  if (!device.features.has('timestamp-query')) return;
  const a = leaf('a');
  const entries = await device.profile(() => {
    tidy(() => {
      device.part = 'inside';
      const y = checkpoint((a) => square(exp(a)), [a]);
      device.part = '';
      backward(sum(y));
    });
  });
  const parts = new Map<string, number>();
  for (const { part } of entries) parts.set(part, (parts.get(part) ?? 0) + 1);
  assert.is(parts.get('inside'), 2);
  assert.is(parts.get('inside again'), 2);
  assert.ok(parts.get('inside backward')! >= 2);
  assert.is(device.part, '');
  a.dispose();
});

test.run();
