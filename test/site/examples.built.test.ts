// Examples of the reference in Chromium with WebGPU: they print what the tests of Node see, can be edited, and end when they do not.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printsAsPromised, promisedBy } from '../support/examples.ts';
import { axeFindings, openPage, openSite } from './site.ts';

const LIMIT = 240_000;

const test = suite('examples');
const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  for (const path of ['functions/conv2d', 'functions/nonMaxSuppression', 'classes/SGD', 'classes/RetinaNet']) {
    test(`${path} prints in the page what its comments say`, async () => {
      const context = await browser.newContext({ serviceWorkers: 'block' });
      const { page, complaints } = await openPage(context, `${site.url}reference/retinagrad/${path}/`);
      const code = (await page.locator('.example pre').first().textContent())!;
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByRole('button', { name: 'Run', exact: true }).waitFor({ timeout: LIMIT });
      const printed = (await page.locator('.printed').textContent())!;
      assert.ok(printsAsPromised(printed, promisedBy(code)), `printed:\n${printed}`);
      assert.equal(complaints, []);
      await context.close();
    });
  }

  test('an example is edited; mistakes are shown with their line, and the editor has no finding of axe', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page } = await openPage(context, `${site.url}reference/retinagrad/functions/add/`);
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.locator('.cm-content');
    await editor.waitFor();
    const run = async (program: string): Promise<string> => {
      await editor.fill(program);
      await page.keyboard.press('Control+Enter');
      await page.getByRole('button', { name: 'Run', exact: true }).waitFor({ timeout: LIMIT });
      return (await page.locator('.printed').textContent())!.trim();
    };
    const start = "import { add, init, tensor } from 'retinagrad';\nawait init();\n";
    assert.is(await run(`${start}await add(tensor([1]), 2).print();`), 'Tensor(float32 [1]) [3.]');
    assert.match(
      await run(`${start}console.log({ a: [1] }, new Set('x'));\nad(1);`),
      /^\{ a: \[ 1 \] \} Set\(1\) .*\nline 4: .*ad/,
    );
    assert.match(await run(`${start}add(tensor([1, 2]), tensor([1, 2, 3]));`), /add: .*2.*3/);
    assert.equal(await axeFindings(page), []);
    await context.close();
  });
}
test.run();
