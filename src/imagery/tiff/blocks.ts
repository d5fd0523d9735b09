import type { GeoTIFFImage } from 'geotiff';
import { reasonOf } from '../../common/check.ts';
import { levelGetter, newLevels, type Levels, type LevelType } from '../levels.ts';
import { TruncatedError } from '../truncated.ts';
import type { PixelWindow } from '../types.ts';
import { BlockCache } from './block-cache.ts';
import type { ByteSource } from '../byte-source.ts';
import { checkBlockBytes, MAX_DECODING_BYTES, type ImageLimits } from '../limits.ts';
import { blockDecoder, COMPRESSIONS, JPEG, LERC, NONE, type BlockDecoder, type BlockPacking } from './decoders.ts';
import type { TiffCodecs } from './codecs.ts';
import type { Directory } from './directory.ts';

/** LZW, Deflate by its two numbers, and Zstandard: compressions before which a predictor may have been applied. */
const PREDICTED: readonly number[] = [5, 8, 32946, 50000];
const UNSUPPORTED: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'CCITT',
  4: 'CCITT',
  6: 'old JPEG',
  34712: 'JPEG 2000',
  34925: 'LZMA',
  50002: 'JPEG XL',
};

/** A strip without compression is read in parts of about this many bytes. */
const PART_BYTES = 1 << 20;
/** Blocks of a window that are read at the same time. */
const READS = 8;

/** Where the blocks (strips or tiles) of a TIFF image are, and how they are packed. */
export interface BlockLayout extends BlockPacking {
  readonly width: number;
  readonly height: number;
  /** Whether a level is one bit, as in masks. The eight of a byte begin with the highest. */
  readonly isBits: boolean;
  readonly tiled: boolean;
  readonly littleEndian: boolean;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

/** Reads and checks the tags that describe the blocks, so that a damaged file is an error rather than black pixels. */
export async function readBlockLayout(
  image: GeoTIFFImage,
  tags: Directory,
  fileBytes: number,
  levels: { width: number; height: number; bands: number; type: LevelType; isBits: boolean },
  limits: ImageLimits,
): Promise<BlockLayout> {
  const directory = image.fileDirectory;
  const tiled = image.isTiled;
  const compression = directory.getValue('Compression') ?? NONE;
  checkCompression(compression);
  // With other compressions the tag means nothing, and may hold anything.
  const predictor = PREDICTED.includes(compression) ? Number((await directory.loadValue('Predictor')) ?? 1) : 1;
  const { bits, kind } = levels.type;
  if (![1, 2, 3].includes(predictor) || (predictor === 3 && kind !== 'float')) {
    throw new Error(
      `predictor ${predictor} is not supported for ${kind === 'float' ? 'floating-point numbers' : 'integers'}`,
    );
  }
  // geotiff 3.0.5 adds the differences as if the file were little-endian.
  if (!image.littleEndian && predictor !== 1 && bits > 8) {
    throw new Error('big-endian with a predictor is not supported: rewrite the file with gdal_translate');
  }
  const [offsetTag, countTag] = tiled ? [324, 325] : [273, 279];
  const layout: BlockLayout = {
    ...levels,
    blockWidth: image.getTileWidth(),
    blockHeight: Math.min(image.getTileHeight(), tiled ? Infinity : levels.height),
    planar: image.planarConfiguration === 2,
    tiled,
    compression,
    predictor,
    // LERC's decoder writes numbers in the order of the machine.
    littleEndian: image.littleEndian || compression === LERC,
    offsets: await tags.numbers(offsetTag!),
    byteCounts: await tags.numbers(countTag!),
    isYCbCr: Number(directory.getValue('PhotometricInterpretation') ?? 1) === 6,
    jpegTables:
      compression === JPEG ? ((await directory.loadValue('JPEGTables')) as Uint8Array | undefined) : undefined,
    lercParameters:
      compression === LERC
        ? ((await directory.loadValue('LercParameters')) as ArrayLike<number> | undefined)
        : undefined,
  };
  checkLayout(layout, fileBytes, limits);
  return dividedStrips(layout);
}

function checkCompression(compression: number): void {
  if (compression in COMPRESSIONS) return;
  const supported = [...new Set(Object.values(COMPRESSIONS))].join(', ');
  throw new Error(
    `compression ${compression} (${UNSUPPORTED[compression] ?? 'unknown'}) is not supported, only ${supported}: ` +
      'rewrite the file with gdal_translate -co COMPRESS=DEFLATE',
  );
}

/** Bytes of a row of a block. */
function rowBytesOf({ blockWidth, bands, planar, isBits, type }: BlockLayout): number {
  const levels = blockWidth * (planar ? 1 : bands);
  return isBits ? Math.ceil(levels / 8) : (levels * type.bits) / 8;
}

/** Bytes of a decoded block. */
const blockBytesOf = (layout: BlockLayout): number => rowBytesOf(layout) * layout.blockHeight;

function checkLayout(layout: BlockLayout, fileBytes: number, limits: ImageLimits): void {
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
  if (layout.compression !== NONE) checkBlockBytes(layout, blockBytesOf(layout), limits);
}

/** Strips without compression, however large, as strips of a few rows: any rows of them can be read. */
function dividedStrips(layout: BlockLayout): BlockLayout {
  const { blockHeight, height, offsets, byteCounts } = layout;
  const rowBytes = rowBytesOf(layout);
  const most = Math.max(1, Math.floor(PART_BYTES / rowBytes));
  if (layout.compression !== NONE || layout.tiled || blockHeight <= most) return layout;
  const { down, planes } = blockGrid(layout);
  // Parts must not reach into the next strip, which may be anywhere in the file.
  const rows = down === 1 ? most : largestDivisor(blockHeight, most);
  const parts: { readonly offset: number; readonly bytes: number }[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let top = 0; top < height; top += rows) {
      const strip = plane * down + Math.floor(top / blockHeight);
      const skipped = (top % blockHeight) * rowBytes;
      const bytes = Math.min(rows, height - top) * rowBytes;
      // Sparse or too short: an error, or zeros, of the strip as a whole.
      if (skipped + bytes > byteCounts[strip]!) return layout;
      parts.push({ offset: offsets[strip]! + skipped, bytes });
    }
  }
  return {
    ...layout,
    blockHeight: rows,
    offsets: parts.map(({ offset }) => offset),
    byteCounts: parts.map(({ bytes }) => bytes),
  };
}

/** The largest divisor of `value` that is not larger than `most`. */
function largestDivisor(value: number, most: number): number {
  for (let divisor = most; ; divisor--) if (value % divisor === 0) return divisor;
}

function blockGrid({ width, height, blockWidth, blockHeight, planar, bands }: BlockLayout): {
  across: number;
  down: number;
  planes: number;
} {
  return { across: Math.ceil(width / blockWidth), down: Math.ceil(height / blockHeight), planes: planar ? bands : 1 };
}

/** Reads the pixels of one image of a TIFF file. Decoded blocks are kept for the next window, in a memory shared by all files. */
export class BlockReader {
  readonly #source: ByteSource;
  readonly #layout: BlockLayout;
  readonly #codecs: TiffCodecs;
  #decoder: Promise<BlockDecoder> | null = null;

  constructor(source: ByteSource, layout: BlockLayout, codecs: TiffCodecs) {
    this.#source = source;
    this.#layout = layout;
    this.#codecs = codecs;
  }

  /**
   * Reads bands (numbered from 0) of the pixels in a window, interleaved, from the blocks that overlap it. Rejects for
   * blocks with too few bytes.
   */
  async read(bands: readonly number[], window: PixelWindow): Promise<Levels> {
    const layout = this.#layout;
    const { planar, blockWidth, blockHeight, type } = layout;
    const out = newLevels(type, window.width * window.height * bands.length);
    const { across, down } = blockGrid(layout);
    const planes = planar ? [...new Set(bands)] : [0];
    const places: { readonly row: number; readonly column: number; readonly plane: number }[] = [];
    const [right, bottom] = [window.x + window.width, window.y + window.height];
    for (let row = Math.floor(window.y / blockHeight); row * blockHeight < bottom; row++) {
      for (let column = Math.floor(window.x / blockWidth); column * blockWidth < right; column++) {
        for (const plane of planes) places.push({ row, column, plane });
      }
    }
    const copyNext = async (): Promise<void> => {
      for (let place = places.shift(); place !== undefined; place = places.shift()) {
        const { row, column, plane } = place;
        const index = (plane * down + row) * across + column;
        // GDAL omits blocks that are all zeros (sparse files).
        if (layout.byteCounts[index] === 0) continue;
        const block = await this.#block(index, row);
        for (const [to, band] of bands.entries()) {
          if (planar && band !== plane) continue;
          copyBand(out, window, block, layout, { row, column, from: planar ? 0 : band, to, count: bands.length });
        }
      }
    };
    const reads = Math.max(1, Math.min(READS, places.length, Math.floor(MAX_DECODING_BYTES / blockBytesOf(layout))));
    await Promise.all(Array.from({ length: reads }, copyNext));
    return out;
  }

  async #block(index: number, row: number): Promise<DataView> {
    return BlockCache.shared.get(this, index, async () => {
      this.#decoder ??= blockDecoder(this.#layout, blockBytesOf(this.#layout), this.#codecs);
      const { offsets, byteCounts, height, blockHeight, tiled } = this.#layout;
      // The last strip has the remaining rows only; tiles are always complete.
      const rows = tiled ? blockHeight : Math.min(blockHeight, height - row * blockHeight);
      const bytes = rowBytesOf(this.#layout) * rows;
      const length = byteCounts[index]!;
      try {
        const block = await (await this.#decoder)(await this.#source.read(offsets[index]!, length));
        if (block.byteLength < bytes) throw new Error(`${block.byteLength} bytes of pixels, expected ${bytes}`);
        return new DataView(block);
      } catch (error) {
        throw new Error(`damaged: block ${index}: ${reasonOf(error)}`, { cause: error });
      }
    });
  }
}

/** Copies band `from` of the pixels that a block and a window share to band `to` of `count` of the window's pixels. */
function copyBand(
  out: Levels,
  window: PixelWindow,
  block: DataView,
  layout: BlockLayout,
  at: { row: number; column: number; from: number; to: number; count: number },
): void {
  const { blockWidth, blockHeight, littleEndian, type, isBits } = layout;
  const [x0, y0] = [at.column * blockWidth, at.row * blockHeight];
  const [left, top] = [Math.max(x0, window.x), Math.max(y0, window.y)];
  const [right, bottom] = [
    Math.min(x0 + blockWidth, window.x + window.width),
    Math.min(y0 + blockHeight, window.y + window.height),
  ];
  const samples = layout.planar ? 1 : layout.bands;
  const bytes = type.bits / 8;
  const rowBytes = rowBytesOf(layout);
  const get = levelGetter(type, littleEndian);
  // Most images have unsigned bytes, which need no call for each level.
  const plain =
    type.bits === 8 && type.kind === 'unsigned' && !isBits
      ? new Uint8Array(block.buffer, block.byteOffset, block.byteLength)
      : null;
  for (let y = top; y < bottom; y++) {
    let sample = (left - x0) * samples + at.from;
    let target = ((y - window.y) * window.width + left - window.x) * at.count + at.to;
    const start = (y - y0) * rowBytes;
    if (plain !== null) {
      const end = start + (right - x0) * samples;
      for (let from = start + sample; from < end; from += samples, target += at.count) out[target] = plain[from]!;
      continue;
    }
    for (let x = left; x < right; x++, sample += samples, target += at.count) {
      out[target] = isBits
        ? (block.getUint8(start + (sample >> 3)) >> (7 - (sample & 7))) & 1
        : get(block, start + sample * bytes);
    }
  }
}
