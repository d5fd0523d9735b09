// Bundles the page with one tool and its default settings: node build.js TOOL. Leaves it in out/TOOL; `vite-dev` serves it and
// prints its address. Prints every warning.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer as createNetServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const tool = process.argv[2];
const out = fileURLToPath(new URL(`out/${tool}/`, import.meta.url));

/** The page that loads a bundle named main.js. */
function copyPage() {
  mkdirSync(out, { recursive: true });
  copyFileSync('index.html', `${out}index.html`);
}

const tools = {
  async esbuild() {
    const { build } = await import('esbuild');
    const options = { bundle: true, format: 'esm', platform: 'browser', outfile: `${out}main.js` };
    const { warnings } = await build({ ...options, entryPoints: ['main.js'], logLevel: 'silent' });
    copyPage();
    return warnings.map(({ text }) => text);
  },
  async rollup() {
    const { rollup } = await import('rollup');
    const { nodeResolve } = await import('@rollup/plugin-node-resolve');
    const warnings = [];
    const plugins = [nodeResolve({ browser: true })];
    const bundle = await rollup({ input: 'main.js', plugins, onwarn: ({ message }) => warnings.push(message) });
    await bundle.write({ dir: out, format: 'es' });
    copyPage();
    return warnings;
  },
  async webpack() {
    const { default: webpack } = await import('webpack');
    // Without `performance`, webpack advises about any bundle above 244 kB.
    const options = { mode: 'production', entry: './main.js', performance: false };
    const stats = await new Promise((resolve, reject) =>
      webpack({ ...options, output: { path: out, filename: 'main.js' } }, (error, stats) =>
        error === null ? resolve(stats) : reject(error),
      ),
    );
    copyPage();
    return [...stats.compilation.errors, ...stats.compilation.warnings].map(({ message }) => message);
  },
  async vite() {
    const { build, createLogger } = await import('vite');
    const warnings = [];
    const customLogger = {
      ...createLogger('silent'),
      warn: (text) => warnings.push(text),
      warnOnce: (text) => warnings.push(text),
    };
    // Without the limit, Vite advises about any bundle above 500 kB.
    await build({ base: './', customLogger, build: { outDir: out, target: 'esnext', chunkSizeWarningLimit: 2000 } });
    return warnings;
  },
  async 'vite-dev'() {
    const { createServer, createLogger } = await import('vite');
    const warn = (text) => console.log(`warning: ${text}`);
    const customLogger = { ...createLogger('silent'), warn, warnOnce: warn, error: warn };
    // Port 0 would be what its script in the page connects to.
    const probe = createNetServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    // The folder has pages of other tools, too.
    const optimizeDeps = { entries: ['index.html'] };
    const server = await createServer({ customLogger, optimizeDeps, server: { host: '127.0.0.1', port } });
    await server.listen();
    console.log(server.resolvedUrls.local[0]);
    return [];
  },
  async parcel() {
    const args = [
      'node_modules/parcel/lib/bin.js',
      'build',
      'index.html',
      '--dist-dir',
      out,
      '--public-url',
      './',
      '--no-cache',
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const text = `${stdout}${stderr}`;
    return status === 0 && !/warn|error/i.test(text) ? [] : [text];
  },
};

for (const warning of await tools[tool]()) console.log(`warning: ${warning}`);
