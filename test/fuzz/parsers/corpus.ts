// Inputs that reached code which none before had reached: `npm run fuzz -- --minutes N --save` keeps them in corpus.json, from
// where later runs go on; the tests read each of them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { deflateSync, inflateSync } from 'node:zlib';
import type { FuzzedParser } from './fuzz-parsers.ts';
import type { Parser } from './parsers.ts';

const path = new URL('corpus.json', import.meta.url);
/** Longer inputs are not saved: the corpus is to stay small. */
const MAX_SAVED_BYTES = 4096;

/** By the file of a reader, its inputs, packed together because they resemble each other. */
const read = (): Record<string, string> =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : {};

/** The saved inputs of a reader. */
export function savedInputs({ file }: Parser): Uint8Array[] {
  const packed = read()[file];
  if (packed === undefined) return [];
  const texts = JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString('utf8')) as string[];
  return texts.map((text) => Buffer.from(text, 'latin1'));
}

/** Saves what the readers have kept beside their seeds; other readers keep theirs. */
export function saveInputs(fuzzed: readonly FuzzedParser[]): void {
  const saved = fuzzed.map(({ parser, corpus }) => {
    const inputs = corpus.slice(parser.seeds.length).filter(({ length }) => length <= MAX_SAVED_BYTES);
    const texts = inputs.map((input) => Buffer.from(input).toString('latin1'));
    return [parser.file, deflateSync(JSON.stringify(texts), { level: 9 }).toString('base64')] as const;
  });
  writeFileSync(path, `${JSON.stringify({ ...read(), ...Object.fromEntries(saved) }, null, 2)}\n`);
}
