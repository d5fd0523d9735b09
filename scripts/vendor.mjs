// Copies the packages that the half for browsers needs into dist/vendor, as ES modules with their licences: called by
// build.mjs. As dependencies, each would be an entry of a page's import map, and Parcel breaks `yaml`.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What is taken from each package. */
const TAKEN = {
  'fast-xml-parser': 'XMLParser, XMLValidator',
  leven: 'default',
  pbf: 'PbfWriter',
  'polyclip-ts': 'intersection, union',
  yaml: 'Lexer, parseDocument, Parser, stringify',
};

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
const vendor = join(dist, 'vendor');

/** Name, version and licence of a package, with the text where the package has one. */
function licenceOf(name) {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENCE.md', 'license'].map((name) => join(folder, name)).find((path) => existsSync(path));
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(file, 'utf8')}`;
}

const packages = new Set();
for (const [name, names] of Object.entries(TAKEN)) {
  const { metafile } = await build({
    stdin: { contents: `export { ${names} } from '${name}';`, resolveDir: root },
    outfile: join(vendor, `${name}.js`),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    define: { Buffer: 'undefined' }, // of which Parcel would add a polyfill
    metafile: true,
    logLevel: 'warning',
  });
  for (const file of Object.keys(metafile.inputs)) {
    const [, from] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    if (from !== undefined) packages.add(from);
  }
}
writeFileSync(join(vendor, 'LICENCES.txt'), [...packages].map(licenceOf).join('\n---\n\n'));

const imports = new RegExp(`(from |import\\()'(${Object.keys(TAKEN).join('|')})'`, 'g');
for (const name of readdirSync(dist, { recursive: true })) {
  const file = join(dist, name);
  if (!file.endsWith('.js') || dirname(file) === vendor) continue;
  const text = readFileSync(file, 'utf8');
  const folder = relative(dirname(file), vendor)
    .replaceAll('\\', '/')
    .replace(/^(?!\.)/, './');
  const local = text.replace(imports, (_, before, name) => `${before}'${folder}/${name}.js'`);
  if (local !== text) writeFileSync(file, local);
}
