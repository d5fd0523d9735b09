/** The helpers that all other tests use. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { ref, type Ref } from '../reference/array.ts';
import { matmul } from '../reference/matmul.ts';
import { centralDifference, hashedWeights, sampledElements } from './central-difference.ts';
import { assertClose, exact, tolerance } from './compare.ts';
import { filled } from './fill.ts';

const label = 'y';

test('assertClose takes what is close, equal infinities, NaN where NaN is, and what float32 cannot hold', () => {
  assertClose([1, 0], [1 + 1e-6, 0], { tolerance: { relative: 2e-6 }, label });
  assertClose([Infinity, -Infinity, NaN, -0], [1e300, -Infinity, NaN, 0], { tolerance: exact, label });
  assertClose([0], [1e-40], { tolerance: exact, label });
  assertClose([100, 0.01], [100, 0], { tolerance: { largest: 1e-3 }, label });
  assertClose([], ref([0, 3]), { tolerance: exact, label });
});

test('assertClose names the worst element, and tells infinities and NaN from numbers', () => {
  const y = ref([2, 3], [0, 1, 2, 3, 4, 5]);
  assert.throws(
    () => assertClose([0, 1, 2.5, 3, 6, 5], y, { tolerance: { absolute: 0.1 }, label }),
    /y: 2 of 6 elements are off, worst at \[1, 1\] of \[2, 3\]: got 6, expected 4, 20.0 times the tolerance/,
  );
  for (const [got, want] of [
    [NaN, 1],
    [1, NaN],
    [Infinity, 1],
    [1, Infinity],
    [Infinity, -Infinity],
  ] as const) {
    assert.throws(() => assertClose([got], [want], { tolerance: { relative: 1, largest: 1 }, label }), /1 of 1/);
  }
  assert.throws(() => assertClose([1], [1, 2], { tolerance: exact, label }), /got 1 elements, expected 2 of \[2\]/);
});

test('float32 sums stay within the tolerance, and not by a wide margin', () => {
  for (const k of [10, 1000, 100_000]) {
    const terms = filled('normal', k, new Random(k));
    let [single, double] = [0, 0];
    for (const term of terms) {
      single = Math.fround(single + term);
      double += term;
    }
    assertClose([single], [double], { tolerance: tolerance(k), label });
    const shifted = double + 100 * Math.sqrt(k) * Math.sqrt(k) * 2 ** -24;
    assert.throws(() => assertClose([shifted], [double], { tolerance: tolerance(k), label }));
  }
});

test('central differences of products and of powers, all or sampled', () => {
  const a = ref([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = ref([3, 1], [7, 8, 9]);
  const product = (inputs: readonly Ref[]): Ref => matmul(inputs[0]!, inputs[1]!);
  const close = { tolerance: { relative: 1e-9 }, label };
  assertClose(centralDifference(product, [a, b], 0, [1, 10]).values, [7, 8, 9, 70, 80, 90], close);
  assertClose(centralDifference(product, [a, b], 1, [1, 10]).values, [41, 52, 63], close);
  const some = centralDifference(product, [a, b], 0, [1, 10], { samples: 3, seed: 's' });
  assert.is(some.elements.length, 3);
  some.elements.forEach((e, i) => assertClose([some.values[i]!], [[7, 8, 9, 70, 80, 90][e]!], close));
  const cube = ([x]: readonly Ref[]): Ref =>
    ref(
      x!.shape,
      x!.data.map((v) => v ** 3),
    );
  const { values } = centralDifference(cube, [ref([3], [0, 2, 1e12])], 0, [1, 1, 1]);
  assertClose(values, [0, 12, 3e24], { tolerance: { relative: 1e-4, absolute: 1e-9 }, label });
});

test('a central difference leaves its inputs alone, and takes a function that returns its input', () => {
  const x = ref([2], [1, 2]);
  assert.equal([...centralDifference(([y]) => y!, [x], 0, [3, 4]).values], [3, 4]);
  assert.equal([...x.data], [1, 2]);
});

test('samples are distinct, ascending, and hold both ends', () => {
  assert.equal([...sampledElements(4, 9, 's')], [0, 1, 2, 3]);
  assert.equal([...sampledElements(0, 9, 's')], []);
  const some = sampledElements(1000, 12, 's');
  assert.is(new Set(some).size, 12);
  assert.is(some[0], 0);
  assert.is(some.at(-1), 999);
  assert.equal(
    [...some],
    [...some].sort((a, b) => a - b),
  );
});

test('weights keep away from 0', () => {
  const weights = hashedWeights('case', 500);
  assert.ok(weights.every((w) => Math.abs(w) >= 0.5 && Math.abs(w) <= 1 && Math.fround(w) === w));
  assert.ok(weights.some((w) => w < 0) && weights.some((w) => w > 0));
  assert.is.not(hashedWeights('other', 500)[0], weights[0]);
});

test('fills keep what they promise', () => {
  const random = (): Random => new Random('fills');
  const [first, second] = [filled('apart', 200, random(), 0), filled('apart', 200, random(), 1)];
  const all = [...first, ...second, 0].sort((a, b) => a - b);
  for (let i = 1; i < all.length; i++) assert.ok(all[i]! - all[i - 1]! > 0.099, `${all[i - 1]} and ${all[i]}`);
  assert.ok(filled('positive', 99, random()).every((v) => v >= 0.5 && v <= 2.5));
  assert.ok(filled('tiny', 99, random()).every((v) => Math.abs(v) >= 0.9e-20 && Math.abs(v) <= 1.1e-6));
  assert.ok(filled('huge', 99, random()).every((v) => Math.abs(v) >= 0.9e6 && Math.abs(v) <= 1.1e15));
  assert.equal(
    [...new Set(filled({ low: -2, high: 1 }, 99, random()))].sort((a, b) => a - b),
    [-2, -1, 0, 1],
  );
  assert.equal([...filled([5, 6], 3, random())], [5, 6, 5]);
  const boxes = filled('boxes', 40, random());
  for (let i = 0; i < 40; i += 4) assert.ok(boxes[i + 2]! > boxes[i]! && boxes[i + 3]! > boxes[i + 1]!);
  const normal = filled('normal', 10_000, random());
  const mean = normal.reduce((a, b) => a + b, 0) / 10_000;
  const variance = normal.reduce((a, b) => a + (b - mean) ** 2, 0) / 10_000;
  assert.ok(Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.05);
});

test.run();
