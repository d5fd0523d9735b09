/** Every public operation takes part in random programs. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exceptions } from './exceptions.ts';
import { table } from './table.ts';

/** Names of values that src/index.ts exports from src/autograd/ops. */
function publicOperations(): string[] {
  const index = readFileSync(new URL('../../src/index.ts', import.meta.url), 'utf8');
  const blocks = [...index.matchAll(/export \{([^}]*)\} from '\.\/autograd\/ops\/[^']*'/g)];
  return blocks.flatMap(([, names]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type ')),
  );
}

test('every public operation has a row in the table of the fuzzer, or a reason why not', () => {
  const names = publicOperations();
  assert.ok(names.length > 50, `only ${names.length} operations were found in src/index.ts`);
  const missing = names.filter((name) => !table.has(name) && exceptions[name] === undefined);
  assert.equal(missing, [], 'add a row to test/fuzz/rows');
  const gone = [...table.keys(), ...Object.keys(exceptions)].filter((name) => !names.includes(name));
  assert.equal(gone, [], 'these are no public operations');
});

test.run();
