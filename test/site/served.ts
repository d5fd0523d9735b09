// The built site (site/_site) for tests in Chromium, and axe on its pages.
import axe from 'axe-core';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';

const ROOT = new URL('../../site/_site/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Serves the site; `close` ends that. */
export async function serveSite(): Promise<{ readonly url: string; readonly close: () => void }> {
  assert.ok(existsSync(fileURLToPath(ROOT)), 'no site/_site: run `npm run site:build` first');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x');
    const path = `.${pathname.endsWith('/') ? `${pathname}index.html` : pathname}`;
    readFile(new URL(path, ROOT)).then(
      (body) => {
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** What axe finds wrong with a page, one line for each element. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.AxeResults>('axe.run()');
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}
