// The detection explainer of the built site (`npm run site:build`) in Chromium, at the widths of a desktop and of a phone.
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage, openSite } from './site.ts';

/** Milliseconds for the network to compile and run on SwiftShader. */
const LIMIT = 240_000;

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
  const context = await browser.newContext({ viewport: { width, height: 900 }, serviceWorkers: 'block' });
  const { page, complaints } = await openPage(context, url);
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
  await context.close();
}

const site = await openSite(test);
if (site !== null) {
  for (const width of [1280, 390])
    test(`the explainer finds boxes, says where they come from, and follows its sliders at ${width} pixels`, () =>
      tryExplainer(site.browser, `${site.url}book/explainer/`, width));
}

test.run();
