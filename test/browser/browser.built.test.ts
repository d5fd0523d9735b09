// Trains with the built package (dist) in a real headless Chromium with WebGPU, on the SwiftShader that it carries.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertLearned } from '../package/learned.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Milliseconds for the page to start, compile and train. */
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

/** The page's program in one file. Fails when the browser's entry reaches a module of Node. */
async function bundle(): Promise<string> {
  const { outputFiles, metafile, warnings } = await build({
    entryPoints: [fileURLToPath(new URL('./page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
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
  console.log(
    `# bundle of the browser check: ${(outputFiles[0]!.contents.length / 1024).toFixed(0)} KiB, not minified`,
  );
  return outputFiles[0]!.text;
}

async function trainInChromium(script: string): Promise<NonNullable<typeof globalThis.outcome>> {
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
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.outcome !== undefined', null, { timeout: LIMIT });
    const outcome = await page.evaluate(() => globalThis.outcome);
    console.log(`# Chromium ${browser.version()}`);
    assert.equal(complaints, []);
    return outcome!;
  } finally {
    await browser.close();
    server.close();
  }
}

const NAME = 'the built package trains in Chromium';
if (existsSync(CHROMIUM) || process.env['CI']) {
  test(NAME, async () => {
    const outcome = await trainInChromium(await bundle());
    if ('error' in outcome) throw new Error(outcome.error);
    assertLearned(outcome.fit);
    assert.is(outcome.fit.kind, 'software');
    const { steps, losses, images, isSame } = outcome.task;
    console.log(
      `# a detector trained without files: loss ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)} in ${steps} steps`,
    );
    assert.is(losses.length, steps);
    assert.ok(losses.at(-1)! < losses[0]!, `the loss went from ${losses[0]} to ${losses.at(-1)}`);
    assert.ok(images > 0);
    assert.ok(isSame, 'a detector from the bytes of another detects the same');
  });
} else {
  console.log(`# no ${CHROMIUM}: install Chromium or name one in CHROMIUM`);
  test.skip(NAME);
}

test.run();
