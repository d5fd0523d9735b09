/** A file that is cut short at any byte is refused by an error that names it: nothing is read of half a file. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newReport, tryRead, withoutWarnings } from './fuzz-parsers.ts';
import { openParsers } from './parsers.ts';

/** Formats of which some beginnings are whole files, and why. */
const PREFIXES: Readonly<Record<string, string>> = {
  'x.csv': 'rows: the last may lack characters of its label, or be the header',
  'spacenet.csv': 'rows: the last may lack digits of its confidence, or be the header',
  'yolo.txt': 'lines: the last may lack digits; no line means no objects',
  'data.yaml': 'YAML: the last name may lack characters, names may be missing',
  'config.yaml': 'YAML: settings that are missing have their defaults',
  'metrics.jsonl': 'a crash leaves half a line, which is dropped and computed again',
};
/** Bytes at the end that do not matter: a line break; the mark of the end of a .dbf, which some programs omit. */
const TAIL: Readonly<Record<string, number>> = { 'x.geojson': 1, 'x.kml': 1, 'table.shp': 1 };
/** Bytes between cuts, where a file has very many: less than a page of SQLite. */
const STRIDE: Readonly<Record<string, number>> = { 'x.gpkg': 509 };

const { parsers, close } = await openParsers();
test.after(close);

for (const parser of parsers) {
  const { file } = parser;
  test(`${file}: ${PREFIXES[file] ?? 'no beginning is a whole file'}`, () =>
    withoutWarnings(async () => {
      const seed = parser.seeds.reduce((a, b) => (b.length < a.length ? b : a));
      const report = newReport(parser);
      const whole: number[] = [];
      for (let length = 0; length < seed.length - (TAIL[file] ?? 0); length += STRIDE[file] ?? 1) {
        const before = report.read;
        await tryRead(parser, Buffer.from(seed.subarray(0, length)), report);
        if (report.read > before) whole.push(length);
      }
      assert.equal(
        report.failures.map(({ bytes, error }) => `${bytes.length} bytes: ${error}`),
        [],
      );
      if (file in PREFIXES) assert.ok(whole.length > 0);
      else assert.equal(whole, [], 'lengths that were read');
    }));
}

test.run();
