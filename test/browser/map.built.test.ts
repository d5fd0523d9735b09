// Maps that the built package writes, opened from the disk in Chromium, with the network off.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import type { MapImage, MapObject } from '../../src/report/map/contents.ts';
import type * as reportNode from '../../src/report-node.ts';
import { memoryRaster } from '../report/support.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { hasChromium, launchChromium } from './chromium.ts';

const { writeMap } = (await import(pathToFileURL(join(root, 'dist/report-node.js')).href)) as typeof reportNode;

const evil = `</script><img src=x onerror="globalThis.harmed = true"> & 'ship'`;
const folder = temporaryFolder();
const [width, height] = [300, 260];

/** Red on the left, blue on the right, without data in the lower right corner. */
const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const isLeft = Math.floor(i / 3) % width < 150;
  return i % 3 === (isLeft ? 0 : 2) ? 200 : 30;
});
const valid = Uint8Array.from({ length: width * height }, (_, i) =>
  Number(i % width < 250 || Math.floor(i / width) < 200),
);
const place = { affine: [0.5, 0, 440_720, 0, -0.5, 3_751_320], epsg: 32611, geographic: false } as const;
const raster = memoryRaster(rgbImage(height, width, bytes), { ...place, valid });

/** Opens a map and runs `use`. Fails if the page asks for anything but files beside it, or reports any problem. */
async function withMap(
  browser: Browser,
  map: string,
  use: (page: Page) => Promise<void>,
  { width = 1280, colorScheme = 'light' }: { width?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, offline: true });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    page.on('request', (request) => {
      if (!/^(?:file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(join(map, 'index.html')).href);
    await use(page);
    assert.equal(complaints, []);
    assert.is(await page.evaluate('globalThis.harmed'), undefined);
    assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= width, 'nothing is cut off');
  } finally {
    await context.close();
  }
}

const text = (page: Page, selector: string): Promise<string | null> => page.textContent(selector);
const texts = (page: Page, selector: string): Promise<string[]> => page.locator(selector).allTextContents();

/** Waits until an element has a text. */
async function becomes(page: Page, selector: string, expected: string): Promise<void> {
  let found = await text(page, selector);
  for (let i = 0; i < 100 && found !== expected; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = await text(page, selector);
  }
  assert.is(found, expected);
}

/** The rows of the newest popup: Leaflet fades out the one before. */
async function detailsOf(page: Page): Promise<Record<string, string>> {
  const cells = await page.locator('.popup').last().locator('dt, dd').allTextContents();
  return Object.fromEntries(cells.flatMap((name, i) => (i % 2 === 0 ? [[name, cells[i + 1]!] as const] : [])));
}

/** Colour of the page at a point, as soon as `isExpected` holds for it. */
async function colourAt(page: Page, x: number, y: number, isExpected: (rgb: number[]) => boolean): Promise<void> {
  let rgb: number[] = [];
  for (let i = 0; i < 100; i++) {
    const shot = PNG.sync.read(await page.screenshot({ clip: { x, y, width: 1, height: 1 } }));
    rgb = [...shot.data.subarray(0, 3)];
    if (isExpected(rgb)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.unreachable(`the colour at ${x}, ${y} is ${rgb.join(', ')}`);
}
const isNear =
  (...expected: readonly number[]) =>
  (rgb: readonly number[]): boolean =>
    rgb.every((value, c) => Math.abs(value - expected[c]!) < 30);

/**
 * A point of the image on a screen of 1280 x 800: beside the panel of 21 rem are 944 pixels, so that an image of 300 x 260
 * is in the middle at zoom 1, 600 x 520 pixels large.
 */
const onScreen = (x: number, y: number): [number, number] => [(944 - 600) / 2 + 2 * x, (800 - 520) / 2 + 2 * y];

const tests: readonly [name: string, run: (browser: Browser) => Promise<void>][] = [
  [
    'detections: imagery, threshold, classes, details',
    async (browser) => {
      const objects: MapObject[] = [
        { label: 0, box: [20, 30, 60, 50], score: 0.9 },
        { label: 1, box: [100, 100, 180.25, 160], score: Math.fround(0.6) },
        { label: 1, box: [110, 110, 130, 130], score: Math.fround(0.7) },
        { label: 0, box: [200, 20, 240, 60], score: 0.3 },
      ];
      const images = [{ name: evil, raster, objects }];
      const map = join(folder, 'detections');
      await writeMap(map, { title: evil, classes: ['car', evil], threshold: 0.6, images });
      await withMap(browser, map, async (page) => {
        assert.is(await page.title(), evil);
        assert.is(await text(page, 'h1'), evil);
        assert.is(await text(page, '#count'), '3 of 4 detections');
        assert.equal(await texts(page, '#classes .row'), ['car1', `${evil}2`]);
        await colourAt(page, ...onScreen(75, 200), isNear(200, 30, 30));
        await colourAt(page, ...onScreen(225, 200), isNear(30, 30, 200));
        await colourAt(page, ...onScreen(290, 250), isNear(244, 245, 247));
        // The outline of the first box.
        await colourAt(page, ...onScreen(40, 30), isNear(240, 228, 66));

        // With the keyboard, as a label for the slider.
        const slider = page.getByLabel('Minimum score');
        await slider.press('ArrowRight');
        assert.is(await text(page, '#threshold-value'), '0.61');
        await becomes(page, '#count', '2 of 4 detections');
        await slider.press('Home');
        await becomes(page, '#count', '4 of 4 detections');
        assert.is(await text(page, '#threshold-value'), '0.30');

        // Two boxes lie here: the smaller one, which is inside of the other.
        await page.mouse.click(...onScreen(120, 120));
        assert.is(await text(page, '.popup h2'), evil);
        assert.equal(await detailsOf(page), {
          Score: '0.700',
          Size: '10.0 × 10.0 m',
          Pixels: '20 × 20',
          Box: '110, 110, 130, 130',
          Centre: '440780.00, 3751260.00 (EPSG:32611)',
          '': '33.90006° N, 117.64052° W',
          Image: evil,
        });
        await page.keyboard.press('Escape');
        await page.waitForSelector('.popup', { state: 'detached' });
        await page.mouse.click(3, 400);
        assert.equal(await texts(page, '.popup'), [], 'nothing is there');
        const next = page.getByRole('button', { name: 'Next' });
        await next.click();
        await next.click();
        assert.is((await detailsOf(page))['Score'], '0.700');

        // Switching its class off closes the popup.
        await page.locator('#classes').getByLabel(evil).uncheck();
        await page.waitForSelector('.popup', { state: 'detached' });
        assert.is(await text(page, '#count'), '2 of 4 detections');
        await next.click();
        assert.is((await detailsOf(page))['Score'], '0.900');
        await next.click();
        assert.is((await detailsOf(page))['Score'], '0.300');
        await next.click();
        assert.is((await detailsOf(page))['Score'], '0.300', 'the last stays');
        await page.getByRole('button', { name: 'Previous' }).click();
        assert.is((await detailsOf(page))['Score'], '0.900');
      });
      await withMap(browser, map, async (page) => {
        await page.mouse.move(...onScreen(100.5, 50.5));
        await becomes(
          page,
          '.readout',
          'x 100, y 50  |  440770.25, 3751294.75 (EPSG:32611)  |  33.90038° N, 117.64062° W',
        );
        await page.mouse.click(...onScreen(160, 150));
        assert.is((await detailsOf(page))['Box'], '100, 100, 180.25, 160');
      });
    },
  ],
  [
    'an evaluation: outcomes follow the threshold',
    async (browser) => {
      // Three objects: found with 0.8, found with 0.4, never found. One false alarm with 0.6.
      const objects: MapObject[] = [
        { kind: 'hit', label: 0, box: [22, 32, 60, 50], score: 0.8 },
        { kind: 'miss', label: 0, box: [20, 30, 60, 50], score: 0.8 },
        { kind: 'hit', label: 0, box: [100, 30, 140, 50], score: 0.4 },
        { kind: 'miss', label: 0, box: [100, 30, 140, 50], score: 0.4 },
        { kind: 'miss', label: 0, box: [20, 130, 60, 150] },
        { kind: 'false alarm', label: 1, box: [100, 130, 140, 150], score: 0.6 },
      ];
      const map = join(folder, 'evaluation');
      await writeMap(map, {
        title: 'Evaluation',
        classes: ['car', 'ship'],
        threshold: 0.5,
        images: [{ name: 'a.tif', raster, objects }],
      });
      const figures = (page: Page): Promise<string[]> => texts(page, '#figures td');
      await withMap(browser, map, async (page) => {
        assert.equal(await texts(page, '#kinds .row'), ['hit1', 'miss2', 'false alarm1']);
        assert.equal(await figures(page), ['0.500', '0.333', '0.400']);
        await page.mouse.click(...onScreen(120, 40));
        const { Outcome, 'Found with score': found } = await detailsOf(page);
        assert.equal([Outcome, found], ['miss', '0.400']);
        await page.getByLabel('Minimum score').press('Home');
        await page.waitForSelector('.popup', { state: 'detached' });
        assert.equal(await texts(page, '#kinds .row'), ['hit2', 'miss1', 'false alarm1']);
        assert.equal(await figures(page), ['0.667', '0.667', '0.667']);
        await page.locator('#classes').getByLabel('ship').uncheck();
        await becomes(page, '#figures', 'Precision1.000Recall0.667F10.800');
      });
    },
  ],
  [
    'a list of images, and a narrow screen in dark mode',
    async (browser) => {
      const images: MapImage[] = ['a', 'b', 'c'].map((name, i) => ({
        name: `${name}/${'long'.repeat(20)}.png`,
        raster: memoryRaster(rgbImage(height, width, new Uint8Array(bytes.length).fill(60 * (i + 1)))),
        objects: Array.from(
          { length: i + 1 },
          () => ({ label: 0, box: [20, 30, 60, 50], score: 0.5 + 0.1 * i }) as const,
        ),
      }));
      const map = join(folder, 'images');
      await writeMap(map, { title: 'Images', classes: ['car'], threshold: 0.5, images });
      await withMap(
        browser,
        map,
        async (page) => {
          assert.equal(await texts(page, '#list .amount'), ['1', '2', '3']);
          const current = page.locator('#list button[aria-current="true"]');
          await colourAt(page, 195, 250, isNear(60, 60, 60));
          await page.getByLabel('Name contains').fill('B/');
          assert.equal(await page.locator('#list li:visible').count(), 1);
          await page.locator('#list li:visible button').click();
          assert.match((await current.textContent())!, /^b\//);
          await page.evaluate('scrollTo(0, 0)');
          await colourAt(page, 195, 250, isNear(120, 120, 120));
          // The highest score is in another image.
          await page.getByRole('button', { name: 'Next' }).click();
          assert.match((await current.textContent())!, /^c\//);
          assert.is((await detailsOf(page))['Score'], '0.700');
        },
        { width: 390, colorScheme: 'dark' },
      );
    },
  ],
];

for (const [name, run] of tests) {
  if (!hasChromium()) {
    test.skip(name);
    continue;
  }
  test(name, async () => {
    const browser = await launchChromium();
    try {
      await run(browser);
    } finally {
      await browser.close();
    }
  });
}

test.run();
