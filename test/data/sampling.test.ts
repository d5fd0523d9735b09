import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { BalancedSampler, balancedSampler, type Candidate, type SamplingOptions } from '../../src/data/sampling.ts';
import type { Dataset } from '../../src/data/types.ts';

/** Positions 10, 13, 16, ...: not those in the list. */
const candidates = (labels: readonly (readonly number[])[]): Candidate[] =>
  labels.map((own, i) => ({ index: 10 + 3 * i, labels: own }));

function countsOf(list: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const index of list) counts.set(index, (counts.get(index) ?? 0) + 1);
  return counts;
}

const classLists = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), {
  minLength: 1,
  maxLength: 40,
});
const settings: fc.Arbitrary<SamplingOptions> = fc.record({
  seed: fc.integer({ min: 0, max: 99 }),
  emptyShare: fc.oneof(fc.constant(null), fc.double({ min: 0, max: 0.9, noNaN: true })),
  classBalance: fc.oneof(fc.constant(null), fc.double({ min: 0.01, max: 1, noNaN: true })),
});

test('epochs are equally long, hold every sample with objects, and no more empty ones than asked for', () => {
  fc.assert(
    fc.property(classLists, settings, fc.integer({ min: 0, max: 50 }), (labels, options, epoch) => {
      const all = candidates(labels);
      const full = all.filter((sample) => sample.labels.length > 0);
      if (full.length === 0)
        return assert.throws(() => new BalancedSampler(all, options), /none of \d+ samples has an object/);
      const sampler = new BalancedSampler(all, options);
      const drawn = sampler.indices(epoch);
      assert.is(drawn.length, sampler.length);
      const counts = countsOf(drawn);
      for (const { index } of full) assert.ok((counts.get(index) ?? 0) >= 1, `sample ${index}`);
      let empty = 0;
      for (const [index, count] of counts) {
        const sample = all.find((each) => each.index === index)!;
        if (sample.labels.length > 0) continue;
        assert.is(count, 1, 'empty ones come once');
        empty++;
      }
      const available = all.length - full.length;
      const { emptyShare = null } = options;
      if (emptyShare === null) assert.is(empty, available);
      else {
        assert.ok(empty <= emptyShare * drawn.length + 1e-6, `${empty} of ${drawn.length}`);
        // One more would be too many, or there is none.
        assert.ok(empty === available || empty + 1 > emptyShare * (drawn.length + 1) - 1e-6);
      }
      if (options.classBalance === null && emptyShare === null) assert.is(drawn.length, all.length);
    }),
    { numRuns: 300 },
  );
});

test('classes that are rare come as often as the rule of LVIS says', () => {
  // Class 0 in 90 samples, class 1 in 9 of them, class 2 in one more, which has class 1 as well: f = 0.9, 0.1, 0.01.
  const labels = Array.from({ length: 100 }, (_, i) => (i === 99 ? [2, 1] : i >= 90 ? [1] : [0]));
  const sampler = new BalancedSampler(candidates(labels), { classBalance: 0.4 });
  const factors = labels.map((own) => Math.max(...own.map((c) => Math.max(1, Math.sqrt(0.4 / [0.9, 0.1, 0.01][c]!)))));
  const sum = factors.reduce((a, b) => a + b);
  assert.is(sampler.length, Math.ceil(sum));
  const totals = new Map<number, number>();
  for (let epoch = 0; epoch < 400; epoch++) {
    for (const [index, count] of countsOf(sampler.indices(epoch))) {
      totals.set(index, (totals.get(index) ?? 0) + count);
      const factor = factors[(index - 10) / 3]! * (sampler.length / sum);
      assert.ok(count >= Math.floor(factor) && count <= Math.ceil(factor), `${count} for ${factor}`);
    }
  }
  labels.forEach((_, i) => {
    const mean = totals.get(10 + 3 * i)! / 400;
    const factor = factors[i]! * (sampler.length / sum);
    // A count is the factor rounded down or up: of 400 the standard error of the mean is below 0.025.
    assert.ok(Math.abs(mean - factor) < 0.125, `sample ${i}: ${mean}, expected ${factor}`);
  });
});

test('another epoch has other empty samples in another order, the same seed and epoch the same', () => {
  const all = candidates(Array.from({ length: 60 }, (_, i) => (i < 10 ? [0] : [])));
  const sampler = new BalancedSampler(all, { emptyShare: 0.5, seed: 4 });
  assert.is(sampler.length, 20);
  const epochs = Array.from({ length: 40 }, (_, epoch) => sampler.indices(epoch));
  const again = new BalancedSampler(all, { emptyShare: 0.5, seed: 4 });
  for (let epoch = 39; epoch >= 0; epoch--) assert.equal(again.indices(epoch), epochs[epoch]);
  assert.is(new Set(epochs.map((list) => list.join())).size, 40);
  const seen = countsOf(epochs.flat().filter((index) => index >= 10 + 3 * 10));
  // 400 draws of 50: 8 each on average, with a deviation of 2.5.
  assert.is(seen.size, 50);
  assert.ok(Math.max(...seen.values()) <= 20, `${Math.max(...seen.values())}`);
  assert.not.equal(new BalancedSampler(all, { emptyShare: 0.5, seed: 5 }).indices(0), epochs[0]);
  const first = epochs.map((list) => list[0]! < 40);
  assert.ok(first.includes(true) && first.includes(false), 'full and empty ones are mixed');
});

test('hard empty samples come more often, in proportion', () => {
  // One sample of 200 is drawn in each epoch: its shares are the weights themselves.
  const labels = Array.from({ length: 201 }, (_, i) => (i === 0 ? [0] : []));
  const sampler = new BalancedSampler(candidates(labels), { emptyShare: 0.5 });
  assert.is(sampler.length, 2);
  // Ten of 3, ninety of 0.1, fifty of 0, fifty unknown: the mean is (30 + 9) / 150 = 0.26.
  const difficultyOf = (i: number): number => (i < 10 ? 3 : i < 100 ? 0.1 : 0);
  const hard = new Map(labels.slice(1, 151).map((_, i): [number, number] => [13 + 3 * i, difficultyOf(i)]));
  hard.set(10, 7);
  sampler.setDifficulty(hard);
  const groups = [0, 0, 0, 0] as [number, number, number, number];
  const epochs = 4000;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const i = (sampler.indices(epoch).find((each) => each !== 10)! - 13) / 3;
    const group = i < 10 ? 0 : i < 100 ? 1 : i < 150 ? 2 : 3;
    groups[group]++;
  }
  const weights = [10 * 3, 90 * 0.1, 50 * 0.026, 50 * 0.26];
  const whole = weights.reduce((a, b) => a + b);
  // Standard errors are below 0.008.
  weights.forEach((weight, group) => {
    const share = groups[group]! / epochs;
    assert.ok(Math.abs(share - weight / whole) < 0.03, `group ${group}: ${share}, expected ${weight / whole}`);
  });
  // Nothing is hard: all are alike.
  const easy = new BalancedSampler(candidates(labels), { emptyShare: 0.5 });
  easy.setDifficulty(new Map(labels.slice(1).map((_, i): [number, number] => [13 + 3 * i, 0])));
  assert.equal(easy.indices(3), new BalancedSampler(candidates(labels), { emptyShare: 0.5 }).indices(3));
});

test('a state that is restored goes on in the same way, bit for bit', () => {
  const all = candidates(Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? [i % 3] : [])));
  const options = { emptyShare: 0.4, classBalance: 0.5, seed: 8 };
  const sampler = new BalancedSampler(all, options);
  const fresh = sampler.state();
  sampler.setDifficulty(
    new Map([
      [13, 0.123456789],
      [16, 5],
      [22, 1 / 3],
    ]),
  );
  sampler.setDifficulty(new Map([[16, 2]]));
  const other = new BalancedSampler(all, options);
  const epochsOf = (each: BalancedSampler): unknown => Array.from({ length: 10 }, (_, epoch) => each.indices(epoch));
  assert.not.equal(epochsOf(other), epochsOf(sampler));
  other.restore(sampler.state());
  assert.equal(epochsOf(other), epochsOf(sampler));
  assert.is(other.state(), sampler.state());
  other.restore(fresh);
  assert.equal(epochsOf(other), epochsOf(new BalancedSampler(all, options)));
  const wrong = new BalancedSampler(all.slice(1), options);
  assert.throws(() => wrong.restore(fresh), /belongs to other samples or options/);
  assert.throws(() => other.restore('{}'), /belongs to other samples or options/);
});

test('a sampler over a data set', async () => {
  const dataset: Dataset = {
    classes: ['a'],
    ids: ['0', '1', '2', '3'],
    get: () => Promise.resolve({ id: '', image: rgbImage(1, 1), boxes: new Float32Array(), labels: new Int32Array() }),
    describe: (index) =>
      Promise.resolve({
        id: '',
        width: 4,
        height: 4,
        boxes: Float32Array.from(index === 2 ? [0, 0, 1, 1] : []),
        labels: Int32Array.from(index === 2 ? [0] : []),
      }),
  };
  const sampler = await balancedSampler(dataset, [1, 2, 3], { emptyShare: 0.5 });
  assert.is(sampler.length, 2);
  assert.ok(sampler.indices(0).includes(2));
});

test('arguments that make no sense', () => {
  const all = candidates([[0], []]);
  assert.throws(() => new BalancedSampler(all, { emptyShare: 1 }), /emptyShare is 1, expected a number >= 0 and < 1/);
  assert.throws(() => new BalancedSampler(all, { classBalance: 0 }), /classBalance is 0/);
  assert.throws(() => new BalancedSampler([...all, ...all]), /sample 10 occurs twice/);
  const sampler = new BalancedSampler(all);
  assert.throws(() => sampler.indices(-1), /epoch is -1/);
  assert.throws(() => sampler.setDifficulty(new Map([[11, 1]])), /sample 11 is not among those of the sampler/);
  assert.throws(
    () => sampler.setDifficulty(new Map([[13, NaN]])),
    /the difficulty of sample 13 is NaN, expected a finite number >= 0/,
  );
});

test.run();
