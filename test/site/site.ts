// Serves the built site under a folder, as any host may, opens its pages, and runs axe on them.
import axe from 'axe-core';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, launchChromium } from '../browser/chromium.ts';
import { root } from '../support/files.ts';

export const SITE = join(root, 'site/_site');

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
};

/** The site, served, and a browser to look at it. */
export interface OpenSite {
  /** Address of the site; ends with a slash. */
  readonly url: string;
  readonly browser: Browser;
}

/**
 * Serves the site and opens Chromium for the tests of a suite, and closes both after them. Without Chromium returns null, and the
 * suite has a test that is skipped.
 *
 * @param flags for Chromium, beside those that all tests use
 */
export async function openSite(suite: Test, ...flags: readonly string[]): Promise<OpenSite | null> {
  if (!hasChromium()) {
    suite.skip('pages in Chromium');
    return null;
  }
  const { url, close } = await serveSite();
  const browser = await launchChromium(...flags);
  suite.after(async () => {
    await browser.close();
    close();
  });
  return { url, browser };
}

async function serveSite(): Promise<{ readonly url: string; readonly close: () => void }> {
  assert.ok(existsSync(join(SITE, 'index.html')), 'there is no site/_site: run `npm run site:build`');
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname).replace(/^\/sub/, '');
    let file = join(SITE, path);
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html');
    if (!file.startsWith(SITE) || !existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/sub/`, close: () => void server.close() };
}

/** Opens a page and collects what it complains of: errors, warnings, failed and missing files. */
export async function openPage(context: BrowserContext, url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // Tests that count or compare what a page loads have no worker between it and the network.
    const isBlocked = message.text().includes('Service Worker registration blocked');
    if (['error', 'warning'].includes(message.type()) && !isBlocked) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(url);
  return { page, complaints };
}

/** Waits for a condition. Polled from here: the policy of the pages refuses Playwright's own waiting, which compiles code there. */
export async function until(what: string, limit: number, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + limit; !(await isSo());) {
    assert.ok(Date.now() < end, `not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What axe finds wrong with a page, one line for each element. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
