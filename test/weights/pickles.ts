// Writes pickles by hand, operation by operation, for the tests of readers.
import { zipOf } from './zips.ts';

/** Codes of operations without operands. */
const codes = {
  MARK: 0x28,
  STOP: 0x2e,
  NONE: 0x4e,
  REDUCE: 0x52,
  APPEND: 0x61,
  APPENDS: 0x65,
  BUILD: 0x62,
  SETITEM: 0x73,
  SETITEMS: 0x75,
  TUPLE: 0x74,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  EMPTY_TUPLE: 0x29,
  EMPTY_LIST: 0x5d,
  EMPTY_DICT: 0x7d,
  MEMOIZE: 0x94,
  STACK_GLOBAL: 0x93,
  BINPERSID: 0x51,
} as const;

/** An operation by its name, a text, an integer, a name of Python, or bytes as they are. */
export type Part = string | number | readonly [module: string, name: string] | Uint8Array;

/** A pickle of protocol 2, with STOP at its end. */
export function pickle(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x80, 2), ...parts.map(encoded), Uint8Array.of(codes.STOP)]);
}

function encoded(part: Part): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === 'number') {
    const bytes = Buffer.alloc(5, 0x4a);
    bytes.writeInt32LE(part, 1);
    return bytes;
  }
  if (typeof part !== 'string') return Buffer.from(`c${part[0]}\n${part[1]}\n`);
  if (Object.hasOwn(codes, part)) return Uint8Array.of(codes[part as keyof typeof codes]);
  const text = Buffer.from(part);
  const head = Buffer.alloc(5, 0x58);
  head.writeUInt32LE(text.length, 1);
  return Buffer.concat([head, text]);
}

/** A pickle with the first text `from`, of one character, replaced by another of one byte. */
export function pickleBytes(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(encoded(from));
  copy[at + 5] = to.charCodeAt(0);
  return copy;
}

/** A file of `torch.save({ [key]: state })`, with a storage of float32 values for each tensor. */
export function torchFile(
  state: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
  key: string,
): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  const parts: Part[] = ['EMPTY_DICT', 'epoch', 3, 'SETITEM', key, 'EMPTY_DICT'];
  const rebuild: Part = ['torch._utils', '_rebuild_tensor_v2'];
  [...state].forEach(([name, { shape, data }], i) => {
    const storage: Part[] = [
      'MARK',
      'storage',
      ['torch', 'FloatStorage'],
      `${i}`,
      'cpu',
      data.length,
      'TUPLE',
      'BINPERSID',
    ];
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((step, extent) => step * extent, 1));
    parts.push(name, rebuild, 'MARK', ...storage, 0, 'MARK', ...shape, 'TUPLE', 'MARK', ...strides, 'TUPLE');
    parts.push('TUPLE', 'REDUCE', 'SETITEM');
    files[`archive/data/${i}`] = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  });
  return zipOf({ 'archive/data.pkl': pickle(...parts, 'SETITEM'), ...files });
}
