import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Record<string, string | Record<string, unknown>>;
  readonly bin: Record<string, string>;
};

/** Every file named by a set of conditions. */
function targets(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as Record<string, unknown>).flatMap(targets);
}

/** Files that a source file imports, directly or not, types aside; and the packages that they import, at once or later. */
function reach(entry: string) {
  const files = new Set<string>();
  const packages = new Map<string, string>();
  const optional = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const code = readFileSync(join(root, file), 'utf8');
    const imports = /^(?:import|export)\b(?! type| interface)[^;'=(]*'([^']+)';|\bimport\('([^']+)'\)/gm;
    for (const [, eager, lazy] of code.matchAll(imports)) {
      const specifier = eager ?? lazy ?? '';
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier));
      else if (eager !== undefined) packages.set(specifier, file);
      else optional.add(specifier);
    }
  };
  visit(entry);
  return { files, packages, optional };
}

test('every target of the exports and of the command has its source', () => {
  for (const target of [...targets(manifest.exports), ...targets(manifest.bin)]) {
    // The single file is the entry of browsers, bundled.
    const file = target
      .replace(/^\.\//, '')
      .replace('retinagrad.min', 'index')
      .replace(/^dist\/(.*?)(\.d)?\.(js|ts)$/, 'src/$1.ts');
    assert.ok(existsSync(join(root, file)), `${target}: there is no ${file}`);
  }
});

test('every entry can be imported by the package name', async () => {
  for (const path of Object.keys(manifest.exports)) {
    // The manifest, and the single file that the build makes.
    if (path.endsWith('.json') || path.endsWith('.js')) continue;
    const names = Object.keys((await import(join('retinagrad', path))) as object);
    assert.ok(names.length > 0, path);
  }
});

test('the entry of Node has all names of the entry of browsers', async () => {
  const [node, browser] = [await import('../../src/node.ts'), await import('../../src/index.ts')];
  assert.equal(Object.keys(node).sort(), Object.keys(browser).sort());
  assert.is.not(node.init, browser.init);
  for (const entry of ['data', 'report', 'detector', 'train', 'distributed', 'bench']) {
    const files = Object.keys((await import(`../../src/${entry}-node.ts`)) as object);
    for (const name of Object.keys((await import(`../../src/${entry}.ts`)) as object))
      assert.ok(files.includes(name), name);
  }
});

test('browsers get no module of Node, few packages, and polygons on demand', () => {
  for (const [entry, ...allowed] of [
    // leven suggests names in messages.
    ['src/index.ts', 'leven'],
    ['src/data.ts', 'leven', 'fast-xml-parser', 'yaml'], // for Pascal VOC's files and YOLO's data.yaml
    ['src/evaluation.ts', 'leven'],
    ['src/report.ts', 'leven'],
    ['src/detector.ts', 'leven', 'pbf', 'yaml'], // for settings and ONNX files
    ['src/train.ts', 'leven'],
    ['src/distributed.ts', 'leven'],
    ['src/bench.ts', 'leven'],
    ['src/geo.ts', 'leven'],
  ] as const) {
    const lazy = entry === 'src/geo.ts' ? ['geotiff', 'proj4', 'zstddec'] : ['polyclip-ts'];
    const { files, packages, optional } = reach(entry);
    assert.ok(files.size > 1, entry);
    for (const name of optional) assert.ok(lazy.includes(name), `${entry} loads ${name} on demand`);
    for (const [name, file] of packages)
      assert.ok((allowed as readonly string[]).includes(name), `${entry} reaches ${file}, which imports ${name}`);
  }
});

test.run();
