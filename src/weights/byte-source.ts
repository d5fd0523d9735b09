/** Bytes that are read in ranges, so that a large file is never in memory as a whole. */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number;
  /** Reads the bytes from `from` to before `to`; both are from 0 to `size`. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** What is used of a Blob or File of a browser, whose types a program without the DOM does not have. */
interface BlobLike {
  readonly size: number;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** What files of weights are read from: bytes in memory, a Blob or File of a browser, or another source of bytes. */
export type Bytes = Uint8Array | BlobLike | ByteSource;

/** A source of the bytes. */
export function sourceOf(bytes: Bytes): ByteSource {
  if (bytes instanceof Uint8Array) {
    return { size: bytes.length, read: (from, to) => Promise.resolve(bytes.subarray(from, to)) };
  }
  if ('read' in bytes) return bytes;
  return {
    size: bytes.size,
    read: async (from, to) => new Uint8Array(await bytes.slice(from, to).arrayBuffer()),
  };
}
