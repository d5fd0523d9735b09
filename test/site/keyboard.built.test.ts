// The site without a mouse: from the first page to a training that is paused, continued and stopped; a chapter with its figure and its
// exercises; an editor that one can leave; the explainer. Focus is always visible.
import type { Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage, openSite, until } from './site.ts';

const LIMIT = 120_000;
/** Long enough to be paused and stopped; its state is saved after each step. */
const TRAINING =
  '#data=synthetic&data.chips=8&model.network=tiny&model.imageSize=64&train.epochs=40&train.batchSize=2&train.saveMinutes=0';

interface Focused {
  readonly name: string;
  readonly isVisible: boolean;
}

/** What has the focus: its name, and whether it is seen to have it. */
const focused = (page: Page): Promise<Focused> =>
  page.evaluate<Focused>(`(() => {
    const at = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
    const name = at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;
    const isSeen = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    return { name: at === document.body ? '' : name.trim().slice(0, 80), isVisible: at === document.body || isSeen };
  })()`);

/** Presses Tab until something of this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < 150; i++) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    assert.ok(at.isVisible, `${at.name} has the focus, which is not seen`);
    if (name.test(at.name)) return;
    passed.push(at.name);
  }
  assert.unreachable(`${name} was not reached, but ${passed.join(', ')}`);
}

const test = suite('keyboard');
const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('from the first page to a training, which is paused, continued and stopped', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page } = await openPage(context, site.url);
    page.setDefaultTimeout(LIMIT);
    await tabTo(page, /^Skip to the content/);
    await tabTo(page, /^Train a detector in this tab/);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-gpu]');
    await page.goto('about:blank');
    await page.goto(`${site.url}studio/${TRAINING}`);
    await page.waitForSelector('[data-gpu]');
    await tabTo(page, /^Train on the sample/);
    await page.keyboard.press('Enter');
    await page.locator('.studio-status[data-step]:not([data-step="0"])').waitFor();
    await tabTo(page, /^Pause/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Continue Run 1, which/ }).waitFor();
    await tabTo(page, /^Continue Run 1, which reached step/);
    await page.keyboard.press('Enter');
    await page.locator('button:enabled', { hasText: 'Stop and keep the best' }).waitFor();
    await tabTo(page, /^Stop and keep the best/);
    await page.keyboard.press('Enter');
    await page.locator('[data-end]').waitFor();
    assert.is(await page.locator('.studio-problem').innerText(), '');
    await context.close();
  });

  test('a chapter: the slider of its figure, an exercise, and on to the next chapter', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page } = await openPage(context, `${site.url}book/11-anchors/`);
    page.setDefaultTimeout(LIMIT);
    await page.locator('[data-figure="anchors"]').scrollIntoViewIfNeeded();
    await page.locator('[data-figure="anchors"][data-state="live"]').waitFor();
    await tabTo(page, /^Smallest anchor/);
    const value = page.locator('[data-figure="anchors"] output').first();
    const before = await value.textContent();
    await page.keyboard.press('ArrowRight');
    assert.is.not(await value.textContent(), before);
    // Forms are made when they are seen.
    await page.locator('[data-exercise]').first().scrollIntoViewIfNeeded();
    await page.locator('[data-exercise] input').first().waitFor();
    const isInExercise = () => page.evaluate<boolean>("document.activeElement.matches('[data-exercise] input')");
    for (let i = 0; i < 60 && !(await isInExercise()); i++) await page.keyboard.press('Tab');
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await page.locator('output.wrong').waitFor();
    await tabTo(page, /^12 /);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/book/12-matching/');
    await context.close();
  });

  test('an example is edited and run, and its editor is left by Escape and Tab', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page } = await openPage(context, `${site.url}reference/retinagrad/functions/add/`);
    page.setDefaultTimeout(LIMIT);
    await tabTo(page, /^Edit/);
    await page.keyboard.press('Enter');
    await page.locator('.cm-content:focus').waitFor();
    assert.match((await focused(page)).name, /Escape and then Tab leaves it/);
    await page.keyboard.press('Control+Enter');
    await page.locator('.printed span').first().waitFor();
    await page.keyboard.press('Escape');
    await tabTo(page, /^Run/);
    await context.close();
  });

  test('the explainer: its sliders, its file, and the boxes, which are one stop with the arrow keys inside', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page } = await openPage(context, `${site.url}book/explainer/`);
    page.setDefaultTimeout(LIMIT);
    await page.locator('html[data-explainer="live"]').waitFor();
    const sliders = ['Channel', 'Score threshold', 'IoU of suppression', 'Anchor sizes', 'Focal γ', 'Focal α'];
    for (const name of ['Synthetic tile', 'Or your image', ...sliders]) {
      await tabTo(page, new RegExp(`^${name}`));
      if (name === 'Or your image') continue;
      const output = page.locator(`.control:has(:focus) output`);
      const before = await output.textContent();
      await page.keyboard.press('ArrowRight');
      assert.is.not(await output.textContent(), before, name);
    }
    const drawn = page.locator('[data-step="boxes"] .view:not([aria-busy])');
    await drawn.waitFor();
    await tabTo(page, /^Box 1 of/);
    const facts = page.locator('[data-step="inspector"]');
    await facts.getByText('This box').waitFor();
    const first = await facts.innerText();
    await page.keyboard.press('ArrowRight');
    assert.match((await focused(page)).name, /^Box 2 of/);
    await until('facts of the second box', LIMIT, async () => (await facts.innerText()) !== first);
    await page.keyboard.press('End');
    assert.match((await focused(page)).name, /^Box (\d+) of \1,/);
    await page.keyboard.press('Shift+Tab');
    await tabTo(page, /^Box (\d+) of \1,/);
    await page.keyboard.press('Home');
    assert.match((await focused(page)).name, /^Box 1 of/);
    await page.keyboard.press('Tab');
    assert.not.match((await focused(page)).name, /^Box/);

    // A drawing that ends while a box has the focus.
    const setThreshold = async (value: number): Promise<void> => {
      await page.getByLabel('Score threshold').evaluate((input: { value: string } & EventTarget, to) => {
        input.value = String(to);
        input.dispatchEvent(new Event('input', { bubbles: true }));
      }, value);
      await drawn.waitFor();
    };
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowRight');
    const key = await page.locator('.detection:focus').getAttribute('data-key');
    const before = await page.locator('.detection').count();
    await setThreshold(0.02);
    assert.ok((await page.locator('.detection').count()) > before, 'a lower threshold shows more boxes');
    assert.is(await page.locator('.detection:focus').getAttribute('data-key'), key);
    await setThreshold(0.98);
    assert.is((await focused(page)).name, 'Result');
    await context.close();
  });
}
test.run();
