// Decompression of LZW and PackBits (TIFF 6.0, sections 9 and 13) with a limit: geotiff's own decoders grow lists of numbers as
// long as the data says, so that a file of some kB ends the process.

const CLEAR = 256;
const END = 257;
/** Codes have 9 to 12 bits. */
const MAX_CODES = 4096;

/** Inflates LZW data. Throws an Error for a code that is not in the table, and beyond `maxBytes`. */
export function unpackLzw(packed: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(maxBytes);
  // An entry of the table is the bytes of an earlier entry and one more: they are found in the output, where it was last written.
  const starts = new Uint32Array(MAX_CODES);
  const lengths = new Uint32Array(MAX_CODES);
  let filled = 0;
  let next = END + 1;
  let bits = 9;
  let previous = -1;
  let held = 0;
  let heldBits = 0;
  for (let at = 0; ;) {
    while (heldBits < bits && at < packed.length) {
      held = ((held << 8) | packed[at++]!) & 0xffffff;
      heldBits += 8;
    }
    if (heldBits < bits) break;
    heldBits -= bits;
    const code = (held >>> heldBits) & ((1 << bits) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      [next, bits, previous] = [END + 1, 9, -1];
      continue;
    }
    // Each code but the first after a clearing adds an entry: the bytes of the code before it, and the first of this one.
    if (previous >= 0 && next < MAX_CODES) {
      starts[next] = filled - previous;
      lengths[next] = previous + 1;
      next++;
    }
    if (code >= next) throw new Error(`LZW code ${code} is not in the table`);
    previous = code < CLEAR ? 1 : lengths[code]!;
    const end = filled + previous;
    if (end > maxBytes) throw tooLong(maxBytes);
    if (code < CLEAR) out[filled++] = code;
    // Byte by byte: the entry that was just added overlaps what is written.
    else for (let from = starts[code]!; filled < end;) out[filled++] = out[from++]!;
    // One code early (TIFF 6.0, section 13).
    if (next + 1 >= 1 << bits && bits < 12) bits++;
  }
  return out.subarray(0, filled);
}

const tooLong = (maxBytes: number): Error => new Error(`more than ${maxBytes} bytes of pixels`);

/** Inflates PackBits data; missing bytes are left out. Throws an Error beyond `maxBytes`. */
export function unpackPackBits(packed: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(maxBytes);
  let filled = 0;
  for (let at = 0; at + 1 < packed.length;) {
    const header = packed[at++]!;
    // Without a meaning.
    if (header === 128) continue;
    const length = header > 128 ? 257 - header : Math.min(header + 1, packed.length - at);
    if (filled + length > maxBytes) throw tooLong(maxBytes);
    if (header > 128) out.fill(packed[at]!, filled, filled + length);
    else out.set(packed.subarray(at, at + length), filled);
    at += header > 128 ? 1 : length;
    filled += length;
  }
  return out.subarray(0, filled);
}
