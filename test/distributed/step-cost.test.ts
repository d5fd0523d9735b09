import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stepCost } from '../../src/distributed/step-cost.ts';
import { assertClose } from '../support/compare.ts';

// Four buckets of 1000 weights.
const step = { weights: 4000, forward: 1, backward: 4, bandwidth: 8000, latency: 0, bucketBytes: 4000 };

test('one rank sends nothing', () => {
  assert.equal(stepCost({ ...step, ranks: 1 }), { seconds: 5, efficiency: 1, bytes: 0 });
});

test('all buckets but the last travel while gradients are computed, if the network is fast enough', () => {
  // Each of two ranks sends 16,000 bytes: half a second for each bucket.
  assert.equal(stepCost({ ...step, ranks: 2 }), { seconds: 5.5, efficiency: 5 / 5.5, bytes: 16_000 });
});

test('a slow network makes buckets wait for those before them', () => {
  assert.is(stepCost({ ...step, ranks: 2, bandwidth: 2000 }).seconds, 2 + 4 * 2);
});

test('latency counts for each message of each bucket, and so more with more ranks', () => {
  const { seconds } = stepCost({ ...step, ranks: 8, bandwidth: 1e12, latency: 0.1 });
  assertClose([seconds], [2 + 4 * 0.1 * (3 + 2 * 7)], { tolerance: { relative: 1e-6 }, label: 'seconds' });
});

test('options out of range are refused', () => {
  assert.throws(() => stepCost({ ...step, ranks: 0 }), /stepCost: ranks is 0, expected an integer >= 1/);
  assert.throws(() => stepCost({ ...step, ranks: 2, bandwidth: 0 }), /stepCost: bandwidth is 0/);
});

test.run();
