import { TruncatedError } from './truncated.ts';

/** Bytes that are read in parts: a file, a resource of a web server, or memory. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** Reads `length` bytes from `at` on. Rejects with a `TruncatedError` if the source ends before. */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes in memory, of which reads are copies. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(at, length) {
      checkPart(bytes.length, at, length);
      // `slice` of a Buffer would not copy.
      return new Uint8Array(bytes.subarray(at, at + length));
    },
  };
}

/** A file that a page was given, or another Blob. */
export const blobSource = (blob: BlobLike): ByteSource => ({
  size: blob.size,
  async read(at, length) {
    checkPart(blob.size, at, length);
    return new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
  },
});

/** What is used of a Blob, which the library's configuration has no type of. */
export interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** Throws a `TruncatedError` unless a part lies within `size` bytes. */
export function checkPart(size: number, at: number, length: number): void {
  if (at >= 0 && length >= 0 && at + length <= size) return;
  throw new TruncatedError(`truncated: a part ends at byte ${at + length}, but the file has ${size}`);
}
