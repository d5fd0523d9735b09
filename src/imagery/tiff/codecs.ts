import type { RgbaPixels } from '../rgba-pixels.ts';

/** Codecs of blocks that Node and browsers have each in their own way. */
export interface TiffCodecs {
  /** Inflates zlib data (RFC 1950). Rejects for damaged data, and beyond `maxBytes`. */
  readonly inflate: (packed: Uint8Array<ArrayBuffer>, maxBytes: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Decodes a JPEG file as its Adobe segment says, to RGB. */
  readonly decodeJpeg: (file: Uint8Array<ArrayBuffer>) => Promise<RgbaPixels>;
  readonly decodeWebp: (file: Uint8Array<ArrayBuffer>) => Promise<RgbaPixels>;
}
