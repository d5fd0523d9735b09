// What the tests of the studio share: its page, and the shortest training.
import type { BrowserContext, Page } from 'playwright-core';
import * as assert from 'uvu/assert';

/** A training of six steps, whose state is saved after each. */
export const TINY =
  '#data=synthetic&data.chips=8&model.network=tiny&model.imageSize=64&train.epochs=2&train.batchSize=2&train.saveMinutes=0';
/** Added to a link: the training starts from the detector of the site. */
export const FROM_SHIPPED = '&model.weights=buildings.safetensors';
/** Milliseconds for what a page does on a software adapter. */
export const LIMIT = 300_000;

/** Opens the studio, and waits until it has found the GPU. */
export async function openStudio(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  await page.goto(url);
  await page.waitForSelector('[data-gpu]');
  return page;
}

/** Waits for the end of a training, and returns the hash of its last weights. */
export async function hashAtEnd(page: Page): Promise<string> {
  const end = page.locator('[data-end]');
  await page.locator('[data-end], .studio-problem p').first().waitFor();
  assert.is(await page.locator('.studio-problem').innerText(), '');
  assert.is(await end.getAttribute('data-end'), 'finished');
  return (await end.getAttribute('data-hash'))!;
}

/** Opens the studio and begins a training. */
export async function trainStudio(context: BrowserContext, url: string): Promise<Page> {
  const page = await openStudio(context, url);
  await page.click('button.primary');
  return page;
}
