// Compiles src to dist, from nothing, so that no file of an earlier build is published; then makes the declarations
// independent of the settings of the program that uses them, the browser's half independent of other packages, and a single
// file of the main entry.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
await import('./wgsl.mjs');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
// The scripts of the map's page, which are copied into every map as they are.
cpSync(new URL('../src/report/map/page', import.meta.url), new URL('../dist/report/map/page', import.meta.url), {
  recursive: true,
});
await import('./declarations.mjs');
await import('./vendor.mjs');
await import('./single-file.mjs');
