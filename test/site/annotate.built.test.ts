import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { parseCoco } from 'retinagrad/data';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { axeFindings, openSite } from './site.ts';

// The page /studio/label/ in Chromium: boxes by mouse, keyboard and touch, files, reload, accessibility.

const test = suite('annotate in a page');

const site = await openSite(test);

/** The page with the synthetic tiles. What it prints is a failure. */
async function openTiles(width: number, options: { readonly hasTouch?: boolean } = {}): Promise<Page> {
  const page = await site!.browser.newPage({ viewport: { width, height: 900 }, ...options });
  page.on('console', (message) => assert.unreachable(message.text()));
  page.on('pageerror', (error) => assert.unreachable(error.message));
  await page.goto(`${site!.url}studio/label/`);
  await page.getByRole('button', { name: 'synthetic tiles' }).click();
  await page.locator('.stage').waitFor();
  return page;
}

const status = (page: Page): Promise<string> => page.locator('[aria-current=true] .status').innerText();
const words = async (page: Page): Promise<string> =>
  (await page.locator('.boxes [aria-selected=true]').innerText()).trim();
const count = async (page: Page): Promise<number> => Number.parseInt(await status(page), 10);

/** Compares what a page shows, which it may take a moment to. */
async function shows<T>(read: (page: Page) => Promise<T>, page: Page, expected: T, message = ''): Promise<void> {
  for (let i = 0; i < 100 && JSON.stringify(await read(page)) !== JSON.stringify(expected); i++)
    await page.waitForTimeout(50);
  assert.equal(await read(page), expected, message);
}

/** The place of a pixel of the first tile (192 x 192, fitted) in the page. */
async function placeOf(page: Page, x: number, y: number): Promise<[number, number]> {
  const { x: left, y: top, width, height } = (await page.locator('.stage canvas').boundingBox())!;
  const scale = (Math.min(width, height) - 24) / 192;
  return [left + width / 2 + (x - 96) * scale, top + height / 2 + (y - 96) * scale];
}

async function drag(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(...to, { steps: 3 });
  await page.mouse.up();
}

/** Downloads the labels as COCO and reads them by the library. */
async function exportCoco(page: Page): Promise<ReturnType<typeof parseCoco>> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Export/ }).click(),
  ]);
  assert.is(download.suggestedFilename(), 'instances.json');
  return parseCoco(await readFile(await download.path(), 'utf8'), { name: 'instances.json' });
}

if (site !== null) {
  test('boxes by mouse and keyboard are undone, exported as COCO, and there after a reload', async () => {
    const page = await openTiles(1280);
    const before = await count(page);
    await drag(page, await placeOf(page, 100, 150), await placeOf(page, 140, 180));
    await shows(words, page, 'building, 40 × 30 at 100, 150');
    await drag(page, await placeOf(page, 140, 180), await placeOf(page, 150, 190));
    await shows(words, page, 'building, 50 × 40 at 100, 150', 'its corner is pulled');
    await page.keyboard.press('b');
    await page.keyboard.press('2');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Alt+ArrowDown');
    await shows(words, page, 'car, 48 × 49 at 82, 72');
    await shows(count, page, before + 2);
    for (let i = 0; i < 4; i++) await page.keyboard.press('Control+z');
    await shows(count, page, before + 1);
    for (let i = 0; i < 4; i++) await page.keyboard.press('Control+Shift+z');
    await shows(words, page, 'car, 48 × 49 at 82, 72');
    await page.keyboard.press('PageDown');
    await page.getByText('tile-2.png, 192 × 192').waitFor();
    await page.locator('.images button').last().click();
    await page.getByRole('button', { name: 'No objects here' }).click();
    await shows(status, page, 'no objects');

    const { classes, images } = await exportCoco(page);
    assert.equal(classes, ['building', 'car']);
    assert.is(images.length, 6);
    const boxes = images.find(({ file }) => file === 'tile-1.png')!.objects;
    assert.equal(boxes.length, before + 2);
    assert.equal(boxes.at(-1)!.label, 1);
    assert.equal(
      boxes.at(-2)!.box.map((x) => Math.round(x)),
      [100, 150, 150, 190],
    );
    assert.equal(images.at(-1)!.objects, []);

    await page.reload();
    await page.locator('.stage').waitFor();
    await shows(count, page, before + 2);
    assert.equal((await exportCoco(page)).images, images);
    await page.close();
  });

  test('the keyboard alone walks through boxes, accepts suggestions, and leaves the image', async () => {
    const page = await openTiles(1280);
    await page.locator('.stage').focus();
    const boxes = await count(page);
    await page.keyboard.press('s');
    const suggestions = page.locator('.boxes .tag');
    await suggestions.first().waitFor();
    const waiting = await suggestions.count();
    for (let i = 0; i <= boxes; i++) await page.keyboard.press('Tab');
    const selected = page.locator('.boxes [aria-selected=true]');
    await selected.getByText('suggested').waitFor();
    const counts = async (): Promise<number[]> => [await count(page), await suggestions.count()];
    await page.keyboard.press('Enter');
    await shows(counts, page, [boxes + 1, waiting - 1]);
    await page.keyboard.press('a');
    await shows(counts, page, [boxes + waiting, 0]);
    await page.keyboard.press('Delete');
    await page.locator('.annotator > [role=status]').getByText('Deleted.').waitFor();
    await page.keyboard.press('Tab');
    assert.is(await page.evaluate('document.activeElement.closest(".stage") === null'), true, 'no trap');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.close();
  });

  test('classes are added in the page, and a label file is read', async () => {
    const page = await openTiles(1280);
    await page.getByRole('button', { name: 'Add a class' }).click();
    await page.getByLabel('Name of the new class').fill('tree');
    await page.keyboard.press('Enter');
    const text = 'image,x1,y1,x2,y2,label\ntile-1.png,10,20,30,50,tree\nother.png,1,2,3,4,tree\n';
    const input = page.locator('.files input[type=file]');
    await input.setInputFiles({ name: 'boxes.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    await page.getByText('There is no image other.png here').waitFor();
    assert.equal(
      (await page.locator('.boxes li').allInnerTexts()).map((line) => line.trim()),
      ['tree, 20 × 30 at 10, 20'],
    );
    await page.close();
  });

  test('fingers draw and zoom', async () => {
    const page = await openTiles(390, { hasTouch: true });
    const before = await count(page);
    await page.locator('.stage').scrollIntoViewIfNeeded();
    const touch = await page.context().newCDPSession(page);
    const send = (type: string, ...points: (readonly [number, number])[]): Promise<unknown> =>
      touch.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    const [start, end] = [await placeOf(page, 100, 130), await placeOf(page, 150, 180)];
    await send('touchStart', start);
    await send('touchMove', end);
    await send('touchEnd');
    await shows(count, page, before + 1);
    const zoom = page.getByRole('button', { name: 'show the whole image' });
    const scale = Number.parseInt(await zoom.innerText(), 10);
    await send('touchStart', start, end);
    await send('touchMove', [start[0] - 30, start[1] - 30], [end[0] + 30, end[1] + 30]);
    await send('touchEnd');
    const isZoomed = async (): Promise<boolean> => Number.parseInt(await zoom.innerText(), 10) > scale * 1.3;
    await shows(isZoomed, page, true);
    await shows(count, page, before + 1, 'two fingers draw nothing');
    await page.close();
  });

  for (const width of [1280, 390]) {
    test(`axe finds nothing at ${width} pixels`, async () => {
      const page = await openTiles(width);
      await page.locator('.stage').focus();
      await page.keyboard.press('s');
      await page.keyboard.press('Tab');
      assert.equal(await axeFindings(page), []);
      await page.emulateMedia({ colorScheme: 'dark' });
      assert.equal(await axeFindings(page), []);
      await page.keyboard.press('?');
      assert.equal(await axeFindings(page), []);
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      assert.is(wide, width, 'nothing is cut off');
      await page.close();
    });
  }
}

test.run();
