import { dropAlpha } from '../image.ts';
import type { LevelType } from '../levels.ts';
import type { RgbaPixels } from '../rgba-pixels.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import { checkJpegBlock, decodeJpegBlock } from './jpeg-block.ts';
import { unpackLzw, unpackPackBits } from './unpack.ts';
import type { TiffCodecs } from './codecs.ts';

/** Numbers of compressions in TIFF files. */
export const NONE = 1;
export const JPEG = 7;
export const LERC = 34887;
const WEBP = 50001;
const ZSTD = 50000;

/** The compressions that can be read, by their numbers. */
export const COMPRESSIONS: Readonly<Record<number, string>> = {
  [NONE]: 'none',
  5: 'LZW',
  [JPEG]: 'JPEG',
  8: 'Deflate',
  32773: 'PackBits',
  32946: 'Deflate',
  [ZSTD]: 'ZSTD',
  [LERC]: 'LERC',
  [WEBP]: 'WebP',
};

/** How the blocks of a TIFF image are packed. */
export interface BlockPacking {
  readonly bands: number;
  readonly type: LevelType;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** True for a plane per band, false for bands that are interleaved. */
  readonly planar: boolean;
  readonly compression: number;
  readonly predictor: number;
  /** Whether JPEG blocks hold luma and chroma. */
  readonly isYCbCr: boolean;
  readonly jpegTables: Uint8Array | undefined;
  /** The tag LercParameters: the version, and the compression of the whole. */
  readonly lercParameters: ArrayLike<number> | undefined;
}

/** geotiff's decoder of JPEG takes a multiple of the memory of its result. */
const MAX_JPEG_BYTES = 2 ** 26;

/** Decodes the bytes of a block to its levels. */
export type BlockDecoder = (packed: Uint8Array<ArrayBuffer>) => Promise<ArrayBufferLike>;

/**
 * Decodes blocks to at most `maxBytes`, so that a small file cannot fill the memory. geotiff undoes predictors, and decodes
 * LERC and JPEG of two, four or more bands (RGB with alpha, infrared): libjpeg knows no colours of so many.
 */
export async function blockDecoder(packing: BlockPacking, maxBytes: number, codecs: TiffCodecs): Promise<BlockDecoder> {
  const { blockWidth, blockHeight, compression, planar, bands, type } = packing;
  if (compression === WEBP) return async (packed) => webpBlock(await codecs.decodeWebp(packed), packing);
  const jpeg = { ...packing, samples: planar ? 1 : bands };
  if (compression === JPEG && (jpeg.samples === 1 || jpeg.samples === 3)) {
    return (packed) => decodeJpegBlock(packed, jpeg, codecs);
  }
  const { getDecoder } = await optionalPackage('geotiff', () => import('geotiff'));
  if (compression === JPEG && maxBytes > MAX_JPEG_BYTES)
    throw new Error(`a JPEG block of ${maxBytes} bytes with ${bands} bands`);
  const isOfGeotiff = compression === JPEG || compression === LERC;
  const parameters = {
    tileWidth: blockWidth,
    tileHeight: blockHeight,
    planarConfiguration: planar ? 2 : 1,
    bitsPerSample: Array.from({ length: bands }, () => type.bits),
    predictor: packing.predictor,
    ...(packing.jpegTables === undefined ? {} : { JPEGTables: packing.jpegTables }),
    // What is around LERC has been undone.
    LercParameters: [4, 0],
  };
  const decoder = await getDecoder(isOfGeotiff ? compression : NONE, parameters);
  const unpack = await unpacker(packing, maxBytes, codecs);
  return async (packed) => {
    if (compression === JPEG) checkJpegBlock(packed, jpeg);
    const bytes = await unpack(packed);
    // With memory of its own: small Buffers of Node share theirs.
    return decoder.decode(bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer);
  };
}

/** Undoes a compression without loss. */
type Unpacker = (packed: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

/** Some writers pad blocks. */
const PADDING = 16;

async function unpacker(packing: BlockPacking, maxBytes: number, codecs: TiffCodecs): Promise<Unpacker> {
  switch (packing.compression) {
    case 5:
      return (packed) => unpackLzw(packed, maxBytes + PADDING);
    case 8:
    case 32946:
      return (packed) => codecs.inflate(packed, maxBytes);
    case 32773:
      return (packed) => unpackPackBits(packed, maxBytes + PADDING);
    case ZSTD:
      return zstdUnpacker(maxBytes);
    case LERC:
      return lercUnpacker(packing, maxBytes, codecs);
    default:
      return (packed) => packed;
  }
}

async function zstdUnpacker(maxBytes: number): Promise<Unpacker> {
  const { ZSTDDecoder } = await optionalPackage('zstddec', () => import('zstddec'));
  const decoder = new ZSTDDecoder();
  await decoder.init();
  // With the size of the output, the package neither believes the size that a frame claims nor streams into a list without
  // end. Of damaged data, or more than fits, it returns nothing.
  return (packed) => new Uint8Array(decoder.decode(packed, maxBytes));
}

/** Bytes around LERC data, beside its levels: headers, masks and the ranges of bands. */
const LERC_EXTRA = 1 << 16;

/** The bytes of a LERC blob, whose header has been checked. */
async function lercUnpacker(packing: BlockPacking, maxBytes: number, { inflate }: TiffCodecs): Promise<Unpacker> {
  const around = packing.lercParameters?.[1] ?? 0;
  if (around > 2) throw new Error(`LERC with the compression ${around}, expected 0, 1 or 2`);
  // LERC never makes data much larger.
  const most = 2 * maxBytes + LERC_EXTRA;
  const unpack: Unpacker =
    around === 1 ? (packed) => inflate(packed, most) : around === 2 ? await zstdUnpacker(most) : (packed) => packed;
  return async (packed) => firstBlob(await unpack(packed), packing);
}

/**
 * The first blob of LERC data; its decoder allocates what the header claims. Throws an Error unless the header (Lerc2 of
 * Esri's specification) describes the block.
 */
function firstBlob(bytes: Uint8Array<ArrayBuffer>, packing: BlockPacking): Uint8Array<ArrayBuffer> {
  const { blockWidth, blockHeight, bands, planar } = packing;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 70 || String.fromCharCode(...bytes.subarray(0, 5)) !== 'Lerc2') throw new Error('not LERC');
  const version = view.getInt32(6, true);
  // Version 3 adds a checksum, version 4 the number of values of a pixel.
  const at = version >= 3 ? 14 : 10;
  const [height, width] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
  const values = version >= 4 ? view.getUint32(at + 8, true) : 1;
  const rest = at + (version >= 4 ? 12 : 8);
  const [microBlock, length] = [view.getInt32(rest + 4, true), view.getInt32(rest + 8, true)];
  if (width !== blockWidth || height > blockHeight || values > (planar ? 1 : bands)) {
    throw new Error(
      `LERC of ${width} x ${height} pixels with ${values} bands in a block of ${blockWidth} x ${blockHeight}`,
    );
  }
  if (microBlock < 1 || length < 70 || length > bytes.length) {
    throw new Error(`LERC of ${length} bytes in parts of ${microBlock} pixels, but there are ${bytes.length} bytes`);
  }
  return bytes.subarray(0, length);
}

function webpBlock(
  { width, height, data }: RgbaPixels,
  { blockWidth, blockHeight, bands, planar }: BlockPacking,
): ArrayBufferLike {
  if (width !== blockWidth || height > blockHeight || planar || (bands !== 3 && bands !== 4)) {
    throw new Error(
      `WebP of ${width} x ${height} pixels in a block of ${blockWidth} x ${blockHeight} with ${bands} bands`,
    );
  }
  return bands === 4 ? new Uint8Array(data).buffer : dropAlpha(data).buffer;
}
