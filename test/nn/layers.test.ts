import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as rg from '../../src/index.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();

test('layers compute what their operations do, outside tidy too', async () => {
  const x = rg.randn([2, 4, 4, 6], { seed: 1 });
  const layers: [rg.Module & rg.Layer, (x: rg.Tensor) => rg.Tensor][] = [
    [new rg.ReLU(), rg.relu],
    [new rg.GELU(), rg.gelu],
    [new rg.GELU({ approximate: 'tanh' }), (t) => rg.gelu(t, { approximate: 'tanh' })],
    [new rg.SiLU(), rg.silu],
    [new rg.LeakyReLU(0.2), (t) => rg.leakyRelu(t, { slope: 0.2 })],
    [new rg.ELU(0.5), (t) => rg.elu(t, { alpha: 0.5 })],
    [new rg.Hardswish(), rg.hardSwish],
    [new rg.Sigmoid(), rg.sigmoid],
    [new rg.Tanh(), rg.tanh],
    [new rg.Softmax(1), (t) => rg.softmax(t, 1)],
    [new rg.Identity(), (t) => rg.reshape(t, t.shape)],
    [new rg.Dropout(0.3).eval(), (t) => rg.reshape(t, t.shape)],
    [new rg.Flatten(), (t) => rg.reshape(t, [2, -1])],
    [new rg.LayerNorm(6), (t) => rg.layerNorm(t, 6)],
    [new rg.LayerNorm([4, 6], { eps: 0.1 }), (t) => rg.layerNorm(t, [4, 6], null, null, { eps: 0.1 })],
  ];
  for (const [layer, op] of layers) {
    await leavesNothing(device, async () => {
      const [actual, expected] = [layer.forward(x), op(x)];
      assert.equal(actual.shape, expected.shape);
      assert.equal(await actual.data(), await expected.data(), layer.constructor.name);
      for (const used of [actual, expected]) used.dispose();
    });
    layer.dispose();
  }
  x.dispose();
});

test('an embedding looks up vectors and gets their gradients', async () => {
  await leavesNothing(device, async () => {
    const table = new rg.Embedding(4, 2);
    rg.write(table.weight, [0, 1, 2, 3, 4, 5, 6, 7]);
    const indices = rg.tensor(Int32Array.of(3, 0, 3, 9), { shape: [2, 2] });
    const vectors = table.forward(indices);
    assert.equal(vectors.shape, [2, 2, 2]);
    assert.equal([...(await vectors.data())], [6, 7, 0, 1, 6, 7, NaN, NaN]);
    const loss = rg.sum(vectors);
    rg.backward(loss);
    assert.equal([...(await table.weight.grad!.data())], [1, 1, 0, 0, 0, 0, 2, 2]);
    for (const used of [indices, vectors, loss, table]) used.dispose();
  });
});

test('dropout repeats after manualSeed, and drops others at each call', async () => {
  await leavesNothing(device, async () => {
    const x = rg.ones([1000]);
    const layer = new rg.Dropout(0.2);
    const draw = async (): Promise<number[]> => {
      const y = layer.forward(x);
      const values = [...(await y.data())];
      y.dispose();
      return values;
    };
    rg.manualSeed(5);
    const [first, second] = [await draw(), await draw()];
    assert.not.equal(first, second);
    rg.manualSeed(5);
    assert.equal(await draw(), first);
    const kept = first.filter((value) => value !== 0);
    assert.ok(kept.every((value) => value === 1.25) && kept.length > 750 && kept.length < 850, `${kept.length} kept`);
    layer.eval();
    assert.equal(await draw(), [...(await x.data())]);
    assert.throws(() => new rg.Dropout(1.5), /^Dropout: p is 1\.5, expected a number from 0 to 1/);
    assert.throws(() => rg.dropout(x, { seed: 0.5 }), /^dropout: seed is 0\.5, expected an integer/);
    x.dispose();
  });
});

test('a checkpointed dropout repeats its mask', async () => {
  await leavesNothing(device, async () => {
    const layer = new rg.Dropout();
    const gradientOf = async (isCheckpointed: boolean): Promise<number[]> => {
      rg.manualSeed(3);
      const x = rg.randn([64], { seed: 1, requiresGrad: true });
      const fn = (t: rg.Tensor): rg.Tensor => rg.square(layer.forward(rg.square(layer.forward(t))));
      const run = (): rg.Tensor => rg.sum(isCheckpointed ? rg.checkpoint(fn, [x]) : fn(x));
      const [gradient] = rg.tidy(() => {
        const loss = run();
        layer.forward(x); // Draws a seed before backward.
        rg.manualSeed(99);
        return rg.grad(loss, [x]);
      });
      const values = [...(await gradient!.data())];
      gradient!.dispose();
      x.dispose();
      return values;
    };
    const plain = await gradientOf(false);
    assert.ok(plain.includes(0) && plain.some((value) => value !== 0));
    assert.equal(await gradientOf(true), plain);
  });
});

test('a recurrent cell without a state starts at zeros', async () => {
  await leavesNothing(device, async () => {
    const cell = new rg.LSTMCell(3, 4);
    const x = rg.randn([2, 3], { seed: 2 });
    const zero = rg.zeros([2, 4]);
    const [h, c] = cell.forward(x);
    const [h0, c0] = cell.forward(x, [zero, zero]);
    for (const [a, b] of [
      [h, h0],
      [c, c0],
    ] as const) {
      assertClose(await a.data(), await b.data(), { tolerance: { relative: 1e-5, absolute: 1e-6 }, label: 'state' });
    }
    for (const used of [x, zero, h, c, h0, c0, cell]) used.dispose();
  });
});

test('attention refuses what does not fit, and drops weights in training', async () => {
  await leavesNothing(device, async () => {
    const x = rg.randn([2, 3, 4], { seed: 3 });
    const other = rg.randn([2, 3, 5], { seed: 3 });
    const mask = rg.tensor([1, 0]);
    assert.throws(() => rg.scaledDotProductAttention(x, other, x), /query \[2,3,4\], key \[2,3,5\] .* do not fit/);
    assert.throws(() => rg.scaledDotProductAttention(x, x, x, { mask }), /\[2\] and \[2,3,3\] do not broadcast/);
    assert.throws(() => rg.scaledDotProductAttention(x, x, x, { mask, isCausal: true }), /exclude each other/);
    assert.throws(() => new rg.MultiheadAttention(6, 4), /6 features do not divide into 4 heads/);
    const attention = new rg.MultiheadAttention(4, 2, { dropout: 0.5 });
    const read = async (): Promise<number[]> => {
      const y = attention.forward(x);
      const values = [...(await y.data())];
      y.dispose();
      return values;
    };
    assert.not.equal(await read(), await read());
    attention.eval();
    assert.equal(await read(), await read());
    for (const used of [x, other, mask, attention]) used.dispose();
  });
});

test('layer norm refuses shapes that do not fit', () => {
  const x = rg.ones([2, 3]);
  assert.throws(() => rg.layerNorm(x, 2), /^layerNorm: the last axes of \[2,3\] are not normalizedShape \[2\]$/);
  assert.throws(() => rg.layerNorm(x, []), /^layerNorm: the last axes/);
  assert.throws(() => rg.layerNorm(x, 3, x), /^layerNorm: gamma \[2,3\] is not of normalizedShape \[3\]$/);
  assert.throws(() => rg.layerNorm(x, 3, null, null, { eps: -1 }), /^layerNorm: eps is -1/);
  x.dispose();
});

test.run();
