// The pages: Markdown with formulas and highlighted code, in one layout. Everything that a reader sees without JavaScript is
// made here, at build time; what runs in the page is bundled by build.mjs.
import { IdAttributePlugin } from '@11ty/eleventy';
import { katex } from '@mdit/plugin-katex';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path/posix';
import { book } from './book.mjs';
import { guides } from './guides.mjs';
import { highlighter } from './highlight.mjs';
import { ladder } from './ladder.mjs';
import { excerpt } from './source.mjs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');

/** The id of a heading, as GitHub makes it: links to headings work there and here. */
const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

export default async function configure(site) {
  const highlight = await highlighter();
  site.addGlobalData('version', manifest.version);
  site.addGlobalData('repository', repository);
  // Only the page for what is not found needs it: where the site is on its host.
  site.addGlobalData('siteRoot', process.env['SITE_ROOT'] ?? '/');
  // Links to pages that are there.
  site.addFilter('ready', (links, pages) => links.filter(({ url }) => pages.some((page) => page.url === url)));

  site.addPlugin(IdAttributePlugin, { slugify: slug });
  site.amendLibrary('md', (md) => {
    md.set({ highlight, typographer: false });
    md.enable('code'); // Indented code, which the guides and the comments of the source use.
    md.renderer.rules.code_block = (tokens, i) => highlight(tokens[i].content, 'text');
    // A header without text is none to those who listen.
    md.core.ruler.push('empty headers', ({ tokens }) => {
      tokens.forEach((token, i) => {
        if (token.type !== 'th_open' || tokens[i + 1].content !== '') return;
        token.tag = tokens[i + 2].tag = 'td';
      });
    });
    // MathML only: browsers draw it without style sheets, fonts or scripts, on paper too.
    md.use(katex, { output: 'mathml', throwOnError: true, strict: 'error' });
  });

  // {% source "src/kernels/wgsl/relu.wgsl" %}: a file of the library, or the part of it between two lines.
  const source = (path, from, to) => {
    const { text, line, language } = excerpt(path, from, to);
    const place = line === 1 ? path : `${path}, from line ${line}`;
    // In one line: Markdown would end the block at the first empty line.
    const html = highlight(text, language).replaceAll('\n', '&#10;');
    return `<figure class="source"><figcaption>${place}</figcaption>${html}</figure>`;
  };
  site.addShortcode('source', source);
  site.addPlugin(book, { source });
  site.addPlugin(guides, { repository });
  site.addPlugin(ladder, { highlight });
  // {% still "boxes", "What one sees..." %}: a picture of a step of the explainer, until that runs.
  site.addShortcode('still', (name, sentence) =>
    existsSync(new URL(`pages/figures/explainer-${name}.png`, import.meta.url))
      ? `<img class="still" src="/figures/explainer-${name}.png" alt="${sentence}" loading="lazy">`
      : '',
  );
  // {% figure "relu", "What one sees..." %}: a live figure of client/figures; the sentence and, if there is one, the picture
  // pages/figures/NAME.png stand there until it runs, and where it cannot.
  site.addShortcode('figure', (name, sentence) => {
    if (!existsSync(new URL(`client/figures/${name}.ts`, import.meta.url)))
      throw new Error(`figure ${name}: there is no client/figures/${name}.ts`);
    const picture = existsSync(new URL(`pages/figures/${name}.png`, import.meta.url))
      ? `<img src="/figures/${name}.png" alt="" loading="lazy">`
      : '';
    return `<figure class="live" data-figure="${name}"><div class="stage">${picture}</div><figcaption>${sentence}</figcaption></figure>`;
  });

  // Links from the root of the site become relative, so that it works in any folder of any host.
  site.addTransform('relative-links', function (content) {
    if (!this.page.outputPath?.endsWith('.html') || this.page.url === '/404.html') return content;
    const up = relative(new URL(this.page.url, 'http://x').pathname, '/') || '.';
    return content.replace(/\b(href|src|content)="\/(?!\/)/g, `$1="${up}/`);
  });

  site.addPassthroughCopy({
    'pages/*.{png,svg,jpg,webp}': '/',
    'pages/figures': 'figures',
    'pages/images': 'images',
    'pages/models': 'models',
    '../docs/images': 'guides/images',
    '../bench/ladder/*.wgsl': 'ladder',
    '../bench/results/*.json': 'bench/results',
    styles: 'styles',
  });
  site.setServerOptions({ port: 8080, showAllHosts: false });
  return {
    dir: { input: 'pages', output: '_site', includes: '../layouts', data: '../data' },
    markdownTemplateEngine: 'njk',
  };
}
