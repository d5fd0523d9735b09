// The module hooks of typescript.mjs, which Node runs in a thread of their own.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

const root = new URL('../', import.meta.url);
const site = new URL('site/', root).href;
/** One file for each source: a line that tells what was compiled how, then the JavaScript. */
const cache = new URL('.cache-typescript/', root);

const self = readFileSync(new URL(import.meta.url), 'utf8');
const sha1 = (text) => createHash('sha1').update(text).digest('hex');

/** The site is a package of its own that is built with the library in this repository (see `paths` in tsconfig.json). */
export function resolve(specifier, context, nextResolve) {
  const isLibrary = specifier === 'retinagrad' || specifier.startsWith('retinagrad/');
  return nextResolve(
    specifier,
    isLibrary && context.parentURL?.startsWith(site) ? { ...context, parentURL: import.meta.url } : context,
  );
}

export async function load(url, context, nextLoad) {
  if (!url.startsWith(root.href) || url.includes('/node_modules/')) return nextLoad(url, context);
  const file = new URL(url);
  if (!/\.tsx?$/.test(file.pathname)) return nextLoad(url, context);
  const source = readFileSync(new URL(file.pathname, file), 'utf8');
  return { format: 'module', source: await javaScriptOf(file.pathname, source), shortCircuit: true };
}

async function javaScriptOf(path, source) {
  const key = `// ${sha1(self + source)}\n`;
  const stored = new URL(`${sha1(path)}.js`, cache);
  try {
    const text = readFileSync(stored, 'utf8');
    if (text.startsWith(key)) return text;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const { transformSync } = await import('esbuild');
  const { code } = transformSync(source, {
    loader: path.endsWith('x') ? 'tsx' : 'ts',
    banner: key.trim(),
    format: 'esm',
    target: 'node20',
    keepNames: true, // A class inside a function keeps its name also where another one is called alike.
    sourcefile: path,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  mkdirSync(cache, { recursive: true });
  const written = new URL(`${process.pid}-${threadId}-${sha1(path)}`, cache);
  writeFileSync(written, code);
  renameSync(written, stored); // Other processes never see half a file.
  return code;
}
