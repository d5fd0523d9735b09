// The studio in Chromium: a training whose tab is killed in the middle is continued, and ends with the weights of one that was
// not disturbed; weights to start from that cannot be loaded, and links with wrong settings, are named; axe finds nothing.
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axeFindings, openSite } from './site.ts';
import { FROM_SHIPPED, hashAtEnd, LIMIT, openStudio, TINY, trainStudio } from './studio.ts';

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

const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('a training whose tab was killed is continued, and ends with the same bits', async () => {
    const url = `${site.url}studio/${TINY}${FROM_SHIPPED}`;
    const calm = await browser.newContext();
    const whole = await hashAtEnd(await trainStudio(calm, url));
    await calm.close();

    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await trainStudio(context, url);
    await reachStep(page, 3);
    await crash(page);

    const again = await openStudio(context, `${site.url}studio/`);
    // What it started from is kept with the run: the site may have another detector by now, or none.
    await again.route('**/models/*', (route) => route.fulfill({ status: 404 }));
    const button = again.getByRole('button', { name: /^Continue Run 1, which reached step/ });
    await button.waitFor();
    const reached = Number(/\d+$/.exec(await button.innerText())![0]);
    assert.ok(reached >= 3 && reached < 6, `continued from step ${reached}`);
    await button.click();
    assert.is(await hashAtEnd(again), whole);
    // Another tab sees the run.
    assert.match(await again.locator('.studio-runs').innerText(), /Run 1.*model\.weights=buildings\.safetensors/s);
    await context.close();
  });

  test('the detector of the site is chosen with its network; if it cannot be loaded, the page says what to do', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    await context.route('**/models/*', (route) => route.fulfill({ status: 404 }));
    const page = await openStudio(context, `${site.url}studio/${TINY.replace('tiny', 'small')}`);
    const [start, network] = [page.getByLabel('Start from'), page.getByLabel('Network', { exact: true })];
    await start.selectOption('the detector of this site');
    assert.is(await network.inputValue(), 'tiny');
    assert.ok(page.url().includes(FROM_SHIPPED));
    await page.click('button.primary');
    await page.locator('.studio-problem p').waitFor();
    assert.match(
      await page.locator('.studio-problem').innerText(),
      /weights to start from could not be loaded\. .*choose “random weights” in the setting “Start from”.*\(404\)/,
    );
    await network.selectOption('small');
    assert.is(await start.inputValue(), 'none');
    await context.close();
  });

  for (const width of [1280, 390]) {
    test(`axe finds nothing at ${width} pixels, and nothing is wider than the page`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, bypassCSP: true });
      const page = await openStudio(context, `${site.url}studio/`);
      await page.locator('summary', { hasText: 'All settings' }).click();
      assert.equal(await axeFindings(page), []);
      assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
      await context.close();
    });
  }

  test('a link with a wrong setting names it, and the studio goes on with the sample', async () => {
    const context = await browser.newContext();
    const page = await openStudio(context, `${site.url}studio/#data=synthetic&train.epochs=none`);
    assert.match(await page.locator('.studio-problem').innerText(), /train\.epochs is "none", expected an integer/);
    assert.ok(await page.locator('button.primary').isEnabled());
    await context.close();
  });
}

test.run();
