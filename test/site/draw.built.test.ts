// The way of a new user in Chromium: from the first page to a detector trained on ten own images, whose boxes are drawn by the
// keyboard in the studio, and corrected with its suggestions. Prints how long each stage takes; waits for the software GPU.
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axeFindings, openSite, until } from './site.ts';

const LIMIT = 300_000;
const SIDE = 64;

/** Ten photographs of one bright square each, painted in the page, as PNG. */
async function photographs(page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }[]> {
  const urls = await page.evaluate<string[]>(`Promise.all(Array.from({ length: 10 }, async (_, i) => {
    const canvas = new OffscreenCanvas(${SIDE}, ${SIDE}).getContext('2d');
    canvas.fillStyle = 'rgb(60 ' + (70 + i) + ' 50)';
    canvas.fillRect(0, 0, ${SIDE}, ${SIDE});
    canvas.fillStyle = '#d8d0c8';
    canvas.fillRect(${SIDE / 2 - 8}, ${SIDE / 2 - 8}, 16, 16);
    const bytes = new Uint8Array(await (await canvas.canvas.convertToBlob()).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  }))`);
  return urls.map((text, i) => ({ name: `roof-${i}.png`, mimeType: 'image/png', buffer: Buffer.from(text, 'base64') }));
}

let start = 0;
function stage(name: string): void {
  console.log(`# ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  start = Date.now();
}

/** Adds a box of 16 pixels in the middle of the shown image, by keys alone, and goes on to the next one. */
async function drawBox(page: Page): Promise<void> {
  await page.keyboard.press('b');
  // It is a quarter of the image wide already: 16 pixels of 64.
  await page.keyboard.press('n');
}

async function trained(page: Page): Promise<void> {
  await page.locator('button.primary', { hasText: 'Train on your images' }).click();
  await page.locator('[data-end=finished]').waitFor();
  assert.is(await page.locator('.studio-problem').innerText(), '');
}

const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('from the first page to a detector on ten own images, corrected with its suggestions', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: true });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    start = Date.now();
    await page.goto(site.url);
    await page.getByRole('link', { name: 'Studio', exact: true }).first().click();
    await page.goto(
      `${page.url()}#data=synthetic&model.network=tiny&model.imageSize=64&train.epochs=2&train.batchSize=2`,
    );
    await page.reload();
    await page.waitForSelector('[data-gpu]');
    stage('from the first page to the studio');

    await page
      .locator('input[type=file][multiple]')
      .first()
      .setInputFiles(await photographs(page));
    const draw = page.getByRole('button', { name: 'Draw or correct boxes' });
    await draw.waitFor();
    assert.match(await page.locator('#studio').innerText(), /10 own files: 10 images, 0 annotated, 0 boxes/);
    assert.ok(await page.locator('button.primary', { hasText: 'Train on your images' }).isDisabled());
    stage('ten images read');

    await draw.click();
    await page.locator('.studio-workspace .stage:focus').waitFor();
    assert.equal(await axeFindings(page), []);
    for (let i = 0; i < 10; i++) await drawBox(page);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('10 images, all annotated, 10 boxes').first().waitFor();
    stage('ten boxes drawn');

    // The link has the settings of the sample no more: own data begins with the defaults.
    const [data] = /data=\w+/.exec(page.url())!;
    const settings = 'model.network=tiny&model.imageSize=64&train.epochs=2&train.batchSize=2&augment.on=false';
    await page.goto(`${site.url}studio/#${data}&${settings}`);
    await page.reload();
    await page.waitForSelector('[data-gpu]');
    await trained(page);
    stage('trained');

    await page
      .getByRole('button', { name: /^Correct the boxes of roof-/ })
      .first()
      .click();
    await page.locator('.studio-workspace .stage:focus').waitFor();
    await page.keyboard.press('s');
    const note = page.locator('.file-note');
    await until('suggestions', LIMIT, async () => /suggestions? by Run 1\.$/.test(await note.innerText()));
    await page.keyboard.press('Delete');
    await page.keyboard.press('b');
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('button', { name: 'Done' }).click();
    await until('another data set', LIMIT, async () => !page.url().includes(data!));
    stage('a box corrected');

    await page.locator('button.primary', { hasText: 'Train on your images' }).click();
    await until(
      'a step',
      LIMIT,
      async () => Number(await page.locator('.studio-status').getAttribute('data-step')) > 0,
    );
    await page.getByRole('button', { name: 'Draw or correct boxes' }).click();
    await page.locator('.studio-workspace .stage:focus').waitFor();
    await page.keyboard.press('s');
    await until('suggestions', LIMIT, async () => /suggestions? by /.test(await note.innerText()));
    console.log(`  ${await note.innerText()}`);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('[data-end=finished]').waitFor();
    stage('trained again');
    await context.close();
  });
}

test.run();
