import { InputError } from '../../../common/errors.ts';
import type { Affine } from '../../georeference.ts';
import { packedBytes, rgbImage } from '../../image.ts';
import type { Raster, RasterPixels } from '../../raster.ts';
import { checkWindow } from '../../raw-image.ts';
import type { PixelWindow } from '../../types.ts';
import type { TileGrid } from './grid.ts';
import { describeTile, type TileAddress } from './template.ts';

/** Where tiles come from. */
export interface TileSource {
  /** Pixels of a tile; null if it does not exist. Several calls may be in progress. */
  readonly load: (tile: TileAddress) => Promise<RasterPixels | null>;
  readonly close: () => void;
}

/** Tiles that a read waits for at a time; the source may answer fewer. More would only take memory and open files. */
export const MAX_CONCURRENCY = 16;
/** Decoded tiles that are kept, in pixels: 64 MiB with their masks. Neighbouring windows overlap. */
const KEPT_PIXELS = 16 * 1024 * 1024;

/** The tiles of an area as one raster in Web Mercator (EPSG:3857). Tiles are loaded when a window that is read needs them. */
export class TileRaster implements Raster {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly affine: Affine;
  readonly epsg = 3857;
  readonly geographic = false;
  /** Number of tiles of the area. */
  readonly tiles: number;
  readonly #grid: TileGrid;
  readonly #source: TileSource;
  /** The tiles used last, in this order. */
  readonly #recent = new Map<string, RasterPixels | null>();
  readonly #loading = new Map<string, Promise<RasterPixels | null>>();

  /** @param path the source in messages */
  constructor(path: string, grid: TileGrid, source: TileSource) {
    this.path = path;
    this.width = grid.width;
    this.height = grid.height;
    this.affine = grid.affine;
    this.tiles = grid.columns * grid.rows;
    this.#grid = grid;
    this.#source = source;
  }

  /**
   * Reads a window, and loads the tiles that it touches. Tiles that do not exist and transparent pixels have no data.
   *
   * @throws RangeError unless the window lies within the raster; InputError if a tile cannot be loaded
   */
  async read(window: PixelWindow): Promise<RasterPixels> {
    checkWindow(this, window);
    const { width, height } = window;
    const { tileSize, zoom } = this.#grid;
    const [left, top] = [this.#grid.left + window.x, this.#grid.top + window.y];
    const rgb = new Uint8Array(width * height * 3);
    const valid = new Uint8Array(width * height);
    const needed: TileAddress[] = [];
    for (let y = Math.floor(top / tileSize); y * tileSize < top + height; y++) {
      for (let x = Math.floor(left / tileSize); x * tileSize < left + width; x++) needed.push({ z: zoom, x, y });
    }
    let copied = 0;
    const work = async (): Promise<void> => {
      for (let tile = needed.shift(); tile !== undefined; tile = needed.shift()) {
        const pixels = await this.#tile(tile);
        const place = { x: tile.x * tileSize - left, y: tile.y * tileSize - top };
        copied += copyTile(pixels, tileSize, place, { rgb, valid, width, height });
      }
    };
    try {
      await Promise.all(Array.from({ length: MAX_CONCURRENCY }, work));
    } finally {
      // After a failure the rest of the window is of no use.
      needed.length = 0;
    }
    return { image: rgbImage(height, width, rgb), valid: copied === width * height ? null : valid };
  }

  /** Ends requests that are in progress; the reads that wait for them are rejected. */
  close(): Promise<void> {
    this.#recent.clear();
    this.#source.close();
    return Promise.resolve();
  }

  async #tile(tile: TileAddress): Promise<RasterPixels | null> {
    const name = `${tile.x}/${tile.y}`;
    const kept = this.#recent.get(name);
    const pixels = kept === undefined ? await this.#load(tile, name) : kept;
    this.#recent.delete(name);
    this.#recent.set(name, pixels);
    if (this.#recent.size > KEPT_PIXELS / this.#grid.tileSize ** 2) {
      this.#recent.delete(this.#recent.keys().next().value!);
    }
    return pixels;
  }

  /** Loads a tile once for all reads that wait for it. */
  #load(tile: TileAddress, name: string): Promise<RasterPixels | null> {
    const load = async (): Promise<RasterPixels | null> => {
      try {
        const pixels = await this.#source.load(tile);
        if (pixels !== null) checkTileSize(this.path, tile, pixels, this.#grid.tileSize);
        return pixels;
      } finally {
        this.#loading.delete(name);
      }
    };
    const loading = this.#loading.get(name) ?? load();
    this.#loading.set(name, loading);
    return loading;
  }
}

/** Throws an InputError unless a tile has the expected size. */
function checkTileSize(source: string, tile: TileAddress, { image }: RasterPixels, tileSize: number): void {
  const [height, width] = image.shape;
  if (width === tileSize && height === tileSize) return;
  const reason = `${describeTile(tile)}: ${width} x ${height} pixels, expected ${tileSize} x ${tileSize}`;
  throw new InputError('openTiles', reason, {
    file: source,
    remedy: 'if that is the size of all tiles, give it as',
    option: 'tileSize',
  });
}

/** Copies the part of a tile that lies within a window, and returns the number of pixels with data. */
function copyTile(
  tile: RasterPixels | null,
  tileSize: number,
  place: { readonly x: number; readonly y: number },
  to: { readonly rgb: Uint8Array; readonly valid: Uint8Array; readonly width: number; readonly height: number },
): number {
  if (tile === null) return 0;
  const bytes = packedBytes(tile.image);
  const [first, last] = [Math.max(place.x, 0), Math.min(place.x + tileSize, to.width)];
  let count = 0;
  for (let y = Math.max(place.y, 0); y < Math.min(place.y + tileSize, to.height); y++) {
    const from = (y - place.y) * tileSize + first - place.x;
    const at = y * to.width + first;
    to.rgb.set(bytes.subarray(3 * from, 3 * (from + last - first)), 3 * at);
    if (tile.valid === null) {
      to.valid.fill(1, at, at + last - first);
      count += last - first;
    } else {
      const valid = tile.valid.subarray(from, from + last - first);
      to.valid.set(valid, at);
      for (const one of valid) count += one;
    }
  }
  return count;
}
