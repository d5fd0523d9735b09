// What the studio saves is opened by others: the script and the report of a short run, from random weights and from the detector
// of the site, and a trained detector by the command and in ONNX Runtime, which find what the page shows.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boxIou } from '../../src/imagery/boxes.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { writePng } from '../../src/imagery/node/png.ts';
import { applyStretch } from '../../src/imagery/stretch.ts';
import { parseLabelCsv } from '../../src/labels/csv.ts';
import type { LabelledObject, LabelTable } from '../../src/labels/types.ts';
import { generateChip } from '../../src/synthetic/chip.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { openPage, openSite } from './site.ts';
import { FROM_SHIPPED, hashAtEnd, LIMIT, openStudio, TINY, trainStudio } from './studio.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder, ...path);

/** Presses a button, and stores what is downloaded. */
async function download(page: Page, button: string | RegExp): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button, exact: true }).click(),
  ]);
  await file.saveAs(at(file.suggestedFilename()));
  return at(file.suggestedFilename());
}

/** Runs a program in Node that must succeed, and returns what it prints. */
function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`node ${args.join(' ')} ended with ${code}:\n${output}`));
    });
  });
}

const SIDE = 128;
const model = JSON.parse(readFileSync(join(root, 'site/data/model.json'), 'utf8')) as {
  readonly stretch: Parameters<typeof applyStretch>[1];
};

/** Synthetic images that the detector of the site has not seen. */
const chips = [0, 1].map((index) => ({
  file: `chip-${index}.png`,
  pixels: applyStretch(generateChip(4242, index, { size: SIDE }).levels, model.stretch),
}));

/** Asserts that each object of one list is in the other, with the same box and score, and the other way round. */
function sameObjects(actual: readonly LabelledObject[], expected: readonly LabelledObject[], what: string): void {
  assert.is(actual.length, expected.length, what);
  for (const { box, score } of expected) {
    const twin = actual.find(
      (other) =>
        boxIou(Float32Array.from(other.box), 0, Float32Array.from(box), 0) > 0.98 &&
        Math.abs(other.score! - score!) < 1e-3,
    );
    assert.ok(twin, `${what}: nothing is like [${box}] with score ${score}`);
  }
}

const objectsIn = ({ images }: LabelTable, file: string): readonly LabelledObject[] =>
  images.find((image) => image.file === file)?.objects ?? [];

const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  /** Runs a script of the studio, and returns the hash of the last weights. */
  const hashOfScript = async (script: string): Promise<string> => {
    // The driver that Chromium computes on: others round in another order.
    await node([script], { RETINAGRAD_ADAPTER: 'swiftshader' });
    return createHash('sha256')
      .update(readFileSync(at('last.safetensors')))
      .digest('hex');
  };

  test('the script of a run gives the same weights in Node, and its report opens without a complaint', async () => {
    writeFileSync(at('package.json'), '{}');
    mkdirSync(at('node_modules'));
    symlinkSync(root, at('node_modules/retinagrad'));
    const context = await browser.newContext();
    const page = await trainStudio(context, `${site.url}studio/${TINY}`);
    const hash = await hashAtEnd(page);
    await page.getByRole('button', { name: 'Use the detector of Run 1', exact: true }).click();
    const weights = readFileSync(await download(page, 'Weights (.safetensors)'));
    const report = await download(page, 'Report (.html)');
    const script = await download(page, 'This run as a script');

    assert.is(await hashOfScript(script), hash);
    assert.ok(readFileSync(at('best.safetensors')).equals(weights), 'the saved weights are those of the script');

    const offline = await browser.newContext({ offline: true });
    const opened = await openPage(offline, pathToFileURL(report).href);
    assert.match(await opened.page.locator('h1').innerText(), /building/);
    assert.equal(opened.complaints, []);
    await offline.close();

    // The same from the detector of the site.
    await page.goto(`${site.url}studio/${TINY}${FROM_SHIPPED}`);
    await page.reload();
    await page.waitForSelector('[data-gpu]');
    await page.click('button.primary');
    const other = await hashAtEnd(page);
    assert.is.not(other, hash);
    assert.is(await page.getByText(/starts from the detector of this site/).count(), 1);
    await page.getByRole('button', { name: 'Use the detector of Run 2', exact: true }).click();
    const started = await download(page, 'This run as a script');
    copyFileSync(join(root, 'site/pages/models/buildings.safetensors'), at('buildings.safetensors'));
    assert.is(await hashOfScript(started), other);
    await context.close();
  });

  test('the command and ONNX Runtime find with the saved files what the page shows', async () => {
    mkdirSync(at('images'));
    for (const { file, pixels } of chips) await writePng(at('images', file), rgbImage(SIDE, SIDE, pixels));
    const context = await browser.newContext();
    const page = await openStudio(context, `${site.url}studio/`);
    await page.getByLabel('Open a saved detector').setInputFiles(join(root, 'site/pages/models/buildings.safetensors'));
    await page.getByLabel('Detect in images').setInputFiles(chips.map(({ file }) => at('images', file)));
    await page.locator('.studio-results article').nth(1).waitFor({ timeout: LIMIT });
    await page.locator('#threshold').fill('0.05');
    const table = parseLabelCsv(readFileSync(await download(page, 'CSV'), 'utf8'), { name: 'detections.csv' });
    const weights = await download(page, 'Weights (.safetensors)');
    const onnx = await download(page, 'ONNX');
    await context.close();

    const command = [join(root, 'dist/cli/main.js'), 'predict', 'images', '--weights', weights, '--threshold', '0.05'];
    await node([...command, '--no-pictures']);
    const predicted = parseLabelCsv(readFileSync(at('predictions/predictions.csv'), 'utf8'), {
      name: 'predictions.csv',
    });
    const session = await ort.InferenceSession.create(readFileSync(onnx), { executionProviders: ['wasm'] });
    for (const { file, pixels } of chips) {
      const shown = objectsIn(table, file);
      assert.ok(shown.length > 3, `${shown.length} objects in ${file}`);
      sameObjects(objectsIn(predicted, file), shown, `the command in ${file}`);
      const found = await onnxObjects(session, pixels);
      // The file leaves suppression to its reader, and has the highest scores of anchors only.
      const likely = shown.filter(({ score }) => score! > 0.3);
      sameObjects(
        likely.map((one) => likest(found, one)),
        likely,
        `ONNX Runtime in ${file}`,
      );
    }
  });
}

/** The boxes of an ONNX file for one tile: columns of cx, cy, w, h and a score. */
async function onnxObjects(session: ort.InferenceSession, pixels: Uint8Array): Promise<readonly LabelledObject[]> {
  const area = SIDE * SIDE;
  const planes = Float32Array.from(
    { length: 3 * area },
    (_, i) => pixels[3 * (i % area) + Math.floor(i / area)]! / 255,
  );
  const { output0 } = await session.run({ images: new ort.Tensor('float32', planes, [1, 3, SIDE, SIDE]) });
  const count = output0!.dims[2]!;
  const values = output0!.data as Float32Array;
  return Array.from({ length: count }, (_, i) => {
    const [x, y, w, h, score] = Array.from({ length: 5 }, (_, row) => values[row * count + i]!);
    return { label: 0, score: score!, box: [x! - w! / 2, y! - h! / 2, x! + w! / 2, y! + h! / 2] };
  });
}

/** The object with the box that overlaps another one most. */
function likest(objects: readonly LabelledObject[], { box, score }: LabelledObject): LabelledObject {
  const target = Float32Array.from(box);
  const likeness = (one: LabelledObject): number =>
    boxIou(Float32Array.from(one.box), 0, target, 0) - Math.abs(one.score! - score!);
  return objects.reduce((best, one) => (likeness(one) > likeness(best) ? one : best));
}

test.run();
