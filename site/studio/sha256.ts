/** SHA-256 in hexadecimal. */
export async function sha256(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Bytes that are hashed at a time: browsers hash no stream, and a raster may be larger than the memory. */
const PART = 2 ** 26;

/** SHA-256 of a file or, if that is large, of the hashes of its parts. */
export async function hashOfFile(file: Blob): Promise<string> {
  const hashes: string[] = [];
  for (let at = 0; at < Math.max(1, file.size); at += PART) {
    hashes.push(await sha256(await file.slice(at, at + PART).arrayBuffer()));
  }
  return hashes.length === 1 ? hashes[0]! : sha256(new TextEncoder().encode(hashes.join('')));
}
