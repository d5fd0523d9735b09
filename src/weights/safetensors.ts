import { described, reasonOf } from '../common/check.ts';
import type { HostTensor } from '../nn/module.ts';
import { checkShape, sizeOf } from '../tensor/shape.ts';

// The safetensors format: eight bytes with the length of a header, the header in JSON (name -> dtype, shape, range of
// bytes), then the values. A file contains no code, and every range is checked before it is read.

/** Maximum length of a header, as in the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** The contents of a file. */
export interface SafetensorsFile {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Encodes float32 tensors with optional metadata.
 *
 * @throws RangeError or TypeError if the data of a tensor are not float32 values that fill its shape
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === METADATA) throw new RangeError(`encodeSafetensors: a tensor cannot be called ${METADATA}`);
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
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(text.length / 8) * 8; // Values start at a multiple of eight.
  const out = new Uint8Array(8 + headerBytes + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, 8, 8 + headerBytes);
  out.set(text, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * Decodes a file of float32 tensors. Throws an Error with the reason for any other file.
 *
 * @param name name of the file, for errors
 * @param options.ignore whether to skip a tensor, by its name; it may then have any type. Default none
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name = 'safetensors',
  { ignore = () => false }: { readonly ignore?: (name: string) => boolean } = {},
): SafetensorsFile {
  const fail = (what: string): never => {
    throw new Error(`${name}: not a valid safetensors file: ${what}`);
  };
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes, the header's length alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) fail(`its header claims ${length} bytes, the maximum is ${MAX_HEADER_BYTES}`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail(`its header claims ${length} bytes, the file has ${bytes.length}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    return fail(`its header is not JSON (${reasonOf(error)})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return fail('its header is not an object');
  const tensors = new Map<string, HostTensor>();
  let metadata: Record<string, string> = {};
  const ranges: [number, number][] = [];
  for (const [key, value] of Object.entries(header as Record<string, unknown>)) {
    if (key === METADATA) {
      const entries = Object.entries((value ?? {}) as Record<string, unknown>);
      if (entries.some(([, text]) => typeof text !== 'string')) fail('its metadata is not text');
      metadata = Object.fromEntries(entries) as Record<string, string>;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const ignored = ignore(key);
    if (dtype !== 'F32' && !ignored) fail(`${key} is ${String(dtype)}, expected F32`);
    const isIntegers = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
    if (!isIntegers(shape) || !isIntegers(offsets) || offsets.length !== 2)
      return fail(`${key} has no shape or no range`);
    const [from, to] = offsets as [number, number];
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (!Number.isSafeInteger(size) || (to - from !== size * 4 && !ignored))
      fail(`${key} [${shape}] does not take ${to - from} bytes`);
    if (start + to > bytes.length) fail(`${key} reaches past the end of the file`);
    ranges.push([from, to]);
    if (ignored) continue;
    // A copy: the file may start at any address, and its buffer may be large. (`slice` of a Buffer does not copy.)
    const data = new Float32Array(size);
    new Uint8Array(data.buffer).set(bytes.subarray(start + from, start + to));
    tensors.set(key, { shape, data });
  }
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let end = 0;
  for (const [from, to] of ranges) {
    if (from !== end) fail(`its values ${from < end ? 'overlap' : 'have a gap'} at byte ${from}`);
    end = to;
  }
  if (start + end !== bytes.length) fail(`${bytes.length - start - end} bytes follow its last value`);
  return { tensors, metadata };
}
