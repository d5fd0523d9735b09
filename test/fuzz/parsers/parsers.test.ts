/** Damaged files are read or refused by an error that names them. `npm run fuzz -- --minutes N` tries more of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { savedInputs } from './corpus.ts';
import { inputOf, newReport, tryRead, withoutWarnings } from './fuzz-parsers.ts';
import { openParsers } from './parsers.ts';

const CUTS = 100;
const FLIPS = 100;
const MIXED = 100;
const SEED = 1;

const { parsers, close } = await openParsers();
test.after(close);

for (const parser of parsers) {
  test(`${parser.file}: files that are cut short, have flipped bits, are damaged otherwise, or were saved by the fuzzer`, () =>
    withoutWarnings(async () => {
      const report = newReport(parser);
      for (const seed of parser.seeds.slice(0, 3)) {
        await tryRead(parser, Buffer.from(seed), report);
        const stride = Math.max(1, Math.floor(seed.length / CUTS));
        for (let length = 0; length < seed.length; length += stride) {
          await tryRead(parser, Buffer.from(seed.subarray(0, length)), report);
        }
        const step = Math.max(1, Math.floor((seed.length * 8) / FLIPS));
        for (let bit = 0; bit < seed.length * 8; bit += step) {
          const bytes = Buffer.from(seed);
          bytes[bit >> 3]! ^= 1 << (bit & 7);
          await tryRead(parser, parser.repair?.(bytes) ?? bytes, report);
        }
      }
      for (const input of savedInputs(parser)) await tryRead(parser, Buffer.from(input), report);
      for (let index = 0; index < MIXED; index++) {
        await tryRead(parser, inputOf(parser, parser.seeds, SEED, index), report);
      }
      assert.equal(
        report.failures.map(({ bytes, error }) => `${error}: ${bytes.toString('base64')}`),
        [],
      );
      assert.ok(report.read > 0, 'the seed is valid');
      assert.ok(report.refused > 0);
    }));
}

test.run();
