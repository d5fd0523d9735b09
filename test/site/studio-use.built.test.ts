// What the studio does with a trained detector in Chromium: a GeoTIFF in tiles whose detections lie where the command finds them,
// cancelling, by another detector and by a training too, maps and gradients of layers, and a camera.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeArrayBuffer } from 'geotiff';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyStretch } from '../../src/imagery/stretch.ts';
import { generateChip } from '../../src/synthetic/chip.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { axeFindings, openSite, until } from './site.ts';
import { hashAtEnd, LIMIT, openStudio, TINY } from './studio.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const weights = join(root, 'site/pages/models/buildings.safetensors');
const { stretch } = JSON.parse(readFileSync(join(root, 'site/data/model.json'), 'utf8')) as {
  readonly stretch: Parameters<typeof applyStretch>[1];
};

/** Writes a synthetic image as a GeoTIFF of a UTM zone. */
function writeGeotiff(path: string, size: number): void {
  const bytes = applyStretch(generateChip(77, 3, { size }).levels, stretch);
  const file = writeArrayBuffer(bytes as never, {
    width: size,
    height: size,
    SamplesPerPixel: 3,
    BitsPerSample: [8, 8, 8],
    PhotometricInterpretation: 2,
    ModelPixelScale: [0.5, 0.5, 0],
    ModelTiepoint: [0, 0, 0, 733_000, 3_725_000, 0],
    GTModelTypeGeoKey: 1,
    GTRasterTypeGeoKey: 1,
    ProjectedCSTypeGeoKey: 32616,
  });
  writeFileSync(path, new Uint8Array(file as ArrayBuffer));
}

interface Layer {
  readonly features: readonly {
    readonly properties: { readonly score: number; readonly x1: number };
    readonly geometry: { readonly coordinates: readonly (readonly (readonly [number, number])[])[] };
  }[];
}
const readLayer = (path: string): Layer => JSON.parse(readFileSync(path, 'utf8')) as Layer;

/** In the page: presses Cancel as soon as it is there, and says so at the root. */
const CANCEL_AT_ONCE = `
  delete document.documentElement.dataset.cancelled;
  new MutationObserver((_, observer) => {
    const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Cancel');
    if (button === undefined) return;
    observer.disconnect();
    button.click();
    document.documentElement.dataset.cancelled = '';
  }).observe(document.body, { childList: true, subtree: true });`;

/** In the page: what it sends to cancel does not arrive. */
const KEEP_FROM_WORKER = `
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, transferred) {
    if (message.path?.at(-1) !== 'cancel') postMessage.call(this, message, transferred);
  };`;

async function openDetector(browser: Browser, url: string, width = 1280, link = ''): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, bypassCSP: true });
  const page = await openStudio(context, `${url}studio/${link}`);
  await page.getByLabel('Open a saved detector').setInputFiles(weights);
  await page.getByRole('button', { name: 'Detect in images', exact: true }).waitFor();
  return page;
}

const site = await openSite(test, '--use-fake-device-for-media-stream');
if (site !== null) {
  const { browser } = site;

  test('a detection that is cancelled at any time adds no image', async () => {
    const page = await openDetector(browser, site.url);
    const cancelled = page.locator('html[data-cancelled]');
    const detectAndCancel = async (size: number): Promise<void> => {
      writeGeotiff(at('cancelled.tif'), size);
      await page.evaluate(CANCEL_AT_ONCE);
      await page.getByLabel('Detect in images').setInputFiles(at('cancelled.tif'));
      await cancelled.waitFor();
      await until('at rest', LIMIT, async () => page.getByRole('button', { name: 'Detect in images' }).isEnabled());
      assert.is(await page.locator('.studio-results article').count(), 0);
      assert.is(await page.locator('.studio-problem').innerText(), '');
    };
    // While the worker opens the file; it ends before the many tiles of the image.
    await detectAndCancel(2000);
    // Too late: the worker does not hear of it, and sends what it has found.
    await page.evaluate(KEEP_FROM_WORKER);
    await detectAndCancel(230);
    await page.context().close();
  });

  test('another detector, and a training, end the detection that runs', async () => {
    const page = await openDetector(browser, site.url, 1280, TINY);
    const articles = page.locator('.studio-results article');
    const detect = page.getByLabel('Detect in images');
    writeGeotiff(at('many.tif'), 2000);
    writeGeotiff(at('few.tif'), 130);
    const detectInMany = async (): Promise<void> => {
      await detect.setInputFiles([at('many.tif'), at('few.tif')]);
      await page.getByText(/^Detecting in many\.tif \(1 of 2\): tile [1-9]/).waitFor();
    };
    await detectInMany();
    copyFileSync(weights, at('other.safetensors'));
    await page.getByLabel('Open a saved detector').setInputFiles(at('other.safetensors'));
    await page.locator('strong', { hasText: 'other.safetensors' }).waitFor();
    await until('at rest', LIMIT, () => detect.isEnabled());
    assert.is(await articles.count(), 0);
    await detect.setInputFiles(at('few.tif'));
    await articles.waitFor();

    await detectInMany();
    await page.getByRole('button', { name: 'Train on the sample', exact: true }).click();
    await page.getByText('The detector can be used when the training pauses.').waitFor();
    assert.is(await articles.count(), 0);
    await hashAtEnd(page);
    await page.getByRole('button', { name: 'Use the detector of Run 1', exact: true }).click();
    await until('at rest', LIMIT, () => detect.isEnabled());
    assert.is(await articles.count(), 0);
    assert.is(await page.locator('.studio-problem').innerText(), '');
    await page.context().close();
  });

  test('a GeoTIFF is detected on in tiles, and its GeoJSON is that of the command', async () => {
    const page = await openDetector(browser, site.url);
    writeGeotiff(at('place.tif'), 230);
    await page.getByLabel('Detect in images').setInputFiles(at('place.tif'));
    const article = page.locator('.studio-results article');
    await article.waitFor();
    assert.match(await article.innerText(), /230 × 230 pixels, .*on the map in EPSG:32616/);
    await page.locator('#threshold').fill('0.3');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'GeoJSON (WGS84)', exact: true }).click(),
    ]);
    await download.saveAs(at('page.geojson'));
    await page.context().close();

    const command = ['predict', at('place.tif'), '--weights', weights, '--threshold', '0.3', '--format', 'geojson'];
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, 'dist/cli/main.js'), ...command, '--no-pictures', '--out', at('out')],
      { encoding: 'utf8' },
    );
    assert.is(status, 0, stderr);
    const [actual, expected] = [readLayer(at('page.geojson')), readLayer(at('out/predictions.geojson'))];
    assert.ok(expected.features.length > 5, `${expected.features.length} features`);
    assert.is(actual.features.length, expected.features.length);
    for (const [i, { properties, geometry }] of expected.features.entries()) {
      const other = actual.features[i]!;
      assert.ok(Math.abs(other.properties.score - properties.score) < 1e-3);
      // In degrees: about ten centimetres, the fifth of a pixel.
      for (const [k, corner] of geometry.coordinates[0]!.entries())
        for (const axis of [0, 1] as const)
          assert.ok(Math.abs(corner[axis] - other.geometry.coordinates[0]![k]![axis]) < 1e-6, `feature ${i}`);
    }
  });

  test('a large image is zoomed by keys, and maps and gradients of layers are drawn', async () => {
    writeGeotiff(at('large.tif'), 660);
    const page = await openDetector(browser, site.url, 390);
    await page.getByLabel('Detect in images').setInputFiles(at('large.tif'));
    const view = page.locator('.studio-raster');
    await view.waitFor();
    const scale = async (): Promise<number> => Number(await view.getAttribute('data-scale'));
    const before = await scale();
    await view.locator('canvas').focus();
    await page.keyboard.press('+');
    await until('zoomed', LIMIT, async () => (await scale()) > before);

    await page.locator('summary', { hasText: 'Look inside' }).click();
    await page.getByRole('button', { name: 'Run the network', exact: true }).click();
    const status = page.locator('.studio-look [role=status]');
    const says = (pattern: RegExp) => async () =>
      (await status.count()) === 1 && pattern.test(await status.innerText());
    await until('a map', LIMIT, says(/root mean square/));
    const map = page.locator('.studio-maps canvas').nth(1);
    const first = await map.screenshot();
    await page.getByRole('combobox', { name: /^Layer/ }).selectOption('head.classificationHead.clsLogits');
    await page.getByRole('combobox', { name: /^Channel/ }).selectOption('each');
    await until('channels', LIMIT, says(/Blue is positive/));
    const second = await map.screenshot();
    await page.getByRole('combobox', { name: /^Layer/ }).selectOption('image');
    await page.getByLabel("Gradient of the detection's score").check();
    await until('a gradient', LIMIT, says(/summed score of the [1-9]\d* anchors/));
    const third = await map.screenshot();
    assert.not.ok(first.equals(second) || second.equals(third), 'the maps differ');
    assert.is(await page.locator('.studio-problem').innerText(), '');
    assert.equal(await axeFindings(page), []);
    assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'));
    await page.context().close();
  });

  test('a camera is detected on until it is stopped; one that is refused says what to do', async () => {
    const page = await openDetector(browser, site.url);
    const use = page.getByRole('button', { name: 'Use the camera', exact: true });
    await use.click();
    await until('refused', LIMIT, async () =>
      /camera was refused/.test(await page.locator('.studio-problem').innerText()),
    );
    await page.context().grantPermissions(['camera']);
    await use.click();
    await page.locator('.studio-camera [data-frame]').waitFor({ timeout: LIMIT });
    assert.match(await page.locator('.studio-camera').innerText(), /\d+ detections, [\d.]+ s a frame/);
    await page.getByRole('button', { name: 'Stop the camera', exact: true }).click();
    await use.waitFor();
    assert.is(await page.locator('.studio-camera').count(), 0);
    assert.is(await page.locator('.studio-problem').innerText(), '');
    await page.context().close();
  });
}

test.run();
