/** Programs that npm runs when a package is installed: only those that SECURITY.md names. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/files.ts';

interface Locked {
  readonly hasInstallScript?: boolean;
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> };
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('packages with install scripts are those of SECURITY.md', () => {
  const found = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const list = /install scripts are (.*?)\./s.exec(read('SECURITY.md'))?.[1] ?? '';
  const named = Array.from(list.matchAll(/`([^`]+)`/g), ([, name]) => name);
  assert.equal([...new Set(found.map(([path]) => nameOf(path)))], named);
});

test.run();
