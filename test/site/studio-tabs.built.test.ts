// Tabs of the studio in Chromium: a training in a tab that is hidden and frozen goes on to the same bits, and says so; a second tab
// cannot continue a run that the first one trains; a data set that is deleted leaves nothing behind.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openTab } from './hidden-tab.ts';
import { openSite, until } from './site.ts';
import { hashAtEnd, LIMIT, openStudio, TINY, trainStudio } from './studio.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Files of the page's private storage, by their folder. */
const stored = (folder: string): string => `(async () => {
  const root = await navigator.storage.getDirectory();
  const names = [];
  for await (const name of (await root.getDirectoryHandle('${folder}', { create: true })).keys()) names.push(name);
  return names;
})()`;

const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('a training goes on while its tab is hidden and after it was frozen, to the same bits', async () => {
    const url = `${site.url}studio/${TINY}`;
    const calm = await browser.newContext();
    const whole = await hashAtEnd(await trainStudio(calm, url));
    await calm.close();

    const tab = await openTab(browser, url);
    const text = (selector: string) => tab.evaluate<string>(`document.querySelector('${selector}')?.innerText ?? ''`);
    const step = () => tab.evaluate<number>("Number(document.querySelector('.studio-status')?.dataset.step ?? 0)");
    await until('a GPU', LIMIT, () => tab.evaluate("document.querySelector('[data-gpu]') !== null"));
    await tab.evaluate("document.querySelector('button.primary').click()");
    await until('a step', LIMIT, async () => (await step()) >= 1);
    assert.match(await text('.studio-background'), /^It goes on while you use other tabs/);
    assert.match(await tab.evaluate<string>('document.title'), /^Step \d of 6 · /);
    await tab.hide();
    await until('hidden', LIMIT, async () => (await tab.evaluate('document.visibilityState')) === 'hidden');
    const before = await step();
    await until('a step in the background', LIMIT, async () => (await step()) > before);
    await tab.freeze();
    await sleep(3000);
    await tab.thaw();
    await tab.show();
    const isEnded = () => tab.evaluate<boolean>("document.querySelector('[data-end]') !== null");
    await until(
      'a sentence on what happened',
      LIMIT,
      async () =>
        (await isEnded()) ||
        /^This tab was in the background for .* froze it for/.test(await text('.studio-background')),
    );
    await until('the end', LIMIT, isEnded);
    assert.is(await text('.studio-problem'), '');
    assert.is(await tab.evaluate<string>("document.querySelector('[data-end]').dataset.hash"), whole);
  });

  test('a second tab does not continue a run that is trained, and a deleted data set leaves nothing', async () => {
    const context = await browser.newContext();
    const page = await openStudio(context, `${site.url}studio/`);
    const pixels = await page.evaluate<string>(
      "(() => { const canvas = document.createElement('canvas'); canvas.width = canvas.height = 64; return canvas.toDataURL().split(',')[1]; })()",
    );
    const buffer = Buffer.from(pixels, 'base64');
    const labels = Buffer.from('image,x1,y1,x2,y2,label\na.png,10,5,30,25,roof\nb.png,12,5,30,25,roof\n');
    await page
      .locator('input[type=file][multiple]')
      .first()
      .setInputFiles([
        { name: 'a.png', mimeType: 'image/png', buffer },
        { name: 'b.png', mimeType: 'image/png', buffer: Buffer.concat([buffer, Buffer.from(' ')]) },
        { name: 'boxes.csv', mimeType: 'text/csv', buffer: labels },
      ]);
    await page.getByText('2 images, all annotated, 2 boxes').first().waitFor();
    const [data] = /data=\w+/.exec(page.url())!;
    await page.goto('about:blank');
    await page.goto(
      `${site.url}studio/#${data}&model.network=tiny&model.imageSize=64&train.epochs=400&train.batchSize=1&train.saveMinutes=0`,
    );
    await page.waitForSelector('[data-gpu]');
    await page.locator('button.primary', { hasText: 'Train on your images' }).click();
    await page.locator('.studio-status[data-step]:not([data-step="0"])').waitFor();

    const second = await openStudio(context, `${site.url}studio/`);
    const problem = second.locator('.studio-problem p');
    await second.getByRole('button', { name: /^Continue Run 1, which/ }).click();
    await problem.filter({ hasText: 'another tab is training this run' }).waitFor();
    await second.locator('summary', { hasText: 'Your data sets (1)' }).click();
    second.on('dialog', (dialog) => void dialog.accept());
    const remove = second.locator('.studio-sets').getByRole('button', { name: 'Delete', exact: true });
    await remove.click();
    await problem.filter({ hasText: 'Run 1 is training on this data set, here or in another tab' }).waitFor();

    await page.getByRole('button', { name: 'Stop and keep the best' }).click();
    await page.locator('[data-end=stopped]').waitFor();
    assert.is(await page.locator('.studio-problem').innerText(), '', 'the first tab is not disturbed');
    assert.is((await second.evaluate<string[]>(stored('images'))).length, 2);
    await remove.click();
    await second.locator('.studio-sets').waitFor({ state: 'detached' });
    assert.equal(await second.evaluate(stored('images')), []);
    assert.equal(await second.evaluate(stored('data')), []);
    await context.close();
  });
}

test.run();
