// Makes the pictures that stand in the place of live figures without WebGPU, and on paper: runs every figure of the built site in
// Chromium and writes pages/figures/NAME.png, and for each step of the explainer explainer-STEP.png. `node pictures.mjs [NAME...]`, after `node build.mjs`; build again afterwards.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { chromium } = createRequire(new URL('../package.json', import.meta.url))('playwright-core');
const site = fileURLToPath(new URL('_site/', import.meta.url));
const pictures = fileURLToPath(new URL('pages/figures/', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.png': 'image/png' };
const wanted = process.argv.slice(2);
/** Milliseconds for a figure to compile and draw on a software driver. */
const LIMIT = 120_000;
/** Milliseconds for a figure that trains. */
const LONG = 900_000;

/** What is done with a figure before its picture is taken, where it starts with little to see. */
const PREPARED = {
  async training(figure) {
    await figure.getByRole('button', { name: 'Train / pause' }).click();
    await figure.getByText(/^Step 120 of 120/).waitFor({ timeout: LONG });
  },
  async resolution(figure) {
    const resolution = figure.getByRole('slider');
    for (const isResampled of [false, true]) {
      await figure.getByRole('checkbox').setChecked(isResampled);
      for (const metres of ['0.3', '0.5', '0.75', '1.25', '1.5', '1']) {
        const side = Math.round(64 / metres);
        await resolution.fill(metres);
        await figure.getByText(`${side} × ${side} pixels for`).waitFor({ timeout: LIMIT });
      }
    }
  },
};

const server = createServer((request, response) => {
  const path = join(site, new URL(request.url, 'http://x').pathname);
  const file = path.endsWith('/') ? `${path}index.html` : path;
  if (!existsSync(file)) return response.writeHead(404).end();
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
  return response.end(readFileSync(file));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/`;

const pages = readdirSync(site, { recursive: true }).filter((name) => /^book\/.*index\.html$/.test(name));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
});
mkdirSync(pictures, { recursive: true });

async function open(name) {
  const page = await browser.newPage({ viewport: { width: 900, height: 1400 }, colorScheme: 'light' });
  page.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
  await page.goto(address + name.replace('index.html', ''));
  return page;
}

/** The steps of the explainer; of the boxes only the image, because paper has no sliders. */
async function explain() {
  const page = await open('book/explainer/index.html');
  await page.waitForSelector('[data-explainer=live]', { timeout: LIMIT });
  for (const place of await page.locator('[data-step]:not([data-step=inspector])').all()) {
    const name = await place.getAttribute('data-step');
    const picture = name === 'boxes' ? place.locator('.scene').first() : place;
    await picture.screenshot({ path: join(pictures, `explainer-${name}.png`), animations: 'disabled' });
    console.log(`explainer-${name}.png`);
  }
  await page.close();
}

try {
  for (const name of pages.sort((a, b) => (a < b ? -1 : 1))) {
    const html = readFileSync(join(site, name), 'utf8');
    const names = [...html.matchAll(/data-figure="([^"]+)"/g)].map(([, figure]) => figure);
    const figures = names.filter((figure) => wanted.length === 0 || wanted.includes(figure));
    if (figures.length === 0) continue;
    const page = await open(name);
    for (const figure of figures) {
      const place = page.locator(`[data-figure="${figure}"]`);
      await place.scrollIntoViewIfNeeded();
      await page.waitForSelector(`[data-figure="${figure}"][data-state]`, { timeout: LIMIT });
      if ((await place.getAttribute('data-state')) !== 'live') throw new Error(`${figure}: ${await place.innerText()}`);
      await PREPARED[figure]?.(place);
      await page.waitForTimeout(500); // charts get their size
      await place.locator('.stage').screenshot({ path: join(pictures, `${figure}.png`), animations: 'disabled' });
      console.log(`${figure}.png`);
    }
    await page.close();
  }
  if (wanted.length === 0 || wanted.includes('explainer')) await explain();
} finally {
  await browser.close();
  server.close();
}
