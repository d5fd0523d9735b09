import { crc32 } from '../common/crc32.ts';
import { joinBytes } from '../common/join-bytes.ts';

/** A multiple of this is the position of every file in the archive, as PyTorch writes them, so that they can be mapped. */
const ALIGNMENT = 64;
/** Without the extensions of ZIP64. */
const MAX_BYTES = 2 ** 32 - 1;

/**
 * A ZIP archive of uncompressed files, in the order given.
 *
 * @throws RangeError if it would have 4 GiB or more
 */
export function storedZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, data] of files) {
    const path = new TextEncoder().encode(name);
    // An extra field, of at least its own header, fills the space up to the next multiple.
    const padding = ALIGNMENT - ((at + 30 + path.length + 4) % ALIGNMENT);
    const extra = new Uint8Array(4 + padding);
    new DataView(extra.buffer).setUint32(0, 0x4246 | (padding << 16), true); // "FB", as PyTorch's
    const common = commonFields(data, path.length);
    parts.push(record(0x04034b50, common, [extra.length]), path, extra, data);
    directory.push(record(0x02014b50, [20, ...common], [0, 0, 0, 0, 0, 0, low(at), high(at)]), path);
    at += 30 + path.length + extra.length + data.length;
  }
  const length = directory.reduce((sum, { length }) => sum + length, 0);
  if (at + length > MAX_BYTES)
    throw new RangeError(`storedZip: the archive would have ${at + length} bytes, maximum 4 GiB`);
  const counts = [0, 0, files.size, files.size, low(length), high(length), low(at), high(at), 0];
  return joinBytes([...parts, ...directory, record(0x06054b50, counts)]);
}

/** The fields that a file's header and its entry in the directory have in common: version, flags (names are UTF-8), method ... */
function commonFields(data: Uint8Array, nameLength: number): number[] {
  const [crc, size] = [crc32(data), data.length];
  // No time of change: equal weights give equal files. The date is 1980-01-01, the first that there is.
  return [20, 0x0800, 0, 0, 0x21, low(crc), high(crc), low(size), high(size), low(size), high(size), nameLength];
}

const low = (value: number): number => value & 0xffff;
const high = (value: number): number => value >>> 16;

/** A signature and 16-bit numbers. */
function record(signature: number, ...fields: readonly (readonly number[])[]): Uint8Array {
  return new Uint8Array(Uint16Array.from([low(signature), high(signature), ...fields.flat()]).buffer);
}
