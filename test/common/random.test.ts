import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hash32, Random } from '../../src/common/random.ts';
import { splitIds } from '../../src/data/split.ts';

test('the same seed gives the same numbers, another one others', () => {
  const numbers = (random: Random): number[] => Array.from({ length: 8 }, () => random.bits());
  assert.equal(numbers(new Random('a', 1)), numbers(new Random('a', 1)));
  assert.not.equal(numbers(new Random('a', 1)), numbers(new Random('a', 2)));
  assert.is.not(hash32('a', 'b'), hash32('ab'));
});

test('uniform, int and normal have their moments', () => {
  const random = new Random(7);
  const n = 20_000;
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / n;
  const uniform = Array.from({ length: n }, () => random.uniform(2, 4));
  assert.ok(uniform.every((v) => v >= 2 && v < 4));
  assert.ok(Math.abs(mean(uniform) - 3) < 0.02);
  const normal = Array.from({ length: n }, () => random.normal(1, 2));
  assert.ok(Math.abs(mean(normal) - 1) < 0.06);
  assert.ok(Math.abs(mean(normal.map((v) => (v - 1) ** 2)) - 4) < 0.2);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) counts[random.int(5)]! += 1;
  assert.ok(
    counts.every((count) => Math.abs(count - n / 5) < 300),
    counts.join(),
  );
  assert.throws(() => random.int(0), /n is 0/);
});

test('shuffle keeps the elements', () => {
  const shuffled = new Random(1).shuffle(Array.from({ length: 50 }, (_, i) => i));
  assert.not.equal(
    shuffled,
    [...shuffled].sort((a, b) => a - b),
  );
  assert.equal(
    [...shuffled].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('a split keeps every id on its side when others come', () => {
  const ids = Array.from({ length: 400 }, (_, i) => `AOI_2_Vegas_img${i}`);
  const { train, heldOut } = splitIds(ids, { heldOut: 0.25, seed: 3 });
  assert.equal(
    [...train, ...heldOut].sort((a, b) => a - b),
    ids.map((_, i) => i),
  );
  assert.ok(Math.abs(heldOut.length - 100) < 30, `${heldOut.length} held out`);
  const more = ['new1', ...ids.slice(200), 'new2'];
  const held = new Set(splitIds(more, { heldOut: 0.25, seed: 3 }).heldOut.map((i) => more[i]));
  for (let i = 200; i < 400; i++) assert.is(held.has(ids[i]!), heldOut.includes(i));
  assert.not.equal(splitIds(ids, { heldOut: 0.25, seed: 4 }).heldOut, heldOut);
});

test('small sets have both sides', () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const heldOut of [0.01, 0.5, 0.99]) {
      const split = splitIds(['a', 'b', 'c'], { heldOut, seed });
      assert.ok(split.train.length > 0 && split.heldOut.length > 0);
    }
  }
  const ten = Array.from({ length: 10 }, (_, i) => `roof-${i}`);
  const counts = Array.from({ length: 50 }, (_, seed) => splitIds(ten, { seed }).heldOut.length);
  assert.is(Math.min(...counts), 2, 'weights are not chosen on a single image of ten');
  assert.equal(splitIds(['a', 'b'], { heldOut: 0 }), { train: [0, 1], heldOut: [] });
  assert.throws(() => splitIds(['a'], { heldOut: 2 }), /heldOut is 2/);
});

test.run();
