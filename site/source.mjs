// Excerpts of the library's own files, for pages: taken at build time, never copied by hand.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';

const LANGUAGES = { '.ts': 'ts', '.mjs': 'js', '.wgsl': 'wgsl', '.yaml': 'yaml', '.json': 'json', '.md': 'ts' };

/**
 * Lines of a file of the repository.
 *
 * @param path from the top of the repository
 * @param from text of the first line to take; the whole file by default
 * @param to text of the last line, at or after the first; by default the first following line that closes the block, that is
 *   begins with `}` or `)` at the depth of the first line
 */
export function excerpt(path, from, to) {
  const lines = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8').split('\n');
  const language = LANGUAGES[extname(path)] ?? 'text';
  if (from === undefined) return { text: lines.join('\n'), line: 1, language };
  const starts = lines.flatMap((line, i) => (line.includes(from) ? [i] : []));
  if (starts.length === 0) throw new Error(`${path} has no line with "${from}"`);
  const start = starts[0];
  const indent = /^\s*/.exec(lines[start])[0];
  const isEnd = (line) => (to === undefined ? new RegExp(`^${indent}[})\\]]`).test(line) : line.includes(to));
  const length = lines.slice(start).findIndex((line, i) => (to !== undefined || i > 0) && isEnd(line));
  if (length < 0)
    throw new Error(`${path} has no line ${to === undefined ? 'that closes' : `with "${to}" after`} "${from}"`);
  const text = lines.slice(start, start + length + 1).map((line) => line.replace(new RegExp(`^${indent}`), ''));
  return { text: text.join('\n'), line: start + 1, language };
}
