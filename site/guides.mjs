// Pages made of Markdown files that are not in pages/: the guides of docs/, and the reference that reference.mjs leaves in
// .reference. Their links lead from file to file; here they are mended to lead from page to page.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { programOf } from './example.mjs';

const root = new URL('../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

/** Guides in reading order: file, and one sentence. Titles are those of the files. */
const GUIDES = [
  [
    'docs/your-own-data.md',
    'From a folder of images with boxes to a detector: formats, settings, the report, troubleshooting.',
  ],
  ['docs/architecture.md', 'One convolution from the module to the WGSL thread, and back through its gradient.'],
  ['docs/retinanet.md', 'One image through the detector to its boxes and its F1, with the traps of each step.'],
  ['docs/performance.md', 'How fast the kernels are, how this is measured, and what was tried.'],
  ['docs/interop.md', 'Videos, canvases, GPU buffers and devices of other programs.'],
  ['docs/adding-an-op.md', 'A new operation from the kernel to its tests.'],
  ['docs/ops.md', 'Every operation: types, gradients, kernels.'],
];
const pageOf = (file) => `/guides/${file.slice('docs/'.length, -'.md'.length)}/`;

/** Text without its first heading, and that heading. */
function divided(text) {
  const [, title, rest] = /^# (.*)\n+([\s\S]*)$/.exec(text);
  return { title: title.replaceAll('`', ''), rest };
}

/** Markdown with each link to a file replaced by `target(path, hash)`. */
const mended = (text, target) =>
  text.replaceAll(/(\]\()([^()\s#]+)(#[^()\s]*)?(\))/g, (all, open, to, hash = '', close) =>
    /^[a-z]+:|^\//.test(to) ? all : `${open}${target(to, hash)}${close}`,
  );

/** Adds the pages. `source` is where files are shown that are no page. */
export function guides(site, { repository }) {
  const list = GUIDES.map(([file, about]) => ({ file, about, url: pageOf(file), ...divided(read(file)) }));
  site.addGlobalData(
    'guides',
    list.map(({ url, title, about }) => ({ url, title, about })),
  );
  const data = { layout: 'guide.njk', templateEngineOverride: 'md' };
  for (const { file, about, url, title, rest } of list) {
    const text = mended(rest, (to, hash) => {
      const path = normalize(join(dirname(file), to));
      const page = GUIDES.find(([other]) => other === path);
      if (page !== undefined) return pageOf(path) + hash;
      if (path.startsWith('docs/images/')) return `/guides/images/${path.slice('docs/images/'.length)}`;
      if (!existsSync(new URL(path, root))) throw new Error(`${file} links to ${to}, which does not exist`);
      return `${repository}/blob/main/${path}${hash}`;
    });
    site.addTemplate(`guides/${url.split('/')[2]}.md`, text, { ...data, title, description: about, file });
  }
  reference(site);
}

/** A page of the reference with its example as a program that can be run: see client/example.ts. */
const withProgram = (text, names) =>
  text.replace(
    /^(## Example\n\n)```ts\n([^]*?)```$/m,
    (_, heading, code) => `${heading}<div class="example">\n\n\`\`\`js\n${programOf(code, names)}\`\`\`\n\n</div>`,
  );

/** The pages of the reference, if reference.mjs has made it. */
function reference(site) {
  const made = new URL('.reference/', import.meta.url);
  if (!existsSync(made)) return;
  const files = readdirSync(made, { recursive: true });
  const names = files.flatMap(
    (file) => /^retinagrad\/(?:functions|classes|variables)\/(\w+)\.md$/.exec(file)?.[1] ?? [],
  );
  for (const file of files) {
    if (!file.endsWith('.md')) continue;
    const { title, rest: written } = divided(readFileSync(new URL(file, made), 'utf8'));
    const rest = withProgram(written, names);
    const hasExample = rest !== written;
    const text = mended(rest.replaceAll('| `undefined` |', '| |'), (to, hash) => {
      const path = normalize(join(dirname(file), to));
      // typedoc counts headings in its own way where several are the same.
      const heading = hash === '#constructor' ? '#constructors' : hash.replace(/.*-\d+$/, '');
      return `/reference/${path.replace(/(?:^|\/)README\.md$|\.md$/, '')}/`.replace('//', '/') + heading;
    });
    const name = file.replace(/(^|\/)README\.md$/, '$1index.md');
    site.addTemplate(`reference/${name}`, text, {
      layout: 'reference.njk',
      templateEngineOverride: 'md',
      title,
      description: `${title}: reference of retinagrad.`,
      // A page of an entry is a long list of names.
      width: file.endsWith('README.md') ? 'names' : '',
      styles: hasExample ? ['editor'] : [],
      scripts: hasExample ? ['example'] : [],
    });
  }
}
