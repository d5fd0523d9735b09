import { deflateRawSync } from 'node:zlib';

const OPERATOR = '[-+*/%&|^!=<>]';
/** A space with a word on one side at most, and an operator on one side at most: `a - -b` is not `a--b`. */
const NEEDLESS_SPACE = new RegExp(`(?<!${OPERATOR})[ \\t]+(?=\\W)|(?<=\\W)[ \\t]+(?!${OPERATOR})`, 'g');

/** A kernel without what the compiler skips. What the engine looks for still starts a line. */
export const minifyWgsl = (code) =>
  code
    .replace(/\/\/.*$/gm, '')
    .replace(/^[ \t]+|[ \t]+$/gm, '')
    .replace(NEEDLESS_SPACE, '')
    .replace(/\n+(?!(?:const|alias|struct Params|@group)\b)/g, ' ')
    .replace(NEEDLESS_SPACE, '')
    .trim();

/** Identifiers, without fields and attributes. */
const WORD = /(?<![\w.@])[A-Za-z_]\w*/g;
const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const SHORT = [...letters, ...letters.flatMap((letter) => Array.from({ length: 10 }, (_, i) => letter + i))];
const found = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);

/**
 * Short names for functions, parameters and variables of minified kernels, the same in all of them, so that what kernels have
 * in common stays common. Names that mean something else in any of them stay.
 */
function shortNames(kernels) {
  const code = kernels.map(({ code }) => code).join('\n');
  const words = code.match(WORD);
  const functions = new Set(found(code, /\bfn (\w+)/g));
  const parameters = found(code, /\bfn \w+\(([^{]*?)\)(?:->|\{)/g).flatMap((list) => found(list, /(\w+):/g));
  const variables = found(code, /\b(?:let|var|const)(?:<\w+>)? (\w+)/g);
  const kept = new Set([
    'main',
    ...kernels.flatMap(({ consts, aliases, params, bindings }) =>
      [consts, aliases, params, bindings].flatMap(Object.keys),
    ),
    ...found(code, /\.(\w+)/g),
    ...found(code, /struct \w+\{(.*?)\}/g).flatMap((fields) => found(fields, /(\w+):/g)),
    ...found(code, /@\w+\((\w+)\)/g),
    // Functions of WGSL.
    ...found(code, /(?<![\w.])(\w+)\(/g).filter((name) => !functions.has(name)),
  ]);
  const free = SHORT.filter((name) => !kept.has(name) && !words.includes(name));
  const count = (name) => words.filter((word) => word === name).length;
  const long = [...new Set([...functions, ...parameters, ...variables])].filter((n) => n.length > 2 && !kept.has(n));
  return new Map(long.sort((a, b) => count(b) - count(a)).map((name, i) => [name, free[i] ?? name]));
}

/** The kernels with short names in their minified code. */
export function withShortNames(kernels) {
  const names = shortNames(kernels);
  return kernels.map((kernel) => ({ ...kernel, code: kernel.code.replace(WORD, (word) => names.get(word) ?? word) }));
}

/** Texts in an order that compresses well: each beside one that resembles it, because a compressor looks back 32 kB. */
export function bySimilarity(texts) {
  const size = (text) => deflateRawSync(text).length;
  const left = new Map(texts.map((text) => [text, size(text)]));
  const ordered = [];
  for (let last = texts[0]; last !== undefined;) {
    ordered.push(last);
    left.delete(last);
    const saved = [...left].map(([text, alone]) => [text, alone - size(ordered.slice(-3).join('') + text)]);
    last = saved.reduce((best, next) => (next[1] > best[1] ? next : best), [undefined, -Infinity])[0];
  }
  return ordered;
}
