// Memory of recordings: what is in use at the same time never shares, and what is not does.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { shareMemory, type Lifetime } from '../../src/tensor/arena.ts';
import { fc } from '../support/property.ts';

const lifetime = fc
  .record({ bytes: fc.integer({ min: 1, max: 100 }), from: fc.nat(40), length: fc.integer({ min: 1, max: 20 }) })
  .map(({ bytes, from, length }): Lifetime => ({ bytes, from, to: from + length }));

test('buffers that are in use at the same time have memory of their own, which is large enough', () => {
  fc.assert(
    fc.property(fc.array(lifetime, { maxLength: 40 }), (buffers) => {
      const { sizes, of } = shareMemory(buffers);
      buffers.forEach((a, i) => {
        assert.ok(sizes[of[i]!]! >= a.bytes);
        buffers.forEach((b, j) => {
          if (i !== j && of[i] === of[j]) assert.ok(a.to <= b.from || b.to <= a.from);
        });
      });
      // No memory without a buffer, and none larger than its largest one.
      const largest = sizes.map((_, memory) =>
        Math.max(...buffers.filter((_, i) => of[i] === memory).map((b) => b.bytes)),
      );
      assert.equal(sizes, largest);
    }),
  );
});

test('a chain in which each result replaces the one before takes two memories', () => {
  const chain = Array.from({ length: 9 }, (_, i) => ({ bytes: 10 + (i % 2), from: i, to: i + 2 }));
  assert.equal(shareMemory(chain).sizes, [11, 10]);
});

test('a result takes the memory of what ended before it', () => {
  const [input, hidden, result] = [
    { bytes: 8, from: 0, to: Infinity },
    { bytes: 16, from: 0, to: 2 },
    { bytes: 12, from: 3, to: Infinity },
  ];
  const { sizes, of } = shareMemory([input!, hidden!, result!]);
  assert.equal(sizes, [16, 8]);
  assert.is(of[2], of[1]);
});

test('a small buffer does not take memory that a larger one could share', () => {
  const buffers = [
    { bytes: 1, from: 0, to: 1 },
    { bytes: 100, from: 0, to: 1 },
    { bytes: 1, from: 1, to: 2 },
    { bytes: 100, from: 1, to: 2 },
  ];
  assert.equal(shareMemory(buffers).sizes, [100, 1]);
});

test('nothing takes nothing', () => {
  assert.equal(shareMemory([]), { sizes: [], of: [] });
});

test.run();
