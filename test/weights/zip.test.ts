import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceOf } from '../../src/weights/byte-source.ts';
import { readZip } from '../../src/weights/zip.ts';
import { errorOf } from '../support/errors.ts';
import { zipOf, type ZipClaims } from './zips.ts';

const files = { 'a/data.pkl': Buffer.from('pickle'), 'a/data/0': Buffer.from('values'), 'a/empty': Buffer.alloc(0) };

test('entries are found where they are stored, with a comment and with Zip64 fields', async () => {
  for (const claims of [{}, { comment: 'PK\u0005\u0006 is in this comment' }, { zip64: true }, { flags: 0 }]) {
    const bytes = zipOf(files, claims);
    const entries = await readZip(sourceOf(bytes));
    const contents = [...entries].map(([name, { from, to }]) => [name, Buffer.from(bytes.subarray(from, to))]);
    assert.equal(contents, Object.entries(files));
  }
});

test('hostile files are refused with the reason', async () => {
  const cases: [string, ZipClaims, RegExp][] = [
    ['compressed', { method: 8 }, /"a\/data\.pkl" is compressed \(method 8\)/],
    ['encrypted', { flags: 1 }, /is encrypted/],
    ['two sizes', { size: 7 }, /has two sizes/],
    ['an entry past the end', { size: 2 ** 31, stored: 2 ** 31 }, /reaches past the end/],
    ['an entry past the end, in Zip64', { size: 2 ** 40, stored: 2 ** 40, zip64: true }, /reaches past the end/],
    ['a position beyond 2^53', { position: 2 ** 60, zip64: true }, /claims a position of/],
    ['a position inside another entry', { position: 5 }, /the header of an entry is damaged/],
    ['entries that share bytes', { position: 0 }, /overlaps another entry/],
    ['equal names', { sameName: true }, /two entries "a\/data\.pkl"/],
    ['more entries than there are', { count: 4 }, /table of contents is damaged/],
    ['fewer entries than there are', { count: 2 }, /another length than it claims/],
    ['too many entries', { count: 200_000, zip64: true }, /has 200000 entries/],
    ['a part of several', { disk: 1 }, /has several parts/],
  ];
  for (const [what, claims, reason] of cases) {
    assert.match((await errorOf(() => readZip(sourceOf(zipOf(files, claims))))).message, reason, what);
  }
});

test('every truncation is refused', async () => {
  for (const claims of [{}, { zip64: true }]) {
    const bytes = zipOf(files, claims);
    for (let length = 0; length < bytes.length; length++) {
      await errorOf(() => readZip(sourceOf(bytes.subarray(0, length))));
    }
  }
});

test.run();
