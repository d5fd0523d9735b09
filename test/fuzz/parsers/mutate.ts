// Damages the bytes of a file: seeded, so that an input is known by its seed and number.
import type { Random } from '../../../src/common/random.ts';

const BYTES = [0, 1, 0x7f, 0x80, 0xff];
const WORDS = [0, 1, 2, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** What readers of text may trip over. */
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '[[[[[[',
  '"',
  "'",
  ',',
  ':',
  ';',
  '\n',
  '\r',
  '\t',
  '\0',
  '\\',
  '\ufeff',
  '\u202e',
  '\u001b[31m',
  'NaN',
  '-Infinity',
  '1e999',
  '-1',
  '0',
  '1.5',
  '99999999999999999999',
  'null',
  'true',
  '{}',
  '[]',
  '""',
  '__proto__',
  'constructor',
  '../',
  '/',
  'http://x/',
  '<a>',
  '</a>',
  '<![CDATA[',
  '&a;',
  '<!--',
  '&x',
  '*x',
  '<<: ',
].map((token) => Buffer.from(token));

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const position = (bytes: Buffer, random: Random): number => random.int(Math.max(1, bytes.length));

/** A copy with something else from `at` on instead of `removed` bytes. */
const spliced = (bytes: Buffer, at: number, removed: number, added: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) change(copy);
  return copy;
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => bytes.subarray(0, position(bytes, random)),
  (bytes, random) =>
    changed(bytes, (copy) => {
      copy[position(bytes, random)]! ^= 1 << random.int(8);
    }),
  (bytes, random) =>
    changed(bytes, (copy) => {
      copy[position(bytes, random)] = BYTES[random.int(BYTES.length)]!;
    }),
  (bytes, random) => {
    const word = Buffer.alloc(random.int(2) === 0 ? 2 : 4);
    const value = WORDS[random.int(WORDS.length)]! % 2 ** (8 * word.length);
    if (random.int(2) === 0) word.writeUIntLE(value, 0, word.length);
    else word.writeUIntBE(value, 0, word.length);
    return spliced(bytes, position(bytes, random), word.length, word);
  },
  (bytes, random) => spliced(bytes, position(bytes, random), 1 + random.int(16), Buffer.alloc(0)),
  (bytes, random) => {
    const from = position(bytes, random);
    return spliced(bytes, position(bytes, random), 0, bytes.subarray(from, from + 1 + random.int(64)));
  },
  (bytes, random) => {
    const part = bytes.subarray(position(bytes, random)).subarray(0, 1 + random.int(16));
    return spliced(bytes, position(bytes, random), part.length, part);
  },
  (bytes, random) => spliced(bytes, position(bytes, random), 0, TOKENS[random.int(TOKENS.length)]!),
];

/** The bytes of a file with one to four changes. */
export function mutated(seed: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let left = 1 + random.int(4); left > 0; left--) bytes = MUTATIONS[random.int(MUTATIONS.length)]!(bytes, random);
  return bytes;
}
