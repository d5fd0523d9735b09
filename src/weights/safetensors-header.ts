import { isRecord, reasonOf } from '../common/check.ts';
import type { Shape } from '../tensor/shape.ts';
import { bitsOf } from './element-types.ts';
import { nameProblem } from './tensor-file.ts';

// The header of a safetensors file, checked as the reference implementation checks it: sizes do not overflow, and the values
// of all tensors fill the rest of the file without gaps or overlaps. JavaScript needs more care in two places: `JSON.parse`
// keeps the last of two equal names, and takes 1e2 for an integer.

/** Maximum length of a header, as in the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;
export const METADATA = '__metadata__';

/** A tensor of a file. */
export interface HeaderEntry {
  readonly dtype: string;
  readonly shape: Shape;
  /** Position of the first byte of its values in the file. */
  readonly from: number;
  /** Position after the last. */
  readonly to: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Length in bytes of the length of a header. */
export const PREFIX = 8;

/** Throws the Error of a file that is not valid. */
export function invalid(name: string, what: string): never {
  throw new Error(`${name}: not a valid safetensors file: ${what}`);
}

/**
 * The position at which the header ends.
 *
 * @param start the first eight bytes of the file, or fewer
 * @param size number of bytes of the file
 */
export function headerEnd(start: Uint8Array, size: number, name: string): number {
  if (size < PREFIX) invalid(name, `it has ${size} bytes, the header's length alone takes ${PREFIX}`);
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    // A ZIP file, or a pickle of protocol 2, as PyTorch writes them.
    const first = new DataView(start.buffer, start.byteOffset, start.byteLength).getUint16(0);
    if (first === 0x504b || first === 0x8002) invalid(name, 'it is a PyTorch file (.pth), which model.weights reads');
    invalid(name, `its header claims ${length} bytes, the maximum is ${MAX_HEADER_BYTES}`);
  }
  const end = PREFIX + Number(length);
  if (end > size) invalid(name, `its header claims ${length} bytes, the file has ${size}`);
  return end;
}

/**
 * Reads a header.
 *
 * @param text the bytes between the length and the values
 * @param size number of bytes of the file
 */
export function parseHeader(text: Uint8Array, size: number, name: string): SafetensorsHeader {
  const start = PREFIX + text.length;
  const header = parseObject(text, name);
  const entries = new Map<string, HeaderEntry>();
  for (const [key, value] of Object.entries(header)) {
    if (key !== METADATA) entries.set(key, parseEntry(key, value, { start, size, name }));
  }
  checkCoverage([...entries.values()], { start, size, name });
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    invalid(name, 'its metadata is not text');
  }
  return { entries, metadata: metadata as Record<string, string> };
}

function parseObject(text: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  if (text[0] !== 0x7b) invalid(name, 'its header is not an object: it does not start with {');
  let header: unknown;
  let problem: string | null;
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(text);
    header = JSON.parse(json);
    problem = strictProblem(json);
  } catch (error) {
    return invalid(name, `its header is not JSON (${reasonOf(error)})`);
  }
  if (problem !== null) invalid(name, problem);
  return header as Readonly<Record<string, unknown>>;
}

/** The first name that JSON text has twice in an object, or number that is not written as an integer; null without any. */
function strictProblem(json: string): string | null {
  /** Names in the objects around the current token; null for an array. */
  const around: (Set<string> | null)[] = [];
  let text = '';
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]|-?\d[\d.eE+-]*/g)) {
    const first = token[0]!;
    if (first === '"') text = token;
    else if (first === '{') around.push(new Set());
    else if (first === '[') around.push(null);
    else if (first === '}' || first === ']') around.pop();
    else if (first === ':') {
      const key = JSON.parse(text) as string;
      const keys = around.at(-1)!;
      if (keys?.has(key)) return `the name ${text.slice(0, 100)} occurs twice`;
      keys?.add(key);
    } else if (!/^(?:0|[1-9]\d*)$/.test(token)) return `the number ${token.slice(0, 30)} is not an integer >= 0`;
  }
  return null;
}

/** Where a file's values start, and where it ends. */
interface Extent {
  readonly start: number;
  readonly size: number;
  readonly name: string;
}

const isIntegers = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

function parseEntry(key: string, value: unknown, { start, size, name }: Extent): HeaderEntry {
  const problem = nameProblem(key);
  if (problem !== null) invalid(name, problem);
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const bits = typeof dtype === 'string' ? bitsOf(dtype) : undefined;
  if (bits === undefined) return invalid(name, `${key} is of the unknown type ${JSON.stringify(dtype)}`);
  if (!isIntegers(shape) || !isIntegers(offsets) || offsets.length !== 2) {
    return invalid(name, `${key} has no shape or no range`);
  }
  const [from, to] = offsets as [number, number];
  const bytes = bytesOf(shape, bits);
  if (bytes !== to - from)
    invalid(name, `${key} [${shape}] of type ${dtype as string} does not take ${to - from} bytes`);
  if (start + to > size) invalid(name, `${key} reaches past the end of the file`);
  return { dtype: dtype as string, shape, from: start + from, to: start + to };
}

/** Number of bytes of the values of a shape; NaN where a product on the way overflows, or for a fraction of a byte. */
function bytesOf(shape: Shape, bits: number): number {
  let product = bits;
  for (const extent of shape) {
    product *= extent;
    if (!Number.isSafeInteger(product)) return NaN;
  }
  return product % 8 === 0 ? product / 8 : NaN;
}

/** Throws unless the values fill the rest of the file exactly. */
function checkCoverage(entries: readonly HeaderEntry[], { start, size, name }: Extent): void {
  let end = start;
  for (const { from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) invalid(name, `its values ${from < end ? 'overlap' : 'have a gap'} at byte ${from - start}`);
    end = to;
  }
  if (end !== size) invalid(name, `${size - end} bytes follow its last value`);
}
