// Highlighted code with one letter as class for each kind of word, whose colours are in styles/site.css: pages stay small, and
// both colour schemes share them.
import { createCssVariablesTheme, createHighlighter } from 'shiki';

/** Classes of what the theme calls a kind of word. Other words have the colour of the text. */
const CLASSES = { keyword: 'k', string: 's', 'string-expression': 's', comment: 'c', constant: 'n', function: 'f' };

const withClasses = {
  pre(node) {
    node.properties = { tabindex: '0' }; // It scrolls, so the keyboard must reach it.
  },
  span(node) {
    const kind = /--token-([a-z-]+)\)/.exec(node.properties.style)?.[1];
    const isWord = /[a-z@"'/]/i.test(node.children[0].value) || /\d/.test(node.children[0].value);
    node.properties = isWord && kind in CLASSES ? { class: CLASSES[kind] } : {};
  },
};

/** A function of code and its language that returns HTML. */
export async function highlighter() {
  const shiki = await createHighlighter({
    themes: [createCssVariablesTheme({ name: 'classes', variablePrefix: '--' })],
    langs: ['ts', 'js', 'wgsl', 'json', 'yaml', 'bash', 'html'],
  });
  return (code, lang) =>
    shiki
      .codeToHtml(code.trimEnd(), {
        lang: shiki.getLoadedLanguages().includes(lang) ? lang : 'text',
        theme: 'classes',
        transformers: [withClasses],
      })
      // Neither words without a class nor lines need an element.
      .replaceAll(/<span>([^<]*)<\/span>/g, '$1')
      .replaceAll(/(^|<code>)<span class="line">(.*)<\/span>(<\/code><\/pre>)?$/gm, '$1$2$3');
}
