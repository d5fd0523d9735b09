import { packedBytes, rgbImage, rgbSize } from '../../imagery/image.ts';
import type { Raster } from '../../imagery/raster.ts';
import type { RgbImage } from '../../imagery/types.ts';

// A pyramid of tiles, from which a map shows a raster of any size at any zoom. Level 0 has the pixels of the raster, and
// each further level half as many in each direction. Level by level is written from the top of the raster to its bottom, so
// that only a band of it is in memory.

/** Side of a tile in pixels. Tiles at the right and bottom edges are smaller. */
const TILE = 256;

/** Bytes of the raster that are read at once, about: RGB and validity. Readers of strips decode each strip once or twice. */
const BAND_BYTES = 32 * 2 ** 20;
/** Tile rows that are read at once, at most. */
const BAND_ROWS = 4;

/** A tile of a pyramid. */
export interface PyramidTile {
  readonly level: number;
  readonly column: number;
  readonly row: number;
  /** At most 256 x 256 pixels; black where there is no data. */
  readonly image: RgbImage;
  /** For each pixel 1 if it has data and 0 if not; null if all have. */
  readonly valid: Uint8Array | null;
  /** Whether no pixel has data. */
  readonly isEmpty: boolean;
}

/** Number of tiles of a level. */
export interface TileGrid {
  readonly columns: number;
  readonly rows: number;
}

/** The tiles of a level of a raster of `width` x `height` pixels. */
export function tileGrid(width: number, height: number, level: number): TileGrid {
  const count = (side: number): number => Math.ceil(Math.ceil(side / 2 ** level) / TILE);
  return { columns: count(width), rows: count(height) };
}

/** The first level that is a single tile. */
export function topLevel(width: number, height: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / TILE)));
}

/** The most detailed level of at most `maxTiles` tiles. */
export function firstLevel(width: number, height: number, maxTiles: number): number {
  let level = 0;
  for (; level < topLevel(width, height); level++) {
    const { columns, rows } = tileGrid(width, height, level);
    if (columns * rows <= maxTiles) break;
  }
  return level;
}

/** Rows of pixels over the whole width of a level. */
interface Strip {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly valid: Uint8Array | null;
}

/**
 * The tiles of a raster from level `first` to the top, which is one tile. A pixel of a level is the mean of those of the
 * 2 x 2 pixels below it that have data and lie inside the raster, rounded to the nearest (halves up); it has no data where
 * none of them has.
 */
export async function* pyramidTiles(raster: Raster, first = 0): AsyncGenerator<PyramidTile, void, void> {
  const { width, height } = raster;
  const top = topLevel(width, height);
  /** Of each level, the upper half of the next strip, until its lower half is complete. */
  const waiting: (Strip | undefined)[] = [];

  function* add(level: number, row: number, strip: Strip): Generator<PyramidTile, void, void> {
    if (level >= first) yield* tilesOf(level, row, strip);
    if (level === top) return;
    const half = halved(strip);
    const isUpper = row % 2 === 0;
    if (isUpper && row + 1 < tileGrid(width, height, level).rows) {
      waiting[level] = half;
      return;
    }
    yield* add(level + 1, row >> 1, isUpper ? half : stacked(waiting[level]!, half));
  }

  const rows = Math.min(BAND_ROWS, Math.max(1, Math.floor(BAND_BYTES / (4 * TILE * width))));
  for (let y = 0; y < height; y += rows * TILE) {
    const band = { x: 0, y, width, height: Math.min(rows * TILE, height - y) };
    const { image, valid } = await raster.read(band);
    rgbSize(image);
    const rgb = packedBytes(image);
    for (let at = 0; at < band.height; at += TILE) {
      const [from, to] = [at * width, Math.min(at + TILE, band.height) * width];
      const strip = { width, height: (to - from) / width, rgb: rgb.subarray(3 * from, 3 * to) };
      yield* add(0, (y + at) / TILE, { ...strip, valid: valid?.subarray(from, to) ?? null });
    }
  }
}

/** The strip cut into tiles. */
function* tilesOf(level: number, row: number, strip: Strip): Generator<PyramidTile, void, void> {
  const { width, height } = strip;
  for (let x = 0, column = 0; x < width; x += TILE, column++) {
    const side = Math.min(TILE, width - x);
    const rgb = cut(strip.rgb, { x, side, width, height, channels: 3 });
    const valid = strip.valid === null ? null : cut(strip.valid, { x, side, width, height, channels: 1 });
    const count = valid === null ? side * height : valid.reduce((sum, value) => sum + value, 0);
    yield {
      level,
      column,
      row,
      image: rgbImage(height, side, rgb),
      valid: count === side * height ? null : valid,
      isEmpty: count === 0,
    };
  }
}

/** Columns `x` to `x + side` of rows that are `width` pixels wide. */
function cut(
  bytes: Uint8Array,
  { x, side, width, height, channels }: Readonly<Record<'x' | 'side' | 'width' | 'height' | 'channels', number>>,
): Uint8Array {
  const out = new Uint8Array(side * height * channels);
  for (let y = 0; y < height; y++) {
    const from = (y * width + x) * channels;
    out.set(bytes.subarray(from, from + side * channels), y * side * channels);
  }
  return out;
}

/** One strip above another. */
function stacked(upper: Strip, lower: Strip): Strip {
  const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    const out = new Uint8Array(a.length + b.length);
    out.set(a);
    out.set(b, a.length);
    return out;
  };
  const full = ({ width, height, valid }: Strip): Uint8Array => valid ?? new Uint8Array(width * height).fill(1);
  return {
    width: upper.width,
    height: upper.height + lower.height,
    rgb: join(upper.rgb, lower.rgb),
    valid: upper.valid === null && lower.valid === null ? null : join(full(upper), full(lower)),
  };
}

/** A strip of half the size, rounded up. */
function halved({ width, height, rgb, valid }: Strip): Strip {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const out = new Uint8Array(w * h * 3);
  const outValid = valid === null ? null : new Uint8Array(w * h);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++, to++) {
      let [red, green, blue, count] = [0, 0, 0, 0];
      for (let v = 2 * y; v < height && v < 2 * y + 2; v++) {
        for (let u = 2 * x; u < width && u < 2 * x + 2; u++) {
          const from = v * width + u;
          if (valid !== null && valid[from] === 0) continue;
          red += rgb[3 * from]!;
          green += rgb[3 * from + 1]!;
          blue += rgb[3 * from + 2]!;
          count++;
        }
      }
      if (count === 0) continue;
      out[3 * to] = (red + count / 2) / count;
      out[3 * to + 1] = (green + count / 2) / count;
      out[3 * to + 2] = (blue + count / 2) / count;
      if (outValid !== null) outValid[to] = 1;
    }
  }
  return { width: w, height: h, rgb: out, valid: outValid };
}
