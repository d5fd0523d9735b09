import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { estimates, readArguments } from '../../bench/ranks-figures.ts';
import { assertClose } from '../support/compare.ts';

test('arguments have an order and defaults, and are numbers', () => {
  assert.equal(readArguments([]), { images: 2, side: 256, steps: 6, mib: 8, width: 16, megabits: 0 });
  assert.equal(readArguments(['4', '128', '1', '1', '8', '50']), {
    images: 4,
    side: 128,
    steps: 1,
    mib: 1,
    width: 8,
    megabits: 50,
  });
  assert.is(readArguments(['3']).images, 3);
  assert.throws(() => readArguments(['2', '0']), 'bench/ranks.ts: side is 0, expected an integer >= 1');
  assert.throws(() => readArguments(['two']), 'bench/ranks.ts: images is NaN, expected an integer >= 1');
  assert.throws(() => readArguments(Array(7).fill('1')), '7 arguments, expected at most 6');
});

test('two ranks send each number once, and a step hides what it can behind its backward pass', () => {
  const measured = { ranks: 2, weights: 1_000_000, forward: 1, backward: 2, bucketBytes: 2 ** 20, megabits: 80 };
  // 80 Mb/s are 10 MB/s.
  const found = estimates(measured);
  const tolerance = { relative: 1e-6 };
  const sums = [found.estimateOf1MiB, found.estimateOf8MiB, found.estimateOfSums];
  assertClose(sums, [0.1048576, 0.8388608, 0.4], { tolerance, label: 'sums' });
  assert.ok(found.estimateOfStep >= 3 && found.estimateOfStep < 3.4, `${found.estimateOfStep}`);
  const slow = estimates({ ...measured, megabits: 8 });
  assertClose([slow.estimateOfSums], [4], { tolerance, label: 'a tenth of the bandwidth' });
  assert.ok(slow.estimateOfStep > 5 - 1e-9 && slow.estimateOfStep < 7, `${slow.estimateOfStep}`);
});

test.run();
