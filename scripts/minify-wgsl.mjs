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
