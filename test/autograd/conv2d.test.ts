import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { assertClose } from '../support/compare.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';
import { uniformValues } from '../support/fill.ts';

const device = await testDevice();

/** Number of kernels that a function launches. */
function launches(body: () => unknown): number {
  const before = device.counters().dispatches;
  ops.tidy(() => void body());
  return device.counters().dispatches - before;
}

test('the number of launches does not depend on the number of groups', () => {
  for (const [inGroup, out, expected] of [
    [1, 1, { forward: 1, dx: 1 }],
    [1, 2, { forward: 1, dx: 1 }],
    [4, 8, { forward: 1, dx: 2 }], // The filter is flipped first.
  ] as const) {
    for (const groups of [2, 16]) {
      ops.tidy(() => {
        const x = ops.ones([2, 6, 6, groups * inGroup]);
        const w = ops.ones([3, 3, inGroup, groups * out]);
        x.requiresGrad = true;
        const options = { groups, padding: 1 };
        const label = `${groups} groups of ${inGroup}`;
        assert.is(
          launches(() => ops.conv2d(x, w, null, options)),
          expected.forward,
          label,
        );
        const y = ops.conv2d(x, w, null, options);
        const gradient = ops.ones(y.shape);
        assert.is(
          launches(() => ops.grad(y, [x], { gradient })),
          expected.dx,
          label,
        );
      });
    }
  }
});

for (const [name, shape, filter, groups] of [
  ['direct', [1, 24, 24, 4], [3, 3, 4, 4], 1],
  ['Winograd', [1, 24, 24, 32], [3, 3, 32, 32], 1],
  ['Winograd with small tiles', [1, 11, 10, 128], [3, 3, 128, 128], 1],
  ['in groups', [1, 24, 24, 8], [3, 3, 4, 8], 2],
  ['depthwise', [1, 24, 24, 4], [3, 3, 1, 4], 4],
] as const) {
  for (const value of [NaN, Infinity]) {
    test(`${value} in x is never lost, and stays within a tile: ${name}`, async () => {
      const [, h, width, c] = shape;
      const k = filter[3];
      const [row, column] = [5, 6];
      const values = uniformValues('x', h * width * c);
      const results = ops.tidy(() => {
        const w = ops.tensor(uniformValues('w', 9 * filter[2] * k), { shape: filter });
        const conv = (list: Float32Array): ops.Tensor =>
          ops.conv2d(ops.tensor(list, { shape }), w, null, { padding: 1, groups }, { relu: Number.isNaN(value) });
        const plain = conv(values);
        values[(row * width + column) * c] = value;
        return [plain, conv(values)];
      });
      const [plain, actual] = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
      for (const t of results) t.dispose();
      // The first channel of every pixel.
      for (let i = 0; i < actual!.length; i += k) {
        const [y, x] = [Math.floor(i / k / width), Math.floor(i / k) % width];
        const distance = Math.max(Math.abs(y - row), Math.abs(x - column));
        if (distance <= 1) assert.not(Number.isFinite(actual![i]), `pixel ${y}, ${x}`);
        if (distance > (name.startsWith('Winograd') ? 4 : 1)) assert.is(actual![i], plain![i], `pixel ${y}, ${x}`);
      }
    });
  }
}

test('inference transforms a filter once, and again after a change', async () => {
  await leavesNothing(device, async () => {
    const x = ops.tensor(uniformValues('x', 24 * 24 * 32), { shape: [1, 24, 24, 32] });
    const w = ops.tensor(uniformValues('w', 9 * 32 * 32), { shape: [3, 3, 32, 32] });
    const conv = (filter: ops.Tensor): ops.Tensor => ops.noGrad(() => ops.conv2d(x, filter, null, { padding: 1 }));
    const first = launches(() => conv(w));
    assert.is(
      launches(() => conv(w)),
      first - 1,
    );
    const values = uniformValues('other', w.size);
    ops.write(w, values);
    const fresh = ops.tensor(values, { shape: w.shape });
    const [after, expected] = [conv(w), conv(fresh)];
    assert.equal(await after.data(), await expected.data());
    for (const t of [x, w, fresh, after, expected]) t.dispose();
  });
});

test('cleared pixels are 0 in every image and let no gradient pass', async () => {
  await leavesNothing(device, async () => {
    for (const k of [4, 3]) {
      const x = ops.tensor(uniformValues('x', 2 * 5 * 4 * 3), { shape: [2, 5, 4, 3], requiresGrad: true });
      const w = ops.tensor(uniformValues('w', 9 * 3 * k), { shape: [3, 3, 3, k], requiresGrad: true });
      const clear = ops.tensor(Int32Array.of(0, 6, 19, 21, -1)); // The last two lie outside.
      const mask = ops.tensor(
        Float32Array.from({ length: 20 }, (_, i) => Number(i !== 0 && i !== 6 && i !== 19)),
        { shape: [1, 5, 4, 1] },
      );
      const results = ops.tidy(() => {
        const cleared = ops.conv2d(x, w, null, { padding: 1 }, { relu: true, clear });
        const masked = ops.mul(ops.conv2d(x, w, null, { padding: 1 }, { relu: true }), mask);
        const gradient = ops.ones(cleared.shape);
        return [cleared, ...ops.grad(cleared, [x, w], { gradient }), masked, ...ops.grad(masked, [x, w], { gradient })];
      });
      const values = await Promise.all(results.map((t) => t.data()));
      for (const i of [0, 1, 2]) assert.equal(values[i], values[i + 3]);
      const needsRelu = await errorOf(() => ops.conv2d(x, w, null, { padding: 1 }, { clear }));
      assert.is(needsRelu.message, 'conv2d: clear needs relu: true');
      for (const t of [x, w, clear, mask, ...results]) t.dispose();
    }
  });
});

// A gradient penalty differentiates the gradient of x again, with respect to x and the filter.
for (const [name, shapes, f] of [
  [
    'conv2d',
    [
      [1, 4, 5, 2],
      [3, 3, 2, 3],
    ],
    (x, w) => ops.conv2d(x, w, null, { padding: 1, stride: 2 }),
  ],
  [
    'conv2d with relu',
    [
      [1, 4, 5, 2],
      [3, 3, 2, 3],
    ],
    (x, w) => ops.conv2d(x, w, null, { padding: 1 }, { relu: true }),
  ],
  [
    'depthwise conv2d',
    [
      [1, 4, 5, 3],
      [3, 3, 1, 3],
    ],
    (x, w) => ops.conv2d(x, w, null, { groups: 3, padding: 1 }),
  ],
  [
    'convTranspose2d',
    [
      [1, 3, 2, 3],
      [2, 2, 4, 3],
    ],
    (x, w) => ops.convTranspose2d(x, w, null, { stride: 2 }),
  ],
] as readonly (readonly [string, readonly number[][], (x: ops.Tensor, w: ops.Tensor) => ops.Tensor])[]) {
  test(`second derivatives: ${name}`, async () => {
    const penalty = (x: ops.Tensor, w: ops.Tensor): ops.Tensor => {
      const [dx] = ops.grad(ops.sum(ops.square(f(x, w))), [x], { createGraph: true });
      return ops.square(dx!);
    };
    const [x, w] = shapes.map((shape, i) =>
      ops.tensor(
        uniformValues(
          `${name} ${i}`,
          shape.reduce((a, b) => a * b, 1),
        ),
        { shape, requiresGrad: true },
      ),
    );
    const value = (): Promise<number> => ops.tidy(() => ops.sum(penalty(x!, w!))).item();
    const gradients = ops.tidy(() => ops.grad(ops.sum(penalty(x!, w!)), [x!, w!]));
    for (const [k, leaf] of [x!, w!].entries()) {
      const slope = (await gradients[k]!.data()) as Float32Array;
      const start = (await leaf.data()) as Float32Array;
      const direction = uniformValues(`${name} direction`, leaf.size);
      const at = async (step: number): Promise<number> => {
        ops.write(
          leaf,
          start.map((v, i) => v + step * direction[i]!),
        );
        return value();
      };
      const difference = ((await at(2 ** -8)) - (await at(-(2 ** -8)))) / 2 ** -7;
      ops.write(leaf, start);
      const expected = slope.reduce((total, v, i) => total + v * direction[i]!, 0);
      assert.ok(Math.abs(difference - expected) < 0.02 * Math.abs(expected) + 0.02, `${difference} for ${expected}`);
    }
    for (const t of [x!, w!, ...gradients]) t.dispose();
  });
}

test('groups, padding and shapes that do not fit are refused', () => {
  ops.tidy(() => {
    const x = ops.zeros([1, 4, 4, 6]);
    const conv = (w: readonly number[], options: object) => () => ops.conv2d(x, ops.zeros(w), null, options);
    refuses(
      conv([3, 3, 6, 4], { groups: 2 }),
      'conv2d: input [1,4,4,6] and weight [3,3,6,4] do not fit: expected [N, H, W, C] and [R, S, C / 2, K] for 2 groups',
    );
    refuses(
      conv([3, 3, 3, 5], { groups: 2 }),
      'conv2d: 5 output channels of weight [3,3,3,5] do not divide into 2 groups',
    );
    refuses(conv([3, 3, 6, 4], { groups: 0 }), 'conv2d: groups is 0, expected an integer >= 1');
    refuses(
      conv([3, 3, 6, 4], { padding: 'same', stride: [1, 2] }),
      'conv2d: padding is "same" with stride [1,2], expected stride 1',
    );
    refuses(
      conv([3, 3, 6, 4], {
        padding: [
          [1, 1, 1],
          [0, 0],
        ],
      }),
      'conv2d: padding is [1,1,1], expected an integer or a pair of integers',
    );
    refuses(
      conv([3, 3, 6, 4], { padding: [[1, 1]] }),
      'conv2d: padding is [[1,1]], expected [[top, bottom], [left, right]]',
    );
    refuses(conv([3, 3, 6, 4], { padding: 'valid' }), 'conv2d: padding is "valid", expected an integer >= 0');
    refuses(conv([3, 3, 6, 4], { padding: -1 }), 'conv2d: padding is -1, expected an integer >= 0');
  });
});

test('transposed convolutions that do not fit are refused', () => {
  ops.tidy(() => {
    const x = ops.zeros([1, 4, 4, 6]);
    const conv =
      (w: readonly number[], options: object, bias: ops.Tensor | null = null) =>
      () =>
        ops.convTranspose2d(x, ops.zeros(w), bias, options);
    const fit = 'do not fit: expected [N, H, W, K] and [R, S, C, K] with the same K';
    refuses(conv([3, 3, 6, 4], {}), `convTranspose2d: input [1,4,4,6] and weight [3,3,6,4] ${fit}`);
    refuses(
      conv([3, 3, 2, 6], { groups: 4 }),
      `convTranspose2d: input [1,4,4,6] and weight [3,3,2,6] ${fit} that divides into 4 groups`,
    );
    refuses(
      conv([3, 3, 5, 6], { stride: 2, outputPadding: 2 }),
      'convTranspose2d: outputPadding is 2, expected an integer from 0 to 1',
    );
    refuses(
      conv([3, 3, 5, 6], { padding: 3 }),
      'convTranspose2d: the result [0,0] of input [1,4,4,6] with padding [3,3] has no pixels',
    );
    refuses(
      conv([3, 3, 5, 6], {}, ops.zeros([6])),
      'convTranspose2d: bias [6] does not fit weight [3,3,5,6]: expected [5]',
    );
  });
});

test('one-dimensional convolutions that do not fit are refused in their own name', () => {
  ops.tidy(() => {
    const x = ops.zeros([1, 5, 6]);
    const conv =
      (w: readonly number[], options: object, bias: ops.Tensor | null = null) =>
      () =>
        ops.conv1d(x, ops.zeros(w), bias, options);
    refuses(
      conv([3, 4, 4], {}),
      'conv1d: input [1,5,6] and weight [3,4,4] do not fit: expected [N, L, C] and [R, C, K] with the same C',
    );
    refuses(conv([3, 3, 5], { groups: 2 }), 'conv1d: 5 output channels of weight [3,3,5] do not divide into 2 groups');
    refuses(conv([3, 6, 4], { stride: 0 }), 'conv1d: stride is 0, expected an integer >= 1');
    refuses(conv([3, 6, 4], { padding: [1, -1] }), 'conv1d: padding is -1, expected an integer >= 0');
    refuses(
      conv([3, 6, 4], { padding: 'same', stride: 2 }),
      'conv1d: padding is "same" with stride 2, expected stride 1',
    );
    refuses(
      conv([3, 6, 4], { dilation: 3 }),
      'conv1d: a filter [3,6,4] is longer than the input [1,5,6] with padding [0,0]',
    );
    refuses(conv([3, 6, 4], {}, ops.zeros([3])), 'conv1d: bias [3] does not fit weight [3,6,4]: expected [4]');
  });
});

for (const [name, shape, filter, options, tuning] of [
  ['direct', [2, 9, 7, 4], [3, 3, 4, 8], { padding: 1 }, undefined],
  ['odd channels', [2, 9, 7, 3], [3, 3, 3, 5], { padding: 1 }, undefined],
  ['stride, dilation', [2, 9, 7, 4], [3, 2, 4, 8], { stride: [2, 1], dilation: [1, 2] }, undefined],
  ['1x1 with a stride, which leaves pixels without a tap', [1, 8, 6, 4], [1, 1, 4, 8], { stride: 2 }, undefined],
  ['Winograd', [1, 24, 24, 32], [3, 3, 32, 32], { padding: 1 }, undefined],
  ['in groups', [1, 9, 7, 8], [3, 3, 4, 8], { groups: 2 }, undefined],
  ['depthwise', [1, 9, 7, 4], [3, 3, 1, 4], { groups: 4 }, undefined],
  ['kernels for GPUs', [2, 9, 7, 8], [3, 3, 8, 12], { padding: 1 }, 'nvidia'],
  ['kernels for GPUs, stride', [2, 9, 7, 8], [3, 3, 8, 12], { padding: 1, stride: 2 }, 'nvidia'],
] as const) {
  test(`an input gradient is added to that of another use: ${name}`, async () => {
    const before = device.tuning;
    device.tuning = tuning;
    await leavesNothing(device, async () => {
      const [sum, expected] = ops.tidy(() => {
        const leaf = ops.randn(shape, { seed: 1 });
        const w = ops.randn(filter, { seed: 2 });
        leaf.requiresGrad = true;
        const gradientOf = (uses: (x: ops.Tensor) => ops.Tensor): ops.Tensor => {
          const y = uses(ops.square(leaf));
          return ops.grad(y, [leaf])[0]!;
        };
        const convolved = (x: ops.Tensor): ops.Tensor => ops.sum(ops.square(ops.conv2d(x, w, null, options)));
        const other = (x: ops.Tensor): ops.Tensor => ops.sum(ops.exp(x));
        const both = gradientOf((x) => {
          const first = convolved(x); // Its gradient comes last, so that it is added to the other.
          return ops.add(first, other(x));
        });
        return [both, ops.add(gradientOf(convolved), gradientOf(other))];
      });
      const tolerance = { relative: 1e-6, largest: 1e-6 };
      assertClose(await sum!.data(), await expected!.data(), { tolerance, label: 'gradient' });
      for (const t of [sum, expected]) t!.dispose();
    });
    device.tuning = before;
  });
}

test('an input gradient that is added to another takes no launch for it, except where a second derivative is wanted', () => {
  ops.tidy(() => {
    const leaf = ops.randn([1, 8, 8, 4], { seed: 1 });
    const w = ops.randn([1, 1, 4, 4], { seed: 2 });
    leaf.requiresGrad = true;
    const count = (createGraph: boolean, times: number): number => {
      const x = ops.mul(leaf, 2);
      const y = Array.from({ length: times }, () => ops.conv2d(x, w));
      const loss = y.reduce((a, b) => ops.add(a, b));
      return launches(() => ops.grad(loss, [leaf], { gradient: ops.ones(loss.shape), createGraph }));
    };
    const perUse = count(false, 3) - count(false, 2);
    assert.is(count(true, 3) - count(true, 2), perUse + 1);
  });
});

test.run();
