// Chapters of the built site's book in Chromium: their figures run, and their exercises accept the right answer and refuse a wrong
// one. One chapter after another.
import { readdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answers } from './book-answers.ts';
import { openPage, openSite } from './site.ts';

/** Milliseconds for a figure or a check to compile and run on a software driver. */
const LIMIT = 120_000;

/** Names in an attribute of the page's elements, in order. */
const namesOf = (page: Page, kind: 'figure' | 'exercise'): Promise<string[]> =>
  page.evaluate(`Array.from(document.querySelectorAll('[data-${kind}]'), (one) => one.dataset.${kind})`);

/** Scrolls to a figure and waits until it runs. */
async function tryFigure(page: Page, name: string): Promise<void> {
  const figure = page.locator(`figure[data-figure="${name}"]`);
  await figure.scrollIntoViewIfNeeded();
  await page.locator(`figure[data-figure="${name}"][data-state]`).waitFor({ timeout: LIMIT });
  assert.is(await figure.getAttribute('data-state'), 'live', `${name}: ${await figure.innerText()}`);
}

/** Types an answer and returns what its check says: `right` or `wrong`. */
async function verdictOf(page: Page, name: string, answer: string): Promise<string | null> {
  const section = page.locator(`[data-exercise="${name}"]`);
  await section.scrollIntoViewIfNeeded();
  await section.locator('input, textarea').fill(answer);
  await section.getByRole('button', { name: 'Check' }).click();
  await section.locator('output.right, output.wrong').waitFor({ timeout: LIMIT });
  return section.locator('output').getAttribute('class');
}

/** Runs a test for each chapter from `first` to `last`, as far as there are pages. */
export async function testChapters(first: number, last: number): Promise<void> {
  const test = suite('book');
  const site = await openSite(test);
  const pages = readdirSync(new URL('../../site/pages/book/', import.meta.url)).map((file) => file.replace('.md', ''));
  for (const chapter of pages.sort((a, b) => a.localeCompare(b))) {
    const number = Number(chapter.slice(0, 2));
    if (site === null || !(number >= first && number <= last)) continue;
    test(`${chapter}: its figures run, its exercises are checked, and nothing is reported`, async () => {
      const context = await site.browser.newContext({
        viewport: { width: 1280, height: 900 },
        serviceWorkers: 'block',
      });
      const { page, complaints } = await openPage(context, `${site.url}book/${chapter}/`);
      const figures = await namesOf(page, 'figure');
      assert.ok(figures.length > 0, 'has a figure');
      for (const name of figures) await tryFigure(page, name);
      for (const name of await namesOf(page, 'exercise')) {
        const known = answers[name];
        if (known === undefined) throw new Error(`${name} has no answers in book-answers.ts`);
        assert.is(await verdictOf(page, name, known.wrong), 'wrong', `${name}: ${known.wrong}`);
        assert.is(await verdictOf(page, name, known.right), 'right', `${name}: ${known.right}`);
      }
      assert.equal(complaints, []);
      await context.close();
    });
  }
  test.run();
}
