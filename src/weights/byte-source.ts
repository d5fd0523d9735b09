/** Bytes that are read in ranges, so that a large file is never in memory as a whole. */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number;
  /** Reads the bytes from `from` to before `to`; both are from 0 to `size`. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** What files of weights are read from: bytes in memory, a Blob or File of a browser, or another source of bytes. */
export type Bytes = Uint8Array | Blob | ByteSource;

/** A source of the bytes. */
export function sourceOf(bytes: Bytes): ByteSource {
  if (bytes instanceof Uint8Array) {
    return { size: bytes.length, read: (from, to) => Promise.resolve(bytes.subarray(from, to)) };
  }
  if (bytes instanceof Blob) {
    return {
      size: bytes.size,
      read: async (from, to) => new Uint8Array(await bytes.slice(from, to).arrayBuffer()),
    };
  }
  return bytes;
}
