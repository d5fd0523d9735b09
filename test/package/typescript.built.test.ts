// A program that uses the packed package type-checks, with the libraries checked too, under every version of TypeScript that is
// supported, every way to find modules, and with or without the DOM.
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { root, temporaryFolder } from '../support/files.ts';
import { run as runIn } from './run.ts';

const project = temporaryFolder();
const from = (folder: string): string => fileURLToPath(new URL(folder, import.meta.url));

/** Runs a program in the project. */
const run = (command: string, args: readonly string[], cwd = project): string => runIn(command, args, cwd);

test.before(() => {
  cpSync(from('./typescript/'), project, { recursive: true });
  cpSync(from('./consumer/'), project, { recursive: true });
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  run('npm', ['ci', ...quiet]);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
  const [{ filename }] = JSON.parse(run('npm', pack, root)) as [{ filename: string }];
  run('npm', ['install', '--no-save', ...quiet, `./${filename}`]);
});

const MODULES = {
  node16: { module: 'node16' },
  nodenext: { module: 'nodenext' },
  bundler: { module: 'preserve', moduleResolution: 'bundler' },
};
const [ES, DOM] = [['es2022'], ['es2022', 'dom']];
const FILES = ['entries.ts', 'fit.ts', 'gpu.ts'];

function check(version: string, options: object, files = FILES): void {
  const compilerOptions = { strict: true, target: 'es2022', noEmit: true, skipLibCheck: false, types: [], ...options };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const folder = join(project, 'node_modules', `typescript-${version}`, 'bin');
  const tsc = ['tsc', 'tsc.js'].map((name) => join(folder, name)).find((path) => existsSync(path));
  run(process.execPath, [tsc!, '--pretty', 'false', '-p', '.']);
}

for (const version of ['5.7', '5.9', '6.0', '7.0']) {
  for (const [name, module] of Object.entries(MODULES)) {
    test(`TypeScript ${version}, ${name}`, () => {
      check(version, { ...module, lib: ES });
      check(version, { ...module, lib: DOM });
    });
  }
  test(`TypeScript ${version} with the types of Node, and of WebGPU`, () => {
    check(version, { ...MODULES.nodenext, lib: ES, types: ['node'] });
    // The DOM of TypeScript 6 has WebGPU. Older ones need @webgpu/types, which contradicts it: there, as its users must, without
    // checking the libraries.
    const isOld = version.startsWith('5');
    const own = [...FILES, 'own-gpu.ts'];
    if (!isOld) check(version, { ...MODULES.bundler, lib: DOM }, own);
    check(version, { ...MODULES.bundler, lib: DOM, types: ['@webgpu/types'], skipLibCheck: !isOld }, own);
  });
}

test.run();
