// A GeoTIFF with 16-bit levels and its labels in GeoJSON as data of the studio in Chromium: cut into tiles, and trained on to the
// weights that the command has; labels of another place are refused with the bounds of both.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { generateChip } from '../../src/synthetic/chip.ts';
import { geoTiff } from '../data/support.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { axeFindings, openSite } from './site.ts';
import { FROM_SHIPPED, hashAtEnd, LIMIT, openStudio } from './studio.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder, ...path);

const SIDE = 256;
const [EAST, NORTH, METRES] = [733_000, 3_725_000, 0.5];
const { levels, footprints } = generateChip(77, 3, { size: SIDE });

/** Buildings on the map, moved by some metres. */
const layer = (offset = 0): string =>
  JSON.stringify({
    type: 'FeatureCollection',
    crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32616' } },
    features: footprints.map((outline) => {
      const ring = [...outline, outline[0]!].map(([x, y]) => [EAST + offset + METRES * x, NORTH - METRES * y]);
      return { type: 'Feature', properties: { class: 'roof' }, geometry: { type: 'Polygon', coordinates: [ring] } };
    }),
  });

/** Four steps on tiles. */
const SETTINGS =
  'model.network=tiny&model.imageSize=64&data.tile=64&data.overlap=0&train.epochs=1&train.batchSize=4&train.warmup=0';

const site = await openSite(test);
if (site !== null) {
  const { browser } = site;
  test.before(() => {
    mkdirSync(at('my-data'));
    const pixels = { width: SIDE, height: SIDE, bands: 3, levels };
    writeFileSync(at('my-data/scene.tif'), geoTiff(pixels, { epsg: 32616, x: EAST, y: NORTH, pixel: METRES }));
    writeFileSync(at('my-data/roofs.geojson'), layer());
    writeFileSync(at('elsewhere.geojson'), layer(10_000));
  });

  test('a GeoTIFF with GeoJSON trains to the weights that its script gives in Node', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: true });
    const page = await openStudio(context, `${site.url}studio/`);
    const files = page.locator('input[type=file][multiple]').first();
    await files.setInputFiles([at('my-data/scene.tif'), at('elsewhere.geojson')]);
    await page.locator('.studio-problem p').waitFor();
    assert.match(
      await page.locator('.studio-problem').innerText(),
      /no feature of elsewhere\.geojson lies on an image: its bounds are .* in EPSG:32616, those of scene\.tif are .* in EPSG:32616/,
    );
    await files.setInputFiles([at('my-data/scene.tif'), at('my-data/roofs.geojson')]);
    const summary = page.getByText(/1 images, all annotated, [1-9]\d* boxes; roof/);
    await summary.first().waitFor();
    assert.equal(await axeFindings(page), []);
    assert.is(await page.getByLabel('Start from').inputValue(), 'buildings.safetensors');
    const why = page.getByText(/^The smallest network starts from the detector of this site: .*\(here 1\)\.$/);
    await why.waitFor();
    await page.getByLabel('Epochs', { exact: true }).fill('7');
    await page.getByLabel('Epochs', { exact: true }).blur();
    await why.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Draw or correct boxes' }).click();
    await page.locator('.studio-workspace .stage:focus').waitFor();
    await page.getByRole('combobox', { name: 'Format' }).selectOption('geojson');
    await page.getByRole('button', { name: 'Done' }).click();

    const [data] = /data=\w+/.exec(page.url())!;
    await page.goto(`${site.url}studio/#${data}&${SETTINGS}${FROM_SHIPPED}`);
    await page.reload();
    await page.waitForSelector('[data-gpu]');
    await page.locator('button.primary', { hasText: 'Train on your images' }).click();
    const hash = await hashAtEnd(page);
    assert.match(await page.locator('.studio-facts').innerText(), /1\d images to train on/);
    assert.is(await page.getByText(/starts from the detector of this site.* does not know roof yet/).count(), 1);
    await page.getByRole('button', { name: 'Correct the boxes of scene.tif', exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Use the detector of Run 1', exact: true }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'This run as a script', exact: true }).click({ timeout: LIMIT }),
    ]);
    await download.saveAs(at('run.mjs'));
    await context.close();

    writeFileSync(at('package.json'), '{}');
    mkdirSync(at('node_modules'));
    symlinkSync(root, at('node_modules/retinagrad'));
    copyFileSync(join(root, 'site/pages/models/buildings.safetensors'), at('buildings.safetensors'));
    // The driver that Chromium computes on: others round in another order.
    const env = { ...process.env, RETINAGRAD_ADAPTER: 'swiftshader' };
    const { status, stderr } = spawnSync(process.execPath, ['run.mjs'], { cwd: folder, env, encoding: 'utf8' });
    assert.is(status, 0, stderr);
    const last = readFileSync(at('runs/studio/last.safetensors'));
    assert.is(createHash('sha256').update(last).digest('hex'), hash);
  });
}

test.run();
