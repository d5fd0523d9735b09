/** Bytes before the header: the signature. */
const SIGNATURE_BYTES = 8;
/** Bytes of a node of the index: a box and an offset. */
const NODE_BYTES = 40;

/** What an entry of the schema (header.fbs, feature.fbs) is: its number in the table. */
const COLUMNS = 7;
const FEATURES_COUNT = 8;
const INDEX_NODE_SIZE = 9;
const GEOMETRY = 0;
const PARTS = 7;

/**
 * Throws an Error unless the header and the features of a FlatGeobuf file lie within it, with lists that are not longer: the
 * package believes every length, and does not end for some of them. Returns whether the file has features.
 */
export function checkFlatGeobuf(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const header = sized(view, SIGNATURE_BYTES);
    listAt(view, header.table, COLUMNS);
    const count = fieldAt(view, header.table, FEATURES_COUNT);
    const features = count === 0 ? 0 : Number(view.getBigUint64(count, true));
    const size = fieldAt(view, header.table, INDEX_NODE_SIZE);
    const nodeSize = size === 0 ? 16 : view.getUint16(size, true);
    if (header.end === bytes.length) {
      if (features > 0) throw new RangeError(`the file ends before the first of its ${features} features`);
      return false;
    }
    if (features === 0 && nodeSize > 0) throw new RangeError('an index of no features');
    let at = header.end + (nodeSize > 0 ? indexBytes(features, nodeSize) : 0);
    if (at > bytes.length) throw new RangeError('an index beyond the end of the file');
    while (at < bytes.length) {
      const feature = sized(view, at);
      const geometry = fieldAt(view, feature.table, GEOMETRY);
      if (geometry !== 0) checkParts(view, indirect(view, geometry), feature.end - at);
      at = feature.end;
    }
    return true;
  } catch (error) {
    throw new Error(`damaged or truncated: ${(error as Error).message}`, { cause: error });
  }
}

/** A table behind its length. */
function sized(view: DataView, at: number): { readonly table: number; readonly end: number } {
  const end = at + 4 + view.getUint32(at, true);
  if (end > view.byteLength) throw new RangeError(`a part ends at byte ${end}, but the file has ${view.byteLength}`);
  return { table: indirect(view, at + 4), end };
}

const indirect = (view: DataView, at: number): number => at + view.getUint32(at, true);

/** The position of an entry of a table; 0 if it is left out. */
function fieldAt(view: DataView, table: number, entry: number): number {
  const names = table - view.getInt32(table, true);
  const at = 4 + 2 * entry;
  // Signed, as the package takes them.
  const offset = at < view.getInt16(names, true) ? view.getInt16(names + at, true) : 0;
  return offset === 0 ? 0 : table + offset;
}

/** Position and length of a list of tables. */
function listAt(view: DataView, table: number, entry: number): { readonly at: number; readonly length: number } {
  const field = fieldAt(view, table, entry);
  if (field === 0) return { at: 0, length: 0 };
  const at = indirect(view, field);
  const length = view.getUint32(at, true);
  if (at + 4 + 4 * length > view.byteLength) throw new RangeError(`a list of ${length} entries`);
  return { at: at + 4, length };
}

/** Parts may have parts, in no more tables than there is room for; one that is its own part would never end. */
function checkParts(view: DataView, geometry: number, room: number): void {
  const open = [geometry];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > room / 4) throw new RangeError('parts of geometries inside each other');
    const { at, length } = listAt(view, open.pop()!, PARTS);
    for (let i = 0; i < length; i++) open.push(indirect(view, at + 4 * i));
  }
}

/** Bytes of the packed Hilbert R-tree. */
function indexBytes(features: number, nodeSize: number): number {
  const size = Math.max(2, nodeSize);
  let nodes = features;
  for (let level = features; level > 1;) nodes += level = Math.ceil(level / size);
  // The tree of one feature has a root.
  return (features === 1 ? 2 : nodes) * NODE_BYTES;
}
