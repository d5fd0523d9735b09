// Builds the site into site/_site: the programs of the pages by esbuild, from the built package that users import, the pages by
// Eleventy, the index of the search by Pagefind, and the worker that keeps pages for use without a network. `--serve` serves the
// first two at http://localhost:8080 and builds again what changes.
import Eleventy from '@11ty/eleventy';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as pagefind from 'pagefind';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = new URL('../', import.meta.url);
const { build, context } = createRequire(new URL('package.json', root))('esbuild');
const { exports, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const isServing = process.argv.includes('--serve');

/** The package's public entries, as browsers get them. */
const entries = ['.', './data', './evaluation', './report', './detector', './train', './bench', './geo'];
const alias = Object.fromEntries(
  entries.map((name) => [`retinagrad${name.slice(1)}`, fileURLToPath(new URL(exports[name].default, root))]),
);

/** Programs of pages, by the name that pages load them by. */
const programs = {
  site: 'client/site.ts',
  exercises: 'client/exercises.ts',
  bench: 'client/bench.tsx',
  ladder: 'client/ladder.ts',
  search: 'client/search.ts',
  example: 'client/example.ts',
  'example-worker': 'client/example-worker.ts', // imported by the programs of examples
  explainer: 'client/explainer.ts',
  studio: 'studio/main.tsx',
  'studio-worker': 'studio/worker.ts',
  annotate: 'studio/annotate/main.tsx',
  'examples/hello': '../examples/hello-tensor/hello.ts', // run by its figure in the gallery
};

/** What programs of pages run by its address. */
const later = { site: ['examples/hello'], example: ['example-worker'] };

const options = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  alias,
  loader: { '.wgsl': 'text' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
};
const programOptions = {
  ...options,
  entryPoints: programs,
  outdir: '_site/assets',
  splitting: true,
  sourcemap: true,
  metafile: true,
  // Examples read their arguments.
  define: { VERSION: JSON.stringify(version), IS_RELEASE: String(!isServing), 'process.argv': '[]' },
};

/** The library as the programs of examples import it, with its names: classes show theirs in what is printed. */
const libraryOptions = {
  ...options,
  entryPoints: { library: '../dist/index.js' },
  outdir: '_site/assets',
  keepNames: true,
};

/** Files of programs: those that they load at once, and those that they may load later. */
function filesOf({ outputs }, names) {
  const found = new Set();
  const visit = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const { path, external } of outputs[file].imports) if (!external) visit(path);
  };
  for (const name of names) visit(`_site/assets/${name}.js`);
  return [...found].map((file) => file.slice('_site/'.length));
}

/** A hash of all files, so that readers do not get a mixture of two versions of the site. */
function versionOf(folder) {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.map')) continue;
    hash.update(file.name).update(readFileSync(`${file.parentPath ?? file.path}/${file.name}`));
  }
  return hash.digest('hex').slice(0, 12);
}

/** The index of the search, of the pages that were written. */
async function indexPages() {
  const { index, errors } = await pagefind.createIndex({ rootSelector: 'html' });
  if (index === null) throw new Error(errors.join('\n'));
  const added = await index.addDirectory({ path: `${here}_site` });
  const written = await index.writeFiles({ outputPath: `${here}_site/pagefind` });
  await pagefind.close();
  if (added.errors.length + written.errors.length > 0) throw new Error([...added.errors, ...written.errors].join('\n'));
  // Its own pages of results, which this site does not use.
  for (const file of readdirSync(`${here}_site/pagefind`)) {
    if (/-ui\.|component|modular|highlight/.test(file)) rmSync(`${here}_site/pagefind/${file}`);
  }
}

if (!existsSync(new URL('dist/index.js', root))) throw new Error('no dist/index.js: run `npm run build` first');
rmSync(new URL('_site', import.meta.url), { recursive: true, force: true });
const eleventy = new Eleventy(`${here}pages`, `${here}_site`, {
  configPath: `${here}eleventy.config.mjs`,
  quietMode: true,
});
process.chdir(here);
if (isServing) {
  for (const each of [programOptions, libraryOptions]) await (await context(each)).watch();
  await eleventy.init();
  await eleventy.watch();
  await eleventy.serve(8080);
} else {
  const { metafile } = await build(programOptions);
  await build(libraryOptions);
  await eleventy.write();
  await indexPages();
  const site = {
    version: versionOf(`${here}_site`),
    programs: Object.fromEntries(
      Object.keys(programs).map((name) => [
        `assets/${name}.js`,
        [...filesOf(metafile, [name, ...(later[name] ?? [])]), ...(name === 'example' ? ['assets/library.js'] : [])],
      ]),
    ),
  };
  await build({
    ...options,
    entryPoints: ['offline/worker.ts'],
    outfile: '_site/sw.js',
    format: 'iife',
    define: { SITE: JSON.stringify(site) },
  });
}
