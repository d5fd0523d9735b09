// Makes dist/retinagrad.min.js, the main entry of browsers as one file, for `<script type="module">` and CDNs: called by
// build.mjs. Its kernels have no comments and few lines; elsewhere they keep them, so that a compiler's message names the line
// of the .wgsl file.
import { deepStrictEqual } from 'node:assert';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';
import { bySimilarity, minifyWgsl, withShortNames } from './minify-wgsl.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/**
 * A kernel from its minified text without the numbers of bindings, as scripts/wgsl.mjs describes it. This function is part of
 * the file.
 */
function kernelOf(file, text) {
  const pairs = (text, pattern) =>
    Object.fromEntries([...text.matchAll(pattern)].map(([, name, type]) => [name, type]));
  const kinds = { 'storage,read': 'read-only-storage', 'storage,read_write': 'storage', uniform: 'uniform' };
  let number = 0;
  const code = text.replace(/^var<(?=storage|uniform)/gm, () => `@group(0)@binding(${number++})var<`);
  const found = [...code.matchAll(/^@group\(0\)@binding\(\d+\)var<(.+?)>(\w+):/gm)];
  return {
    file,
    consts: pairs(code, /^const ([A-Z]\w*):(\w+)=/gm),
    aliases: pairs(code, /^alias ([A-Z]\w*)=(.+?);/gm),
    params: pairs(/^struct Params\{(.*?)\}/m.exec(code)?.[1] ?? '', /(\w+):(\w+)/g),
    bindings: Object.fromEntries(found.map(([, kind, name]) => [name, kinds[kind]])),
    code,
  };
}

/** All kernels as one module. */
async function kernels() {
  const folder = join(dist, 'kernels/wgsl');
  const files = readdirSync(folder).filter((file) => file.endsWith('.wgsl.js'));
  const modules = await Promise.all(files.map((file) => import(join(folder, file))));
  const named = modules.flatMap(Object.entries);
  const minified = withShortNames(named.map(([, kernel]) => ({ ...kernel, code: minifyWgsl(kernel.code) })));
  const byText = new Map();
  for (const [i, kernel] of minified.entries()) {
    const text = kernel.code.replace(/^@group\(0\)@binding\(\d+\)/gm, '');
    deepStrictEqual(kernelOf(kernel.file, text), kernel);
    byText.set(
      text,
      `export const ${named[i][0]} = /* @__PURE__ */ kernelOf('${kernel.file}', ${JSON.stringify(text)});`,
    );
  }
  return [kernelOf, ...bySimilarity([...byText.keys()]).map((text) => byText.get(text))].join('\n');
}

const plugin = {
  name: 'kernels',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wgsl\.js$/ }, () => ({ path: 'kernels', namespace: 'kernels', sideEffects: false }));
    onLoad({ filter: /./, namespace: 'kernels' }, async () => ({ contents: await kernels() }));
  },
};

const { outputFiles } = await build({
  entryPoints: [join(dist, 'index.js')],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  write: false,
  plugins: [plugin],
  logLevel: 'warning',
});
// Messages name classes: `SGD: lr is …`.
const { code } = await minify(outputFiles[0].text, {
  module: true,
  ecma: 2022,
  compress: { passes: 3, unsafe_arrows: true },
  mangle: { keep_classnames: true },
});
const banner = '// retinagrad, MIT licence: https://github.com/retinagrad/retinagrad\n';
writeFileSync(join(dist, 'retinagrad.min.js'), banner + code);
