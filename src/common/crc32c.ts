/**
 * Tables of CRC-32C (Castagnoli's polynomial, least significant bit first): entry `k * 256 + byte` is the checksum of a byte
 * that `k` zero bytes follow, so that eight bytes take one step ("slicing by 8", Kounavis and Berry 2005).
 */
const table = new Uint32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  table[byte] = crc;
}
for (let i = 256; i < table.length; i++) table[i] = table[table[i - 256]! & 255]! ^ (table[i - 256]! >>> 8);

/**
 * CRC-32C (RFC 3720, appendix B.4) as an unsigned 32-bit integer.
 *
 * @param before the checksum of the bytes before these, to continue it. Default: there are none
 */
export function crc32c(data: Uint8Array, before = 0): number {
  let crc = ~before;
  const end = data.length - (data.length % 8);
  let at = 0;
  for (; at < end; at += 8) {
    const low = crc ^ (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24));
    crc =
      table[1792 + (low & 255)]! ^
      table[1536 + ((low >>> 8) & 255)]! ^
      table[1280 + ((low >>> 16) & 255)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + data[at + 4]!]! ^
      table[512 + data[at + 5]!]! ^
      table[256 + data[at + 6]!]! ^
      table[data[at + 7]!]!;
  }
  for (; at < data.length; at++) crc = table[(crc ^ data[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
