// Packs the built package, installs the tarball into an empty project outside of the repository, and uses it there.
import { copyFileSync, existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, temporaryFolder } from '../support/files.ts';
import { run as runIn } from './run.ts';
import type { Fit } from './consumer/fit.ts';
import { assertLearned } from './learned.ts';

/** Maximum size in bytes. The package is only code; more means that something else got in. */
/** The table of coordinate systems is 1 MB of it, in `src` and `dist`. */
const MOST = { packed: 3.13e6, unpacked: 13.5e6 };

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const project = temporaryFolder();

/** Runs a program in the project. */
const run = (command: string, args: readonly string[], cwd = project): string => runIn(command, args, cwd);

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

/** Bytes of the files under a folder. */
function sizeOf(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => lstatSync(join(folder, name)));
  return sizes.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}

const packArgs = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
run(process.execPath, ['scripts/readme.mjs'], root);
const [packed] = JSON.parse(run('npm', packArgs, root)) as [Packed];
run(process.execPath, ['scripts/readme.mjs', '--undo'], root);
const tarball = join(project, packed.filename);
const paths = new Set(packed.files.map((file) => file.path));

test('the tarball holds what a user needs and nothing else', () => {
  for (const path of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json', 'dist/index.js', 'dist/cli/main.js']) {
    assert.ok(paths.has(path), `${path} is missing`);
  }
  const other = [...paths].filter(
    (path) => !/^(dist|src)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(path),
  );
  assert.equal(other, []);
  const { size, unpackedSize } = packed;
  console.log(`# package: ${mebibytes(size)} packed, ${mebibytes(unpackedSize)} unpacked, ${paths.size} files`);
  assert.ok(size < MOST.packed && unpackedSize < MOST.unpacked, `${size} bytes packed, ${unpackedSize} unpacked`);
});

test('every source map leads to a source in the tarball', () => {
  const maps = [...paths].filter((path) => path.endsWith('.map'));
  assert.ok(maps.length > 0);
  for (const path of maps) {
    const { sources } = JSON.parse(readFileSync(join(root, path), 'utf8')) as { readonly sources: readonly string[] };
    for (const source of sources) {
      const target = posix.join(posix.dirname(path), source);
      assert.ok(paths.has(target), `${path} names ${target}`);
    }
  }
});

test('publint has nothing to say', async () => {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, level: 'suggestion', strict: true });
  const said = messages.map((message) => formatMessage(message, pkg, { color: false }));
  assert.equal(said, []);
});

test('it installs into an empty project', () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
  const modules = join(project, 'node_modules');
  const names = Object.keys(
    (JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as { packages: object }).packages,
  );
  const own = sizeOf(join(modules, 'retinagrad'));
  const rest = sizeOf(modules) - own;
  console.log(`# installed: ${names.length} packages, ${mebibytes(own)} retinagrad, ${mebibytes(rest)} dependencies`);
});

test('every link of its README leads out of the package, to a file of the repository', () => {
  const text = readFileSync(join(project, 'node_modules/retinagrad/README.md'), 'utf8');
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
  const start = /^https:\/\/github\.com\/retinagrad\/retinagrad\/(?:blob|raw)\/HEAD\//;
  assert.equal(
    links.filter((link) => !/^(?:https:|#)/.test(link)),
    [],
  );
  const own = links.filter((link) => start.test(link)).map((link) => link.replace(start, '').replace(/#.*/, ''));
  assert.ok(own.length > 10);
  assert.equal(
    own.filter((path) => !existsSync(join(root, path))),
    [],
  );
  assert.match(readFileSync(join(root, 'README.md'), 'utf8'), '](docs/architecture.md)');
});

const consumer = new URL('./consumer/', import.meta.url);
const tsc = join(root, 'node_modules/typescript/bin/tsc');
test('a program that uses it type-checks', () => {
  for (const file of ['fit.ts', 'entries.ts']) copyFileSync(new URL(file, consumer), join(project, file));
  const compilerOptions = {
    strict: true,
    types: [],
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2022'],
    outDir: 'out',
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['fit.ts', 'entries.ts'] }));
  run(process.execPath, [tsc, '--pretty', 'false', '-p', 'tsconfig.json']);
  assert.ok(existsSync(join(project, 'out/fit.js')));
});

test('a training program runs with it in Node', () => {
  copyFileSync(new URL('main.mjs', consumer), join(project, 'out/main.mjs'));
  run(process.execPath, ['out/entries.js']);
  assert.throws(() => run(process.execPath, ['out/main.mjs']), /NoAdapterError: [^]*npm install webgpu/);
  // Dawn is a package of its own, for programs in Node; as a folder, because it has 132 MB.
  run('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--no-save',
    join(root, 'node_modules/webgpu'),
  ]);
  assertLearned(JSON.parse(run(process.execPath, ['out/main.mjs'])) as Fit);
});

test('its command runs', () => {
  const text = run('npx', ['--no-install', 'retinagrad', 'info', '--json']);
  const info = JSON.parse(text) as { readonly check: { readonly correct: boolean }; readonly retinagrad: string };
  assert.ok(info.check.correct);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  assert.is(info.retinagrad, manifest.version);
});

test.run();
