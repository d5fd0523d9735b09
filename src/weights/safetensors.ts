import { described } from '../common/check.ts';
import type { HostTensor } from '../nn/module.ts';
import { checkShape, sizeOf } from '../tensor/shape.ts';
import { sourceOf, type Bytes } from './byte-source.ts';
import { bitsOf, readableTypes, toFloat32 } from './element-types.ts';
import { headerEnd, MAX_HEADER_BYTES, METADATA, parseHeader, PREFIX, type HeaderEntry } from './safetensors-header.ts';
import { nameProblem, type TensorFile } from './tensor-file.ts';

// The safetensors format: eight bytes with the length of a header, the header in JSON (name -> dtype, shape, range of
// bytes), then the values. A file contains no code, and every range is checked before it is read.

/** The contents of a file. */
export interface SafetensorsFile {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Encodes float32 tensors with optional metadata.
 *
 * @throws RangeError or TypeError if the data of a tensor are not float32 values that fill its shape, if the header exceeds
 *   100 MB, or for a name that readers refuse: empty, with control characters, or `__proto__`
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
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
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(text.length / 8) * 8; // Values start at a multiple of eight.
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RangeError(`encodeSafetensors: the header has ${headerBytes} bytes, the maximum is ${MAX_HEADER_BYTES}`);
  }
  const out = new Uint8Array(PREFIX + headerBytes + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, PREFIX, PREFIX + headerBytes);
  out.set(text, PREFIX);
  let at = PREFIX + headerBytes;
  for (const { data } of tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * Decodes a file as a whole. All values become float32: those of F32, F64, F16, BF16, BOOL and integers.
 *
 * @param name name of the file, for errors
 * @throws Error with the reason for a file that is not valid, or that has values of another type
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'safetensors'): SafetensorsFile {
  const start = headerEnd(bytes.subarray(0, PREFIX), bytes.length, name);
  const { entries, metadata } = parseHeader(bytes.subarray(PREFIX, start), bytes.length, name);
  const tensors = new Map<string, HostTensor>();
  for (const [key, entry] of entries) {
    tensors.set(key, valuesOf(key, entry, bytes.subarray(entry.from, entry.to), name));
  }
  return { tensors, metadata };
}

/**
 * Opens a file: reads and checks its header. The values of a tensor are read when they are asked for, so that a large file is
 * never in memory as a whole.
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
  return { format: 'safetensors', tensors, metadata };
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
