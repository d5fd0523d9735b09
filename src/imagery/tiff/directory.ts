import { TruncatedError } from '../truncated.ts';
import type { ByteSource } from '../byte-source.ts';

// Bytes of a value of each type of field (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** A file has at most this many images: masks and overviews, or pages. */
const MAX_DIRECTORIES = 256;

/** Where the values of a field are. */
interface Field {
  readonly type: number;
  readonly count: number;
  readonly at: number;
}

/** One directory: an image, an overview of it, or a mask. */
export interface Directory {
  readonly fields: ReadonlyMap<number, Field>;
  /** The values of a field of integers; empty without the field. */
  numbers(tag: number): Promise<number[]>;
}

/**
 * Reads the directories of a TIFF or BigTIFF file. Rejects unless they and all values that they point to lie within the
 * file: geotiff allocates as much as a field claims to hold.
 */
export async function readDirectories(source: ByteSource): Promise<Directory[]> {
  const start = await view(source, 0, Math.min(source.size, 16));
  if (start.byteLength < 8) throw new TruncatedError(`truncated: the header has ${start.byteLength} bytes`);
  const little = start.getUint8(0) === 0x49;
  const isBig = start.getUint16(2, little) === 43;
  if (isBig && start.byteLength < 16) throw new TruncatedError(`truncated: the header has ${start.byteLength} bytes`);
  const [wordBytes, entryBytes] = isBig ? [8, 20] : [4, 12];
  const word = (data: DataView, at: number): number =>
    isBig ? Number(data.getBigUint64(at, little)) : data.getUint32(at, little);
  const inside = (end: number): void => {
    if (end <= source.size) return;
    throw new TruncatedError(`truncated: a field ends at byte ${end}, but the file has ${source.size}`);
  };
  const directories: Directory[] = [];
  const seen = new Set<number>();
  for (let at = word(start, isBig ? 8 : 4); at !== 0 && directories.length < MAX_DIRECTORIES;) {
    // A damaged chain may lead back to where it was.
    if (seen.has(at)) break;
    seen.add(at);
    const countBytes = isBig ? 8 : 2;
    inside(at + countBytes);
    const head = await view(source, at, countBytes);
    const count = isBig ? word(head, 0) : head.getUint16(0, little);
    const first = at + countBytes;
    inside(first + count * entryBytes + wordBytes);
    const entries = await view(source, first, count * entryBytes + wordBytes);
    const fields = new Map<number, Field>();
    for (let i = 0; i < count; i++) {
      const entry = i * entryBytes;
      const type = entries.getUint16(entry + 2, little);
      const values = word(entries, entry + 4);
      const length = values * (TYPE_BYTES[type] ?? 0);
      const valueAt = entry + 4 + wordBytes;
      const isInline = length <= wordBytes;
      if (!isInline) inside(word(entries, valueAt) + length);
      const field = { type, count: values, at: isInline ? first + valueAt : word(entries, valueAt) };
      fields.set(entries.getUint16(entry, little), field);
    }
    directories.push({ fields, numbers: (tag) => numbers(source, fields.get(tag), little) });
    at = word(entries, count * entryBytes);
  }
  return directories;
}

/** The values of types BYTE, SHORT, LONG and LONG8. geotiff 3.0.5 reads long lists as if the file were little-endian. */
async function numbers(source: ByteSource, field: Field | undefined, little: boolean): Promise<number[]> {
  if (field === undefined) return [];
  const bytes = TYPE_BYTES[field.type] ?? 0;
  const data = await view(source, field.at, bytes * field.count);
  return Array.from({ length: bytes === 0 ? 0 : field.count }, (_, i) => {
    if (bytes === 1) return data.getUint8(i);
    if (bytes === 2) return data.getUint16(2 * i, little);
    return bytes === 4 ? data.getUint32(4 * i, little) : Number(data.getBigUint64(8 * i, little));
  });
}

async function view(source: ByteSource, at: number, length: number): Promise<DataView> {
  return new DataView((await source.read(at, length)).buffer);
}
