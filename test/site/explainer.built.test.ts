// The detection explainer of the built site (`npm run site:build`) in Chromium, at the widths of a desktop and of a phone.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, launchChromium } from '../browser/chromium.ts';

const SITE = new URL('../../site/_site/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** Milliseconds for the network to compile and run on SwiftShader. */
const LIMIT = 240_000;

async function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://site').pathname;
    const file = new URL(`.${path.endsWith('/') ? `${path}index.html` : path}`, SITE);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file.pathname)] ?? 'application/octet-stream');
    return response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Waits until an expression in the page is true. Playwright's own waiting compiles code there, which the page's policy refuses. */
async function until(page: Page, expression: string): Promise<void> {
  const end = Date.now() + LIMIT;
  while (!(await page.evaluate(`Boolean(${expression})`))) {
    assert.ok(Date.now() < end, `not within ${LIMIT} ms: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const found = async (page: Page): Promise<number> =>
  Number(await page.evaluate("document.querySelector('#found').textContent"));

/** Moves a slider as a reader does. */
const slide = (page: Page, label: string, value: number): Promise<unknown> =>
  page.evaluate(`{
    const { htmlFor } = [...document.querySelectorAll('label')].find((one) => one.textContent === '${label}');
    const input = document.getElementById(htmlFor);
    input.value = ${value};
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }`);

async function tryExplainer(browser: Browser, url: string, width: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(url);
  await until(page, "document.documentElement.dataset.explainer === 'live'");
  const before = await found(page);
  assert.ok(before > 0, 'no boxes');
  assert.is(await page.evaluate('document.documentElement.scrollWidth'), width, 'the page is wider than the screen');

  await page.locator('.detection').first().focus();
  await until(page, "document.querySelector('[data-step=inspector] canvas') !== null");
  assert.match(await page.locator('[data-step=inspector]').innerText(), /made at\s+P[3-7], row \d+, column \d+/);

  await slide(page, 'Score threshold', 0.05);
  await until(page, `Number(document.querySelector('#found').textContent) > ${before}`);
  const many = await found(page);
  await slide(page, 'IoU of suppression', 0.1);
  await until(page, `Number(document.querySelector('#found').textContent) < ${many}`);
  assert.equal(complaints, []);
  await page.close();
}

const NAME = 'the explainer finds boxes, says where they come from, and follows its sliders';
if (!existsSync(new URL('book/explainer/index.html', SITE))) {
  console.log('# no site/_site: run npm run site:build');
  test.skip(NAME);
} else if (hasChromium()) {
  test(NAME, async () => {
    const server = await serve();
    const browser = await launchChromium();
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/book/explainer/`;
      for (const width of [1280, 390]) await tryExplainer(browser, url, width);
    } finally {
      await browser.close();
      server.close();
    }
  });
} else test.skip(NAME);

test.run();
