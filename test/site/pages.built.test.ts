// Pages of the built site in Chromium with WebGPU: what axe finds, what they load, and what they do.
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { axeFindings, openPage, openSite } from './site.ts';

/** Bytes, gzipped, that the first page may load. */
const FIRST_PAGE = 300_000;
const LIMIT = 240_000;

const test = suite('pages');
const site = await openSite(test);
if (site !== null) {
  const { browser } = site;

  const PAGES = [
    '',
    'bench/',
    'book/',
    'book/11-anchors/',
    'book/ladder/',
    'reference/',
    'reference/retinagrad/functions/conv2d/',
    'search/',
    'gallery/',
    '404.html',
  ];

  for (const path of PAGES) {
    test(`/${path} has no finding of axe and does not scroll sideways, at both widths and in both colours`, async () => {
      for (const [width, colorScheme] of [
        [1280, 'light'],
        [390, 'dark'],
      ] as const) {
        const context = await browser.newContext({
          viewport: { width, height: 900 },
          colorScheme,
          serviceWorkers: 'block',
        });
        const { page, complaints } = await openPage(context, site.url + path);
        assert.equal(await axeFindings(page), [], `${width} px`);
        const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok((excess as number) <= 0, `${width} px: ${excess as number} px wider than the window`);
        assert.equal(complaints, []);
        await context.close();
      }
    });
  }

  test('the first page is small, and measures the machine', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    let bytes = 0;
    context.on('response', (response) => void response.body().then((body) => (bytes += gzipSync(body).length)));
    const { page } = await openPage(context, site.url);
    const rate = page.locator('.rate');
    await page.getByText('beside float64 sums').waitFor({ timeout: LIMIT });
    assert.match((await rate.textContent())!, /^[\d.,]+ GFLOP\/s$/);
    const error = Number(/sums: (\S+) of the largest/.exec((await page.locator('.stage').textContent())!)![1]);
    assert.ok(error < 1e-5, `error ${error}`);
    console.log(`# the first page loads ${(bytes / 1000).toFixed(0)} kB gzipped`);
    assert.ok(bytes > 10_000 && bytes < FIRST_PAGE, `${bytes} bytes`);
    await context.close();
  });

  test('what is printed has the light colours and no controls, also where the screen is dark', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block', colorScheme: 'light' });
    const { page } = await openPage(context, `${site.url}book/explainer/`);
    await page.locator('html[data-explainer="live"]').waitFor({ timeout: LIMIT });
    const colours = () =>
      page.evaluate<string[]>(
        "['--background', '--code-keyword', '--bad', '--book-positive'].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name))",
      );
    const light = await colours();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    assert.equal(await colours(), light);
    for (const hidden of ['header nav', '[data-step="boxes"] .controls', '[data-step="inspector"]', 'footer'])
      assert.not.ok(await page.locator(hidden).isVisible(), hidden);
    for (const shown of ['h1', '#found', '[data-step="scores"] figure', '[data-step="matching"] table'])
      assert.ok(await page.locator(shown).first().isVisible(), shown);
    await context.close();
  });

  test('pages can be read without JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    for (const path of ['', 'book/ladder/', 'reference/retinagrad/']) {
      const { page } = await openPage(context, site.url + path);
      assert.ok((await page.locator('main').innerText()).length > 500, path);
      assert.ok((await page.locator('header nav a').count()) > 1, path);
      await page.close();
    }
    await context.close();
  });

  test('a page that was opened works without a network', async () => {
    const context = await browser.newContext();
    const { page } = await openPage(context, `${site.url}gallery/`);
    const kept = async () =>
      page.evaluate(
        "caches.keys().then(async ([name]) => name !== undefined && (await (await caches.open(name)).keys()).some(({ url }) => url.includes('examples/hello')))",
      );
    const end = Date.now() + LIMIT;
    while (!(await kept()) && Date.now() < end) await page.waitForTimeout(100);
    await context.setOffline(true);
    await page.reload();
    assert.is(await page.locator('h1').textContent(), 'Gallery');
    await page.getByRole('button', { name: 'Run it' }).click();
    await page.locator('.stage pre', { hasText: /plane +y =/ }).waitFor({ timeout: LIMIT });
    await context.close();
  });

  test('the search finds an operation', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const { page, complaints } = await openPage(context, `${site.url}search/?q=conv2d`);
    await page.getByRole('link', { name: 'conv2d()' }).first().waitFor({ timeout: LIMIT });
    assert.equal(complaints, []);
    await context.close();
  });
}
test.run();
