import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evenStarts, steppedStarts } from '../../src/imagery/tile-axis.ts';

for (const rule of [steppedStarts, evenStarts]) {
  test(`${rule.name}: tiles cover the side, share at least the overlap and stay inside`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(299),
        (length, size, o) => {
          const overlap = o % size;
          const starts = rule(length, size, overlap);
          assert.is(starts[0], 0);
          assert.is(starts.at(-1)! + Math.min(size, length), length);
          starts.slice(1).forEach((start, i) => {
            assert.ok(starts[i]! + size - start >= overlap && start > starts[i]!);
          });
          // No fewer would do.
          assert.is(starts.length, length <= size ? 1 : Math.ceil((length - overlap) / (size - overlap)));
        },
      ),
    );
  });
}

test('the surplus goes to the last pair of training tiles, and to all pairs in detection', () => {
  assert.equal(steppedStarts(250, 100, 20), [0, 80, 150]);
  assert.equal(evenStarts(250, 100, 20), [0, 75, 150]);
});

test.run();
