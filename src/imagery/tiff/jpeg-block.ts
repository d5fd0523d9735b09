import { joinBytes } from '../../common/join-bytes.ts';
import { dropAlpha } from '../image.ts';
import { checkJpegScans, jpegSegments, readJpegHeader } from '../jpeg-header.ts';
import type { TiffCodecs } from './codecs.ts';

/** A block of a TIFF file, as its tags describe it. */
export interface JpegBlock {
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** Bands in the block. */
  readonly samples: number;
  /** Whether its components are luma and chroma, which become red, green and blue. */
  readonly isYCbCr: boolean;
  /** The tag JPEGTables: quantisation and Huffman tables that the blocks share. */
  readonly jpegTables: Uint8Array | undefined;
}

/** Throws unless a JPEG image has the size and the bands of its block. */
export function checkJpegBlock(bytes: Uint8Array, { blockWidth, blockHeight, samples }: JpegBlock): void {
  const { width, height, components } = readJpegHeader(bytes);
  if (width !== blockWidth || height > blockHeight) {
    throw new Error(`JPEG of ${width} x ${height} pixels in a block of ${blockWidth} x ${blockHeight}`);
  }
  checkJpegScans(bytes);
  if (components !== samples) throw new Error(`JPEG with ${components} components in a block with ${samples} bands`);
}

/** Decodes a JPEG block of one or three bands to its levels, interleaved. */
export async function decodeJpegBlock(
  packed: Uint8Array,
  block: JpegBlock,
  { decodeJpeg }: TiffCodecs,
): Promise<ArrayBufferLike> {
  checkJpegBlock(packed, block);
  const { data } = await decodeJpeg(completeJpeg(packed, block));
  if (block.samples === 3) return dropAlpha(data).buffer;
  const grey = new Uint8Array(data.length / 4);
  for (let i = 0; i < grey.length; i++) grey[i] = data[i * 4]!;
  return grey.buffer;
}

/**
 * A JPEG file from a block and the tables of its file (TIFF Technical Note 2). The tags of the TIFF file alone tell the
 * colours: application segments (JFIF, Adobe), which would tell others, are replaced by Adobe's with the transform of the
 * tags (ITU-T T.872, section 6.5.3).
 */
function completeJpeg(packed: Uint8Array, { isYCbCr, jpegTables }: JpegBlock): Uint8Array<ArrayBuffer> {
  const transform = isYCbCr ? 1 : 0;
  const name = [...'Adobe'].map((letter) => letter.charCodeAt(0));
  const adobe = Uint8Array.of(0xff, 0xee, 0, 14, ...name, 0, 100, 0, 0, 0, 0, transform);
  const parts: Uint8Array[] = [Uint8Array.of(0xff, 0xd8), adobe];
  for (const bytes of jpegTables === undefined ? [packed] : [jpegTables, packed]) {
    for (const { marker, start, body } of jpegSegments(bytes)) {
      const isApplication = marker >= 0xe0 && marker <= 0xef;
      if (marker === 0xda) parts.push(bytes.subarray(start));
      else if (marker !== 0xd9 && !isApplication) parts.push(bytes.subarray(start, start + 4 + body.length));
    }
  }
  return joinBytes(parts);
}
