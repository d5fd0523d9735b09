import type { ByteSource } from './byte-source.ts';

// The table of contents of a ZIP file, as PyTorch writes it: entries are stored, not compressed, so that a tensor is a range of
// the file. What is needed is where each entry lies, also beyond 4 GB (Zip64). docs/decisions/022 says why this is not a
// library. Local headers are only used for their lengths: PyTorch writes no sizes there.

/** Range of an entry in the file. */
export interface ZipEntry {
  readonly from: number;
  readonly to: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Maximum length of the comment at the end of a file. */
const MAX_COMMENT = 0xffff;
/** Maximum number of entries: a file has one per storage. */
const MAX_ENTRIES = 100_000;

/**
 * Reads the table of contents.
 *
 * @throws Error with the reason, without the name of the file
 */
export async function readZip(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { from, to, count } = await readEnd(source);
  if (count > MAX_ENTRIES || to - from > MAX_ENTRIES * 1000) {
    throw new Error(`its table of contents has ${count} entries in ${to - from} bytes, the maximum is ${MAX_ENTRIES}`);
  }
  const bytes = await source.read(from, to);
  const view = viewOf(bytes);
  const headers = new Map<string, { at: number; size: number }>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { name, ...header } = readEntry(bytes, view, at);
    if (headers.has(name)) throw new Error(`it has two entries ${JSON.stringify(name)}`);
    if (header.at + LOCAL_BYTES + header.size > from) throw new Error(`${JSON.stringify(name)} reaches past the end`);
    headers.set(name, header);
    at = header.next;
  }
  if (at !== bytes.length) throw new Error('its table of contents has another length than it claims');
  const entries = new Map<string, ZipEntry>();
  for (const [name, header] of headers) entries.set(name, await locate(source, header, from));
  checkOverlaps(entries);
  return entries;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** An integer of eight bytes. */
function long(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw new Error(`it claims a position of ${value} bytes`);
  return value;
}

/** Range of the table of contents, and number of its entries, from the record at the end of the file. */
async function readEnd(source: ByteSource): Promise<{ from: number; to: number; count: number }> {
  const { size } = source;
  const start = Math.max(0, size - END_BYTES - MAX_COMMENT - LOCATOR64_BYTES);
  const tail = await source.read(start, size);
  const view = viewOf(tail);
  let at = tail.length - END_BYTES;
  // The comment ends where the file does, or this is not the record.
  const isEnd = (): boolean =>
    view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === tail.length;
  while (at >= 0 && !isEnd()) at--;
  if (at < 0) throw new Error('it has no end: it is truncated, or not a ZIP file');
  const locator = at - LOCATOR64_BYTES;
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR64) {
    return readEnd64(source, long(view, locator + 8), start + locator);
  }
  const count = view.getUint16(at + 10, true);
  const [length, from] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count)
    throw new Error('it has several parts');
  if (from + length > start + at) throw new Error('its table of contents reaches past the end');
  return { from, to: from + length, count };
}

async function readEnd64(
  source: ByteSource,
  at: number,
  limit: number,
): Promise<{ from: number; to: number; count: number }> {
  if (at + END64_BYTES > limit) throw new Error('its Zip64 record reaches past the end');
  const view = viewOf(await source.read(at, at + END64_BYTES));
  if (view.getUint32(0, true) !== END64) throw new Error('its Zip64 record is damaged');
  const count = long(view, 32);
  const [length, from] = [long(view, 40), long(view, 48)];
  if (long(view, 24) !== count) throw new Error('it has several parts');
  if (from + length > at) throw new Error('its table of contents reaches past the end');
  return { from, to: from + length, count };
}

/** An entry of the table of contents: position of its local header, and size. */
function readEntry(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { name: string; at: number; size: number; next: number } {
  if (at + ENTRY_BYTES > bytes.length || view.getUint32(at, true) !== ENTRY) {
    throw new Error('its table of contents is damaged');
  }
  const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
  const extra = at + ENTRY_BYTES + nameLength;
  const next = extra + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) throw new Error('its table of contents is damaged');
  const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, extra));
  const method = view.getUint16(at + 10, true);
  if (method !== 0)
    throw new Error(`${JSON.stringify(name)} is compressed (method ${method}), which PyTorch never does`);
  if ((view.getUint16(at + 8, true) & 1) !== 0) throw new Error(`${JSON.stringify(name)} is encrypted`);
  const fields = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const [size, stored, position] = withZip64(fields, view, extra, extra + extraLength) as [number, number, number];
  if (size !== stored) throw new Error(`${JSON.stringify(name)} is stored, but has two sizes`);
  return { name, at: position, size, next };
}

/** Fields of four bytes, where all ones mean eight bytes in the Zip64 field between `from` and `to`, in this order. */
function withZip64(fields: readonly number[], view: DataView, from: number, to: number): number[] {
  const FULL = 0xffffffff;
  if (!fields.includes(FULL)) return [...fields];
  for (let at = from; at + 4 <= to;) {
    const end = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) !== 1) {
      at = end;
      continue;
    }
    let next = at + 4;
    return fields.map((field) => {
      if (field !== FULL) return field;
      next += 8;
      if (next > Math.min(end, to)) throw new Error('a Zip64 field is damaged');
      return long(view, next - 8);
    });
  }
  throw new Error('a Zip64 field is missing');
}

/** The range of an entry: after its local header, whose name and extra field have lengths of their own. */
async function locate(source: ByteSource, { at, size }: { at: number; size: number }, end: number): Promise<ZipEntry> {
  const view = viewOf(await source.read(at, at + LOCAL_BYTES));
  if (view.getUint32(0, true) !== LOCAL) throw new Error('the header of an entry is damaged');
  const from = at + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (from + size > end) throw new Error('an entry reaches past the end');
  return { from, to: from + size };
}

/** Entries that share bytes make a small file claim a large content. */
function checkOverlaps(entries: ReadonlyMap<string, ZipEntry>): void {
  let end = 0;
  for (const [name, { from, to }] of [...entries].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    if (from < end) throw new Error(`${JSON.stringify(name)} overlaps another entry`);
    end = to;
  }
}
