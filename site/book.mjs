// What chapters of the book are made of, besides figures and excerpts: code beside its notes, and exercises.
import { existsSync } from 'node:fs';

export function book(site, { source }) {
  // A long formula scrolls sideways on a narrow screen, by keys too.
  site.addTransform('formulas', function (content) {
    if (!this.page.url?.startsWith('/book/')) return content;
    return content.replaceAll(/<math ([^>]*display="block")/g, '<math tabindex="0" $1');
  });
  // {% beside "src/kernels/wgsl/matmul.wgsl", "fn main" %} notes in Markdown {% endbeside %}: an excerpt with its notes on its
  // right, below it on narrow screens. The empty lines end HTML for Markdown.
  site.addPairedShortcode(
    'beside',
    (notes, ...place) =>
      `<div class="beside">\n${source(...place)}\n<div class="notes">\n\n${notes.trim()}\n\n</div>\n</div>\n`,
  );
  // {% exercise "thread-count", "A hint." %} the question in Markdown {% endexercise %}: its module in client/exercises says what
  // to type and checks it. Without JavaScript the question and the hint can be read.
  site.addPairedShortcode('exercise', (question, name, hint) => {
    if (!existsSync(new URL(`client/exercises/${name}.ts`, import.meta.url)))
      throw new Error(`exercise ${name}: there is no client/exercises/${name}.ts`);
    const help = hint ? `<details><summary>Hint</summary>\n\n${hint}\n\n</details>\n` : '';
    return `<section class="exercise" data-exercise="${name}">\n\n${question.trim()}\n\n<div class="answer"></div>\n\n${help}</section>\n`;
  });
}
