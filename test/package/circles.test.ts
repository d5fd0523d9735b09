import { readFileSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(root, { recursive: true })
  .map((file) => resolve(root, `${file}`))
  .filter((file) => file.endsWith('.ts'));

/** The files that a file imports or re-exports from, types included. (The linter ignores circles of types.) */
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)';/gm)]
    .map(([, path = '']) => resolve(dirname(file), path))
    .filter((path) => files.includes(path));

test('no file imports itself through others, not even types', () => {
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  assert.ok([...imports.values()].flat().length > files.length, 'the imports are found');
  // Files whose imports are all done are done; what is left over is part of a circle or leads to one.
  const left = new Set(files);
  for (let before = Infinity; left.size < before;) {
    before = left.size;
    for (const file of left) if (imports.get(file)!.every((path) => !left.has(path))) left.delete(file);
  }
  assert.equal(
    [...left].map((file) => file.slice(root.length)),
    [],
  );
});

test.run();
