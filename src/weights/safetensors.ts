import { described } from '../common/check.ts';
import { crc32c } from '../common/crc32c.ts';
import type { HostTensor } from '../nn/module.ts';
import { checkShape, sizeOf } from '../tensor/shape.ts';
import { sourceOf, type Bytes } from './byte-source.ts';
import { bitsOf, readableTypes, toFloat32 } from './element-types.ts';
import {
  headerEnd,
  invalid,
  MAX_HEADER_BYTES,
  METADATA,
  parseHeader,
  PREFIX,
  type HeaderEntry,
} from './safetensors-header.ts';
import { nameProblem, type TensorFile } from './tensor-file.ts';

// The safetensors format: eight bytes with the length of a header, the header in JSON (name -> dtype, shape, range of
// bytes), then the values. A file contains no code, and every range is checked before it is read.

/** Entry of the metadata with the checksum of everything else (`checksumOf`). Files of other programs have none. */
const CHECKSUM = 'crc32c';

/** The contents of a file. */
export interface SafetensorsFile {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor as it is stored. */
interface Part {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

/**
 * The checksum of a file: CRC-32C of its metadata, of names, types and shapes, and of the values. It does not depend on
 * the order of either, so that a program that only rewrites the header keeps it.
 */
function checksumOf(metadata: Readonly<Record<string, string>>, parts: readonly Part[]): string {
  const sorted = [...parts].sort(byName);
  return asText(sorted.reduce((before, { bytes }) => crc32c(bytes, before), checksumOfHead(metadata, sorted)));
}

/** The part of the checksum that does not depend on values. The tensors are sorted by name. */
function checksumOfHead(
  metadata: Readonly<Record<string, string>>,
  sorted: readonly Pick<Part, 'name' | 'dtype' | 'shape'>[],
): number {
  const texts = Object.entries(metadata)
    .map(([name, text]) => ({ name, text }))
    .sort(byName);
  const head = JSON.stringify([texts, sorted.map(({ name, dtype, shape }) => [name, dtype, shape])]);
  return crc32c(new TextEncoder().encode(head));
}

const asText = (crc: number): string => crc.toString(16).padStart(8, '0');

/** Throws unless the checksum of a file is that of its content. */
function checkChecksum(expected: string, found: string, name: string): void {
  if (expected === found) return;
  invalid(
    name,
    'its checksum is not that of its content: it was damaged, or changed by a program that kept the checksum',
  );
}

/**
 * Encodes float32 tensors with optional metadata, and a checksum that `decodeSafetensors` verifies.
 *
 * @throws RangeError or TypeError if the data of a tensor are not float32 values that fill its shape, if the header exceeds
 *   100 MB, or for a name that readers refuse: empty, with control characters, or `__proto__`
 *
 * @example
 * const bytes = encodeSafetensors(new Map([['w', { shape: [2], data: Float32Array.of(1, 2) }]]), { made: 'by hand' });
 * console.log(decodeSafetensors(bytes).metadata.made); // by hand
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  const parts: Part[] = [];
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const problem = name === METADATA ? `a tensor cannot be called ${METADATA}` : nameProblem(name);
    if (problem !== null) throw new RangeError(`encodeSafetensors: ${problem}`);
    checkShape('encodeSafetensors', shape);
    if (!(data instanceof Float32Array)) {
      throw new TypeError(`encodeSafetensors: the data of ${name} are ${described(data)}, expected a Float32Array`);
    }
    if (sizeOf(shape) !== data.length) {
      throw new RangeError(`encodeSafetensors: ${data.length} values of ${name} do not fill the shape [${shape}]`);
    }
    const start = end;
    end += data.byteLength;
    header.set(name, { dtype: 'F32', shape, data_offsets: [start, end] });
    parts.push({ name, dtype: 'F32', shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
  }
  const { [CHECKSUM]: _old, ...others } = metadata;
  const all = { [METADATA]: { [CHECKSUM]: checksumOf(others, parts), ...others }, ...Object.fromEntries(header) };
  const text = new TextEncoder().encode(JSON.stringify(all));
  const headerBytes = Math.ceil(text.length / 8) * 8; // Values start at a multiple of eight.
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RangeError(`encodeSafetensors: the header has ${headerBytes} bytes, the maximum is ${MAX_HEADER_BYTES}`);
  }
  const out = new Uint8Array(PREFIX + headerBytes + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, PREFIX, PREFIX + headerBytes);
  out.set(text, PREFIX);
  let at = PREFIX + headerBytes;
  for (const { bytes } of parts) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/**
 * Decodes a file as a whole, and verifies its checksum if it has one. All values become float32: those of F32, F64, F16, BF16,
 * BOOL and integers.
 *
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is not valid, or that has values of another type
 *
 * @example
 * const bytes = encodeSafetensors(new Map([['w', { shape: [2], data: Float32Array.of(1, 2) }]]));
 * const { tensors } = decodeSafetensors(bytes);
 * console.log(tensors.get('w').shape, [...tensors.get('w').data]); // [2] [1, 2]
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile {
  const start = headerEnd(bytes.subarray(0, PREFIX), bytes.length, name);
  const { entries, metadata } = parseHeader(bytes.subarray(PREFIX, start), bytes.length, name);
  const tensors = new Map<string, HostTensor>();
  const parts: Part[] = [];
  for (const [key, entry] of entries) {
    const values = bytes.subarray(entry.from, entry.to);
    parts.push({ name: key, dtype: entry.dtype, shape: entry.shape, bytes: values });
    tensors.set(key, valuesOf(key, entry, values, name));
  }
  const { [CHECKSUM]: checksum, ...others } = metadata;
  if (checksum !== undefined) checkChecksum(checksum, checksumOf(others, parts), name);
  return { tensors, metadata: others };
}

/**
 * Opens a file: reads and checks its header and, if it has one, its checksum. The values of a tensor are read when they are asked
 * for, so that a large file is never in memory as a whole.
 *
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is not valid
 */
export async function openSafetensors(bytes: Bytes, name = 'safetensors'): Promise<TensorFile> {
  const source = sourceOf(bytes);
  const start = headerEnd(await source.read(0, Math.min(PREFIX, source.size)), source.size, name);
  const { entries, metadata } = parseHeader(await source.read(PREFIX, start), source.size, name);
  const tensors = new Map(
    [...entries].map(([key, entry]) => {
      const { dtype, shape, from, to } = entry;
      const read = async (): Promise<HostTensor> => valuesOf(key, entry, await source.read(from, to), name);
      return [key, { dtype, shape, read }];
    }),
  );
  const { [CHECKSUM]: checksum, ...others } = metadata;
  if (checksum !== undefined) {
    const sorted = [...entries].map(([key, entry]) => ({ name: key, ...entry })).sort(byName);
    let crc = checksumOfHead(others, sorted);
    for (const { from, to } of sorted) crc = crc32c(await source.read(from, to), crc);
    checkChecksum(checksum, asText(crc), name);
  }
  return { format: 'safetensors', tensors, metadata: others };
}

/** The values of a tensor. Throws if their type has no conversion. */
function valuesOf(key: string, { dtype, shape }: HeaderEntry, bytes: Uint8Array, name: string): HostTensor {
  if (!readableTypes.includes(dtype)) {
    throw new Error(
      `${name}: ${key} is ${dtype} (${bitsOf(dtype)} bits), expected one of ${readableTypes.join(', ')}: ` +
        'convert it with PyTorch, for example with .float()',
    );
  }
  return { shape, data: toFloat32(dtype, bytes) };
}
