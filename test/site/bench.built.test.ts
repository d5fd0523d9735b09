// The benchmarks and the kernel ladder of the built site, in Chromium with WebGPU.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';
import { openPage, openSite } from './site.ts';

const LIMIT = 240_000;

const test = suite('benchmarks');
const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  test('a benchmark is stopped and saved, and the command reads the file', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page, complaints } = await openPage(context, `${site.url}bench/`);
    await page.getByLabel('Compare with').selectOption('llvmpipe-epyc-kernels.json');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('tbody tr').first().waitFor({ timeout: LIMIT });
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor({ timeout: LIMIT });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as JSON' }).click(),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'retinagrad-bench-page-'));
    try {
      const file = join(folder, 'bench.json');
      await download.saveAs(file);
      const stored = join(root, 'bench/results/llvmpipe-epyc-kernels.json');
      const command = [join(root, 'dist/cli/main.js'), 'bench', 'compare', stored, file];
      const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
      assert.is(status, 0, stderr);
      assert.match(stdout, /^matmul 1024x1024x1024 +[\d.]+x/m);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const row = (await page.locator('tbody tr').first().textContent())!;
    assert.match(row, /^matmul 1024x1024x1024.* GFLOP\/s.*correct[\d.,]+x$/);
    assert.equal(complaints, []);
    await context.close();
  });

  test('an edited kernel that does not compile is marked at its line; one that is wrong is called wrong', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page, complaints } = await openPage(context, `${site.url}book/ladder/`);
    const step = page.locator('[data-step="matmul 1 naive"]');
    await step.getByRole('button', { name: /Edit/ }).click();
    const editor = step.locator('.cm-content');
    await editor.waitFor();
    const change = (text: string) => editor.fill(text);
    const code = readFileSync(join(root, 'bench/ladder/matmul_1_naive.wgsl'), 'utf8');
    await change(code.replace('let j = id.y;', 'let j = id.yes;'));
    await page.keyboard.press('Control+Enter');
    const line = code.split('\n').findIndex((text) => text.includes('let j = id.y;')) + 1;
    await step.getByText(`matmul_1_naive.wgsl:${line}:`).waitFor({ timeout: LIMIT });
    await step.locator('.cm-lint-marker-error').waitFor();
    await change(code.replace('= sum;', '= sum + 1.0;'));
    await page.keyboard.press('Control+Enter');
    await step.getByText(/Yours: .* WRONG: off by .* The step as it was: [\d.]+ GFLOP\/s/).waitFor({ timeout: LIMIT });
    assert.equal(complaints, []);
    await context.close();
  });
}
test.run();
