// The studio in Chromium: a training whose tab is killed in the middle is continued, and ends with the weights of one that was
// not disturbed; axe finds nothing; a link with a wrong setting says so.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, launchChromium } from '../browser/chromium.ts';
import { axeFindings, serveSite } from './site.ts';

/** A training of six steps, whose state is saved after each. */
const TINY =
  '#data=synthetic&data.chips=8&model.network=tiny&model.imageSize=64&train.epochs=2&train.batchSize=2&train.saveMinutes=0';
const LIMIT = 300_000;

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  await page.goto(url);
  await page.waitForSelector('[data-gpu]');
  return page;
}

/** Waits for the end of a training, and returns the hash of its last weights. */
async function hashAtEnd(page: Page): Promise<string> {
  const end = page.locator('[data-end]');
  await end.waitFor();
  assert.is(await page.locator('.studio-problem').innerText(), '');
  assert.is(await end.getAttribute('data-end'), 'finished');
  return (await end.getAttribute('data-hash'))!;
}

async function train(context: BrowserContext, url: string): Promise<Page> {
  const page = await open(context, url);
  await page.click('button.primary');
  return page;
}

/** Polled from here: Playwright's own waiting compiles code in the page, which its policy refuses. */
async function reachStep(page: Page, step: number): Promise<void> {
  const end = Date.now() + LIMIT;
  while (Number(await page.locator('.studio-status').getAttribute('data-step')) < step) {
    assert.ok(Date.now() < end, `no step ${step} within ${LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Kills the process of a page, as the system does when memory is short. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  await page.goto('chrome://crash').catch(() => undefined);
  await crashed;
  await page.close();
}

if (hasChromium()) {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveSite>>;
  test.before(async () => {
    site = await serveSite();
    browser = await launchChromium();
  });
  test.after(async () => {
    await browser.close();
    site.close();
  });

  test('a training whose tab was killed is continued, and ends with the same bits', async () => {
    const url = `${site.url}studio/${TINY}`;
    const calm = await browser.newContext();
    const whole = await hashAtEnd(await train(calm, url));
    await calm.close();

    const context = await browser.newContext();
    const page = await train(context, url);
    await reachStep(page, 3);
    await crash(page);

    const again = await open(context, `${site.url}studio/`);
    const button = again.getByRole('button', { name: /^Continue Run 1, which reached step/ });
    await button.waitFor();
    const reached = Number(/\d+$/.exec(await button.innerText())![0]);
    assert.ok(reached >= 3 && reached < 6, `continued from step ${reached}`);
    await button.click();
    assert.is(await hashAtEnd(again), whole);
    // Another tab sees the run.
    assert.match(await again.locator('.studio-runs').innerText(), /Run 1/);
    await context.close();
  });

  for (const width of [1280, 390]) {
    test(`axe finds nothing at ${width} pixels, and nothing is wider than the page`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, bypassCSP: true });
      const page = await open(context, `${site.url}studio/`);
      await page.locator('summary', { hasText: 'All settings' }).click();
      assert.equal(await axeFindings(page), []);
      assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
      await context.close();
    });
  }

  test('a link with a wrong setting names it, and the studio goes on with the sample', async () => {
    const context = await browser.newContext();
    const page = await open(context, `${site.url}studio/#data=synthetic&train.epochs=none`);
    assert.match(await page.locator('.studio-problem').innerText(), /train\.epochs is "none", expected an integer/);
    assert.ok(await page.locator('button.primary').isEnabled());
    await context.close();
  });
} else test.skip('the studio in Chromium');

test.run();
