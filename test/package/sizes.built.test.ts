// What a page downloads: sizes of the single file and of bundles of the entries, minified and compressed.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';

const zipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

test('the single file has everything of the main entry in less than 107 kB', async () => {
  const file = join(root, 'dist/retinagrad.min.js');
  const size = zipped(readFileSync(file));
  console.log(`# retinagrad.min.js: ${kilobytes(size)} gzipped`);
  assert.ok(size < 107_000, `${size} bytes`);
  const names = async (path: string): Promise<string[]> => Object.keys((await import(path)) as object).sort();
  assert.equal(await names(file), await names(join(root, 'dist/index.js')));
});

/** Maximum bytes, gzipped, of a program that uses this of an entry. */
const BUNDLES: [code: string, most: number][] = [
  ["export { encodeSafetensors } from './dist/index.js';", 2_000],
  ["export { init, add } from './dist/index.js';", 27_500],
  ["export * from './dist/index.js';", 137_000],
  ["export * from './dist/data.js';", 97_000], // with the readers of annotation tools' formats, which pages use too
  ["export * from './dist/evaluation.js';", 40_000],
  ["export * from './dist/report.js';", 40_000],
];
for (const [code, most] of BUNDLES) {
  test(code, async () => {
    const { outputFiles, warnings } = await build({
      stdin: { contents: code, resolveDir: root },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'silent',
    });
    const size = zipped(outputFiles[0]!.contents);
    console.log(`# ${code} ${kilobytes(size)} gzipped`);
    assert.equal(warnings, []);
    assert.ok(size < most, `${size} bytes`);
  });
}

test.run();
