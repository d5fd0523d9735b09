// A page that uses the packed package, bundled by each tool with its default settings, with an import map and with the single
// file: it gives in Chromium what the same program gives in Node, and neither the tool nor the browser prints a warning.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, launchChromium, outcomeOf } from '../browser/chromium.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { run as runIn } from './run.ts';

const test = suite('bundlers');
const project = temporaryFolder();

/** Runs a program in the project. */
const run = (command: string, args: readonly string[], cwd = project): string => runIn(command, args, cwd);

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };

/** Serves the files of the project to pages that may not compile code from strings. */
const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
  response.setHeader('content-security-policy', "script-src 'self' 'unsafe-inline'");
  try {
    response.end(readFileSync(join(project, path)));
  } catch {
    response.writeHead(404).end();
  }
});

let browser: Browser;
let expected: unknown;
let origin = '';
const started: ChildProcess[] = [];

const outcome = async (url: string): Promise<unknown> => {
  const text = (await outcomeOf(browser, url)) as string;
  assert.ok(text.startsWith('{'), text);
  return JSON.parse(text);
};

test.before(async () => {
  cpSync(fileURLToPath(new URL('../bundlers/', import.meta.url)), project, { recursive: true });
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  run('npm', ['ci', ...quiet]);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
  const [{ filename }] = JSON.parse(run('npm', pack, root)) as [{ filename: string }];
  run('npm', ['install', '--no-save', ...quiet, `./${filename}`]);
  // Node needs Dawn, pages do not: it is not installed with the package.
  run('npm', ['install', '--no-save', ...quiet, `./${filename}`, join(root, 'node_modules/webgpu')]);
  expected = JSON.parse(run(process.execPath, ['node.js']));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium();
});

test.after(async () => {
  for (const child of started) child.kill();
  await browser.close();
  server.close();
});

for (const tool of ['esbuild', 'rollup', 'webpack', 'vite', 'parcel']) {
  test(tool, async () => {
    const printed = run(process.execPath, ['build.js', tool]);
    assert.not.match(printed, 'warning: ');
    assert.equal(await outcome(`${origin}/out/${tool}/index.html`), expected);
  });
}

test('vite dev', async () => {
  const child = spawn(process.execPath, ['build.js', 'vite-dev'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const lines = createInterface(child.stdout);
  const printed: string[] = [];
  const url = await new Promise<string>((resolve) =>
    lines.on('line', (line) => (line.startsWith('http') ? resolve(line) : printed.push(line))),
  );
  assert.equal(await outcome(url), expected);
  assert.equal(printed, []);
});

test('no bundler: an import map', async () => {
  assert.equal(await outcome(`${origin}/plain.html`), expected);
});

test('no bundler: the single file', async () => {
  const page = readFileSync(join(project, 'plain.html'), 'utf8');
  writeFileSync(join(project, 'single.html'), page.replace('dist/index.js', 'dist/retinagrad.min.js'));
  assert.equal(await outcome(`${origin}/single.html`), expected);
});

if (hasChromium()) test.run();
