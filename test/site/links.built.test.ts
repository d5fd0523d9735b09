// Every link within the built site leads to a page that exists, and to a heading that exists; every file that a page loads exists.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dirname, normalize } from 'node:path/posix';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SITE } from './site.ts';

const files = new Set(
  readdirSync(SITE, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile()
      ? [
          join(entry.parentPath ?? entry.path, entry.name)
            .slice(SITE.length + 1)
            .replaceAll('\\', '/'),
        ]
      : [],
  ),
);
const pages = [...files].filter((file) => file.endsWith('.html') && file !== '404.html');
const text = new Map(pages.map((page) => [page, readFileSync(join(SITE, page), 'utf8')]));

const decoded = (attribute: string): string =>
  decodeURIComponent(attribute.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"'));

/** The file at an address, relative to a page. */
function fileAt(page: string, path: string): string {
  const file = normalize(path === '' ? page : join(dirname(page), path).replaceAll('\\', '/'));
  return path !== '' && (path.endsWith('/') || file === '.') ? normalize(`${file}/index.html`) : file;
}

test('links and files', () => {
  assert.ok(pages.length > 10, `${pages.length} pages`);
  const ids = new Map(
    [...text].map(([page, html]) => [
      page,
      new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decoded(id!))),
    ]),
  );
  const dead: string[] = [];
  let count = 0;
  for (const [page, html] of text) {
    // Code that is shown has no elements with attributes of its own: `<` is escaped there.
    for (const [, attribute] of html.matchAll(/<[a-z][^>]*?\s(?:href|src)="([^"]*)"/g)) {
      const target = decoded(attribute!);
      if (/^[a-z]+:/.test(target)) continue;
      count++;
      const [path = '', hash = ''] = target.split('#');
      const file = fileAt(page, path.split('?')[0]!);
      if (target.startsWith('/')) dead.push(`${page}: ${target} would leave the folder of the site`);
      else if (!files.has(file)) dead.push(`${page}: ${target}`);
      else if (hash !== '' && !ids.get(file)?.has(hash)) dead.push(`${page}: ${target} has no such heading`);
    }
  }
  console.log(`# ${pages.length} pages, ${count} links and files`);
  assert.equal(dead, []);
});

test.run();
