const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Bytes in base 64 (RFC 4648), as `btoa` encodes them, but without an intermediate string of one character per byte. */
function base64(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const bits = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => alphabet.charAt((bits >> shift) & 63)).join('');
    const left = bytes.length - i;
    groups.push(left >= 3 ? digits : digits.slice(0, left + 1).padEnd(4, '='));
  }
  return groups.join('');
}

/**
 * A data URI with the bytes of a PNG file, for the `src` of an `<img>`. Throws a RangeError if the bytes do not start with
 * the signature of PNG files.
 */
export function pngDataUri(bytes: Uint8Array): string {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (!signature.every((byte, i) => bytes[i] === byte)) {
    const start = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new RangeError(`pngDataUri: ${bytes.length} bytes that start with "${start}", expected a PNG file`);
  }
  return `data:image/png;base64,${base64(bytes)}`;
}
