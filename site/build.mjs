// Builds the site into site/_site: the programs of the pages by esbuild, from the built package that users import, and the pages
// by Eleventy. `--serve` serves it at http://localhost:8080 and builds again what changes.
import Eleventy from '@11ty/eleventy';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = new URL('../', import.meta.url);
const { build, context } = createRequire(new URL('package.json', root))('esbuild');

/** The package's public entries, as browsers get them. */
function entries() {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const names = ['.', './data', './evaluation', './report', './detector', './train'];
  return Object.fromEntries(
    names.map((name) => [`retinagrad${name.slice(1)}`, fileURLToPath(new URL(exports[name].default, root))]),
  );
}

if (!existsSync(new URL('dist/index.js', root))) throw new Error('no dist/index.js: run `npm run build` first');
rmSync(new URL('_site', import.meta.url), { recursive: true, force: true });
const options = {
  absWorkingDir: here,
  entryPoints: ['client/site.ts', 'client/exercises.ts'],
  outdir: '_site/assets',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  alias: entries(),
  loader: { '.wgsl': 'text' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
};
const eleventy = new Eleventy(`${here}pages`, `${here}_site`, { configPath: `${here}eleventy.config.mjs` });
process.chdir(here);
if (process.argv.includes('--serve')) {
  const programs = await context(options);
  await programs.watch();
  await eleventy.init();
  await eleventy.watch();
  await eleventy.serve(8080);
} else {
  await build(options);
  await eleventy.write();
}
