import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { GeoTIFFImage } from 'geotiff';
import { reasonOf } from '../../common/check.ts';
import { TruncatedError } from '../truncated.ts';
import type { PixelWindow } from '../types.ts';
import { readJpegHeader } from './jpeg.ts';
import { optionalPackage } from './optional-package.ts';

const inflateAsync = promisify(inflate);

const NONE = 1;
const JPEG = 7;
/** LZW, Deflate by its two numbers, and Zstandard: compressions before which a predictor may have been applied. */
const PREDICTED: readonly number[] = [5, 8, 32946, 50000];
const COMPRESSIONS: Readonly<Record<number, string>> = {
  1: 'none',
  5: 'LZW',
  7: 'JPEG',
  8: 'Deflate',
  32773: 'PackBits',
  32946: 'Deflate',
  50000: 'ZSTD',
};
const UNSUPPORTED: Readonly<Record<number, string>> = {
  6: 'old JPEG',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50001: 'WebP',
};

/** Where the blocks (strips or tiles) of a TIFF file are, and how they are packed. */
export interface BlockLayout {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly bytesPerSample: 1 | 2;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** True for a plane per band, false for bands that are interleaved. */
  readonly planar: boolean;
  readonly tiled: boolean;
  readonly compression: number;
  readonly predictor: number;
  readonly littleEndian: boolean;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
  readonly jpegTables: Uint8Array | undefined;
}

/** Reads and checks the tags that describe the blocks, so that a damaged file is an error rather than black pixels. */
export async function readBlockLayout(
  image: GeoTIFFImage,
  fileBytes: number,
  size: { width: number; height: number; bands: number; bytesPerSample: 1 | 2 },
): Promise<BlockLayout> {
  const directory = image.fileDirectory;
  const tiled = image.isTiled;
  const compression = directory.getValue('Compression') ?? NONE;
  checkCompression(compression);
  // With other compressions the tag means nothing, and may hold anything.
  const predictor = PREDICTED.includes(compression) ? Number((await directory.loadValue('Predictor')) ?? 1) : 1;
  const [offsetTag, countTag] = tiled
    ? (['TileOffsets', 'TileByteCounts'] as const)
    : (['StripOffsets', 'StripByteCounts'] as const);
  // geotiff 3.0.5 reads such lists, and 16-bit predictors, as if the file were little-endian.
  if (!image.littleEndian && (directory.deferredArrays.size > 0 || (predictor !== 1 && size.bytesPerSample === 2))) {
    throw new Error(
      'big-endian with many strips or a predictor is not supported: rewrite the file with gdal_translate',
    );
  }
  if (predictor !== 1 && predictor !== 2) throw new Error(`predictor ${predictor} is not supported for integers`);
  const layout: BlockLayout = {
    ...size,
    blockWidth: image.getTileWidth(),
    blockHeight: image.getTileHeight(),
    planar: image.planarConfiguration === 2,
    tiled,
    compression,
    predictor,
    littleEndian: image.littleEndian,
    offsets: numbers(await directory.loadValue(offsetTag)),
    byteCounts: numbers(await directory.loadValue(countTag)),
    jpegTables:
      compression === JPEG ? ((await directory.loadValue('JPEGTables')) as Uint8Array | undefined) : undefined,
  };
  checkLayout(layout, fileBytes);
  return layout;
}

function checkCompression(compression: number): void {
  if (compression in COMPRESSIONS) return;
  const supported = [...new Set(Object.values(COMPRESSIONS))].join(', ');
  throw new Error(
    `compression ${compression} (${UNSUPPORTED[compression] ?? 'unknown'}) is not supported, only ${supported}: ` +
      'rewrite the file with gdal_translate -co COMPRESS=DEFLATE',
  );
}

/** The numbers of a tag, which geotiff gives as a number, an array or a typed array. */
function numbers(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return [];
  return Array.from(value as unknown as ArrayLike<number>, Number);
}

function checkLayout(layout: BlockLayout, fileBytes: number): void {
  const { blockWidth, blockHeight, offsets, byteCounts } = layout;
  const { across, down, planes } = blockGrid(layout);
  // Blocks may be larger than the image, by up to the largest block size.
  if (
    !(blockWidth >= 1 && blockHeight >= 1) ||
    blockWidth > layout.width + 65_535 ||
    blockHeight > layout.height + 65_535
  ) {
    throw new Error(`damaged: blocks of ${blockWidth} x ${blockHeight} pixels`);
  }
  const count = across * down * planes;
  if (offsets.length < count || byteCounts.length < count) {
    throw new Error(`damaged: ${Math.min(offsets.length, byteCounts.length)} blocks are listed, expected ${count}`);
  }
  for (let i = 0; i < count; i++) {
    const end = offsets[i]! + byteCounts[i]!;
    if (!(end <= fileBytes)) {
      throw new TruncatedError(`truncated: block ${i} ends at byte ${end}, but the file has ${fileBytes}`);
    }
  }
}

function blockGrid(layout: BlockLayout): { across: number; down: number; planes: number } {
  return {
    across: Math.ceil(layout.width / layout.blockWidth),
    down: Math.ceil(layout.height / layout.blockHeight),
    planes: layout.planar ? layout.bands : 1,
  };
}

/**
 * Reads bands (numbered from 0) of the pixels in a window, interleaved, from the blocks that overlap it. Rejects for blocks
 * with too few bytes. Deflate is inflated by zlib on another thread with a limit, so that a small file cannot fill the
 * memory.
 */
export async function readBlocks(
  file: Uint8Array,
  layout: BlockLayout,
  bands: readonly number[],
  window: PixelWindow,
): Promise<Uint8Array | Uint16Array> {
  const { bytesPerSample, planar, blockWidth, blockHeight } = layout;
  const pixels = window.width * window.height * bands.length;
  const out = bytesPerSample === 1 ? new Uint8Array(pixels) : new Uint16Array(pixels);
  const decode = await blockDecoder(layout);
  const { across, down } = blockGrid(layout);
  const [right, bottom] = [window.x + window.width, window.y + window.height];
  for (let row = Math.floor(window.y / blockHeight); row * blockHeight < bottom; row++) {
    for (let column = Math.floor(window.x / blockWidth); column * blockWidth < right; column++) {
      const blocks = new Map<number, DataView>();
      for (const [to, band] of bands.entries()) {
        const plane = planar ? band : 0;
        const index = (plane * down + row) * across + column;
        const block = blocks.get(plane) ?? (await decode(file, index, row));
        blocks.set(plane, block);
        copyBand(out, window, block, layout, { row, column, from: planar ? 0 : band, to, count: bands.length });
      }
    }
  }
  return out;
}

type BlockDecoder = (file: Uint8Array, index: number, row: number) => Promise<DataView>;

async function blockDecoder(layout: BlockLayout): Promise<BlockDecoder> {
  const { blockWidth, blockHeight, compression, bytesPerSample, planar, bands, predictor } = layout;
  const { getDecoder } = await optionalPackage('geotiff', () => import('geotiff'));
  const isDeflate = compression === 8 || compression === 32946;
  const samples = planar ? 1 : bands;
  const decoder = await getDecoder(isDeflate ? NONE : compression, {
    tileWidth: blockWidth,
    tileHeight: blockHeight,
    planarConfiguration: planar ? 2 : 1,
    bitsPerSample: Array.from({ length: bands }, () => bytesPerSample * 8),
    predictor,
    ...(layout.jpegTables === undefined ? {} : { JPEGTables: layout.jpegTables }),
  });
  const rowBytes = blockWidth * samples * bytesPerSample;
  return async (file, index, row) => {
    // The last strip has the remaining rows only; tiles are always complete.
    const rows = layout.tiled ? blockHeight : Math.min(blockHeight, layout.height - row * blockHeight);
    const offset = layout.offsets[index]!;
    const length = layout.byteCounts[index]!;
    // GDAL omits blocks that are all zeros (sparse files).
    if (length === 0) return new DataView(new ArrayBuffer(rowBytes * rows));
    let packed = file.slice(offset, offset + length);
    try {
      if (isDeflate) packed = new Uint8Array(await inflateAsync(packed, { maxOutputLength: rowBytes * blockHeight }));
      if (compression === JPEG) checkJpegBlock(packed, blockWidth, blockHeight);
      const block = await decoder.decode(packed.buffer);
      if (block.byteLength < rowBytes * rows) {
        throw new Error(`${block.byteLength} bytes of pixels, expected ${rowBytes * rows}`);
      }
      return new DataView(block);
    } catch (error) {
      throw new Error(`damaged: block ${index}: ${reasonOf(error)}`, { cause: error });
    }
  };
}

function checkJpegBlock(bytes: Uint8Array, blockWidth: number, blockHeight: number): void {
  const { width, height } = readJpegHeader(bytes);
  if (width !== blockWidth || height > blockHeight) {
    throw new Error(`JPEG of ${width} x ${height} pixels in a block of ${blockWidth} x ${blockHeight}`);
  }
}

/** Copies band `from` of the pixels that a block and a window share to band `to` of `count` of the window's pixels. */
function copyBand(
  out: Uint8Array | Uint16Array,
  window: PixelWindow,
  block: DataView,
  layout: BlockLayout,
  at: { row: number; column: number; from: number; to: number; count: number },
): void {
  const { blockWidth, blockHeight, bytesPerSample, littleEndian } = layout;
  const [x0, y0] = [at.column * blockWidth, at.row * blockHeight];
  const [left, top] = [Math.max(x0, window.x), Math.max(y0, window.y)];
  const [right, bottom] = [
    Math.min(x0 + blockWidth, window.x + window.width),
    Math.min(y0 + blockHeight, window.y + window.height),
  ];
  const step = (layout.planar ? 1 : layout.bands) * bytesPerSample;
  for (let y = top; y < bottom; y++) {
    let source = ((y - y0) * blockWidth + left - x0) * step + at.from * bytesPerSample;
    let target = ((y - window.y) * window.width + left - window.x) * at.count + at.to;
    for (let x = left; x < right; x++, source += step, target += at.count) {
      out[target] = bytesPerSample === 1 ? block.getUint8(source) : block.getUint16(source, littleEndian);
    }
  }
}
