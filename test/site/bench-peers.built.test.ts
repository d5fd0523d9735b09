// The page of the benchmarks in Chromium: kernels are drawn below the roofs, and other libraries are run beside ours with their results
// checked. (The whole network takes minutes on the processor; test/measure/bench checks its results.)
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { axeFindings, openPage, openSite } from './site.ts';

const LIMIT = 280_000;

const test = suite('roofline and peers');
const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('a kernel is drawn below its roof, and other libraries are measured and checked beside it', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block', bypassCSP: true });
    const { page, complaints } = await openPage(context, `${site.url}bench/`);
    await page.getByRole('button', { name: 'Start' }).click();
    const points = page.locator('.roofline circle:not(.other):not(.chosen)');
    await points.first().waitFor({ timeout: LIMIT });
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor({ timeout: LIMIT });
    const names = await page.locator('.roofline select option').allTextContents();
    assert.is(names.length, await points.count());
    assert.match(names[0]!, /^conv 3x3 64->64 @64x64 forward/);
    assert.is(await page.locator('.roofline circle.wrong').count(), 0);

    const choose = page.getByRole('button', { name: 'Choose the kernels' });
    await choose.click();
    await page.getByRole('button', { name: 'Stop measuring' }).click();
    await choose.waitFor({ timeout: LIMIT });
    assert.is(await page.locator('#tune .note').count(), 0);
    await page.getByLabel('Measure for').selectOption('10');
    await choose.click();
    const found = page.locator('#tune .note');
    await found.waitFor({ timeout: LIMIT });
    assert.match(await found.innerText(), /^No other table is faster|times as fast/);

    const cases = page.getByRole('combobox', { name: /^Case/ });
    await cases.selectOption((await cases.locator('option').allTextContents()).at(-1)!);
    await page.getByRole('button', { name: 'Load them and measure' }).click();
    const row = page.locator('#beside tbody tr');
    await row.waitFor({ timeout: LIMIT });
    const cells = await row.locator('td').allTextContents();
    assert.is(cells.length, 4);
    for (const cell of cells.slice(1)) assert.match(cell, /^[\d.,]+ (GFLOP|GB)\/s$/, cells.join(' | '));
    assert.equal(await axeFindings(page), []);
    assert.equal(complaints, []);
    await context.close();
  });
}
test.run();
