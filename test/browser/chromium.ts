// Opens pages in a real headless Chromium with WebGPU, on the SwiftShader that it carries, and runs programs in them that use
// the built package (dist).
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Milliseconds for a page to start, compile and end. */
const LIMIT = 240_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  // Without a GPU Chromium offers an adapter only with the first flag; the second makes all computers use the same.
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];

/** Whether there is a Chromium, or must be one. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM) || process.env['CI']) return true;
  console.log(`# no ${CHROMIUM}: install Chromium or name one in CHROMIUM`);
  return false;
}

const LAUNCH = { executablePath: CHROMIUM, headless: true, args: FLAGS };
/** @param flags of the command line, beside those that all tests use */
export const launchChromium = (...flags: readonly string[]): Promise<Browser> =>
  chromium.launch({ ...LAUNCH, args: [...FLAGS, ...flags] });

/** What a test does to the browser while a page runs. */
export interface Disturbance {
  /** Name of the global variable that the page sets when it is time. */
  readonly signal: string;
  /** Called once then, with the id of the browser's process. */
  readonly act: (browser: number) => void;
  /** Whether the page may print a line. */
  readonly isExpected: (complaint: string) => boolean;
}

/**
 * What a page leaves in `globalThis.outcome`. Throws if the page prints anything or has an uncaught error.
 *
 * @param meanwhile called again and again until then
 */
export async function outcomeOf(
  browser: Browser,
  url: string,
  isExpected: Disturbance['isExpected'] = () => false,
  meanwhile: (page: Page) => Promise<void> = async () => {},
): Promise<unknown> {
  const page = await browser.newPage();
  try {
    const complaints: string[] = [];
    page.on('console', (message) => {
      // Vite's development server reports its connection as debugging output.
      if (message.type() !== 'debug' && !isExpected(message.text()))
        complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    await page.goto(url);
    // Polled from here: Playwright's own waiting compiles code in the page, which its policy may refuse.
    const end = Date.now() + LIMIT;
    let outcome: unknown;
    while ((outcome = await page.evaluate('globalThis.outcome')) === undefined) {
      assert.equal(complaints, []);
      assert.ok(Date.now() < end, `no outcome of ${url} within ${LIMIT} ms`);
      await meanwhile(page);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(complaints, []);
    return outcome;
  } finally {
    await page.close();
  }
}

/** The program of a page of this folder in one file. Fails when the browser's entry reaches a module of Node. */
export async function bundle(page: URL): Promise<string> {
  const { outputFiles, metafile, warnings } = await build({
    entryPoints: [fileURLToPath(page)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // Without the paths of tsconfig.json, which lead to the source.
    tsconfigRaw: {},
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  assert.equal(warnings, []);
  const inputs = Object.keys(metafile.inputs);
  assert.ok(inputs.includes('dist/index.js'), `the bundle is not made of dist: ${inputs.join(', ')}`);
  assert.equal(
    inputs.filter((file) => file.startsWith('src/')),
    [],
  );
  return outputFiles[0]!.text;
}

/** Runs a program in a page, whose address ends with `query`, and returns what it leaves in `globalThis.outcome`. */
export async function runInChromium<T>(script: string, query = '', disturbance?: Disturbance): Promise<T> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript
        ? script
        : '<!doctype html><meta charset=utf-8><link rel=icon href=data:,><script type=module src=page.js></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server, because only that tells the id of its process.
  const launched = await chromium.launchServer(LAUNCH);
  const browser = await chromium.connect(launched.wsEndpoint());
  try {
    console.log(`# Chromium ${browser.version()}`);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${query}`;
    let isDone = disturbance === undefined;
    const meanwhile = async (page: Page): Promise<void> => {
      if (isDone || (await page.evaluate(`globalThis.${disturbance!.signal}`)) !== true) return;
      isDone = true;
      disturbance!.act(launched.process().pid!);
    };
    const outcome = (await outcomeOf(browser, url, disturbance?.isExpected, meanwhile)) as T;
    assert.ok(isDone, 'the page did not say when to disturb it');
    return outcome;
  } finally {
    await launched.close();
    server.close();
  }
}
