// A report of somebody else's data, opened from the disk in Chromium: names are text, and nothing runs or is fetched.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type * as report from '../../src/report.ts';
import { madeUpImages, madeUpJudgement, madeUpSizes, madeUpTraining } from '../report/fixtures.ts';
import { root, temporaryFolder } from '../support/files.ts';
import { hasChromium, launchChromium } from './chromium.ts';

const { reportHtml } = (await import(pathToFileURL(join(root, 'dist/report.js')).href)) as typeof report;

const src =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const folder = temporaryFolder();

/** Names that leave each context of a page: elements, attributes, style sheets, scripts and comments. */
const names = [
  `<script>globalThis.harmed = 1</script>`,
  `</title></style></script><img src=x onerror="globalThis.harmed = 1">`,
  `"><svg onload="globalThis.harmed = 1">`,
  `' onmouseover='globalThis.harmed = 1' style='position:fixed;inset:0'`,
  `--><iframe srcdoc="<script>parent.harmed = 1</script>"></iframe>`,
  `javascript:globalThis.harmed=1`,
  `]]></text><foreignObject><body onload="globalThis.harmed = 1">`,
  `url(http://localhost:9/x);} body{background:url(http://localhost:9/y)}`,
  `&lt;script&gt;&#60;script&#62;`,
  `\u202e<meta http-equiv=refresh content="0;url=http://localhost:9/">`,
];

function page(text: string): string {
  const images = madeUpImages(12, names.length);
  return reportHtml({
    title: text,
    summary: text,
    warnings: [text],
    judgement: madeUpJudgement(
      images.map((image, i) => ({ ...image, file: `${text}/${names[i % names.length]}` })),
      names,
    ),
    training: madeUpTraining(20, 2),
    boxSizes: madeUpSizes(20),
    pictures: { best: [{ src, caption: text, alt: text }], worst: [], missed: [] },
    facts: [{ heading: text, rows: [[text, text]] }],
    reproduction: { commands: [text], seed: 7, files: [{ file: text, sha256: text }], notes: [text] },
  });
}

if (hasChromium()) {
  test('a report with names that are programs, in all of its parts', async () => {
    const browser = await launchChromium();
    try {
      for (const [i, name] of names.entries()) {
        const path = join(folder, `${i}.html`);
        writeFileSync(path, page(name));
        const context = await browser.newContext({ offline: true });
        const opened = await context.newPage();
        const complaints: string[] = [];
        opened.on('console', (message) => complaints.push(message.text()));
        opened.on('pageerror', (error) => complaints.push(error.message));
        opened.on('dialog', (dialog) => complaints.push(dialog.message()));
        opened.on('request', (request) => {
          if (!/^(?:file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
        });
        const url = pathToFileURL(path).href;
        await opened.goto(url);
        assert.is(await opened.textContent('h1'), name);
        assert.is(opened.url(), url);
        const elements =
          'document.querySelectorAll("script, iframe, object, link, base, foreignObject, [onload], [onerror]").length';
        assert.is(await opened.evaluate(elements), 0);
        // Event handlers of attributes would run now.
        await opened.mouse.move(200, 200);
        assert.is(await opened.evaluate('globalThis.harmed'), undefined);
        assert.equal(complaints, [], name);
        await context.close();
      }
    } finally {
      await browser.close();
    }
  });
}

test.run();
