import ndarray from 'ndarray';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor, write } from '../../src/tensor/create.ts';
import { keep, tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { add, mul } from '../../src/autograd/ops/binary.ts';
import { reshape } from '../../src/autograd/ops/shape.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];

test('values come from numbers, nested arrays, typed arrays and ndarrays', async () => {
  await leavesNothing(device, async () => {
    const cases: [Tensor, string, number[], number[]][] = [
      [tensor(7), 'float32', [], [7]],
      [
        tensor([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        'float32',
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ],
      [tensor([]), 'float32', [0], []],
      [tensor(Int32Array.of(-1, 2)), 'int32', [2], [-1, 2]],
      [tensor(Uint32Array.of(4e9)), 'uint32', [1], [4e9]],
      [tensor(Float64Array.of(0.5, 1e-3)), 'float32', [2], [0.5, Math.fround(1e-3)]],
      [tensor(Uint8Array.of(1, 2, 3, 255), { shape: [2, 2] }), 'float32', [2, 2], [1, 2, 3, 255]],
      [tensor([1, 2, 3], { dtype: 'int32' }), 'int32', [3], [1, 2, 3]],
    ];
    for (const [t, dtype, shape, values] of cases) {
      assert.is(t.dtype, dtype);
      assert.equal([...t.shape], shape);
      assert.equal(await list(t), values);
      t.dispose();
    }
  });
});

test('an ndarray of any strides is copied in row-major order', async () => {
  await leavesNothing(device, async () => {
    const base = ndarray(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    );
    const views = [base, base.transpose(2, 0, 1), base.step(1, -1, 2), base.lo(1, 1, 1), base.pick(1, null, null)];
    for (const view of views) {
      const t = tensor(view);
      assert.equal([...t.shape], view.shape);
      const back = await t.ndarray();
      for (let i = 0; i < view.size; i++) {
        const index: number[] = [];
        for (let d = view.shape.length - 1, rest = i; d >= 0; d--) {
          index.unshift(rest % view.shape[d]!);
          rest = Math.floor(rest / view.shape[d]!);
        }
        assert.is(back.get(...index), view.get(...index));
      }
      t.dispose();
    }
  });
});

test('wrong shapes and values are refused with both named', async () => {
  assert.throws(() => tensor([1, 2, 3], { shape: [2, 2] }), /3 values do not fill the shape \[2,2\]/);
  assert.throws(() => tensor([[1, 2], [3]]), /nested arrays of different shapes/);
  assert.throws(() => tensor([1], { shape: [-1] }), /an extent of the shape \[-1\] is -1, expected an integer >= 0/);
  const a = tensor([1, 2]);
  assert.throws(() => write(a, [1]), /1 values do not fill a tensor of shape \[2\]/);
  assert.match((await errorOf(() => a.item())).message, /\[2\] has 2 elements/);
  a.dispose();
});

test('reshape shares memory, which lives as long as the last view', async () => {
  await leavesNothing(device, async () => {
    const a = tensor([1, 2, 3, 4]);
    const before = device.memory().bytes;
    const b = reshape(a, [2, -1]);
    assert.is(device.memory().bytes, before);
    a.dispose();
    assert.equal(await list(b), [1, 2, 3, 4]);
    write(b, [5, 6, 7, 8]);
    assert.equal(await list(b), [5, 6, 7, 8]);
    b.dispose();
  });
});

test('tidy frees what is not returned or kept, also when it throws', async () => {
  await leavesNothing(device, async () => {
    const a = tensor([1, 2]);
    let kept: Tensor | undefined;
    const result = tidy(() => {
      kept = keep(mul(a, 10));
      const inner = tidy(() => ({ list: [add(a, 1)], map: new Map([['x', add(a, 2)]]) }));
      return { ...inner, unused: 3 };
    });
    assert.equal(await list(result.list[0]!), [2, 3]);
    assert.equal(await list(result.map.get('x')!), [3, 4]);
    assert.equal(await list(kept!), [10, 20]);
    for (const t of [a, kept!, result.list[0]!, result.map.get('x')!]) t.dispose();
    assert.throws(
      () =>
        tidy(() => {
          tensor([1]);
          throw new Error('inside');
        }),
      /inside/,
    );
    assert.throws(() => tidy(async () => tensor([1])), /must not be async/);
  });
});

test('a disposed tensor is refused by name of the operation', async () => {
  const a = tensor([1, 2]);
  a.dispose();
  a.dispose();
  assert.throws(() => add(a, 1), /add: a tensor of shape \[2\] was disposed/);
  assert.match((await errorOf(() => a.data())).message, /data: a tensor of shape \[2\] was disposed/);
});

test('a write comes after the commands that were recorded before it', async () => {
  const a = tensor([1, 2, 3]);
  const b = add(a, 1);
  write(a, [10, 20, 30]);
  const c = add(a, 1);
  assert.equal(await list(b), [2, 3, 4]);
  assert.equal(await list(c), [11, 21, 31]);
  for (const t of [a, b, c]) t.dispose();
});

test.run();
