import { TruncatedError } from '../truncated.ts';

// Bytes of a value of each type of field (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/**
 * Throws unless the first directory of a TIFF or BigTIFF file and all values it points to lie within the file: geotiff
 * allocates as much as a field claims to hold.
 */
export function checkDirectory(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const big = view.getUint16(2, little) === 43;
  const word = (at: number): number => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const [wordBytes, entryBytes] = big ? [8, 20] : [4, 12];
  const inside = (end: number): void => {
    if (end <= bytes.length) return;
    throw new TruncatedError(`truncated: a field ends at byte ${end}, but the file has ${bytes.length}`);
  };
  inside(big ? 16 : 8);
  const start = word(big ? 8 : 4);
  inside(start + (big ? 8 : 2));
  const count = big ? word(start) : view.getUint16(start, little);
  const first = start + (big ? 8 : 2);
  inside(first + count * entryBytes + wordBytes);
  for (let i = 0; i < count; i++) {
    const at = first + i * entryBytes;
    const length = word(at + 4) * (TYPE_BYTES[view.getUint16(at + 2, little)] ?? 0);
    if (length > wordBytes) inside(word(at + 4 + wordBytes) + length);
  }
}
