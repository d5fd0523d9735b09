import { checkInteger, optionsOf } from '../../../common/check.ts';
import { InputError } from '../../../common/errors.ts';
import { realTiming, type Timing } from './fetch.ts';
import { tileGrid, type LonLatBounds, type TileGrid } from './grid.ts';
import { countedSource, type TileProgress } from './progress.ts';
import { redactor } from '../secrets.ts';
import { folderSource, serviceSource } from './sources.ts';
import { checkTemplate, describeTile, isRemote, takesKey } from './template.ts';
import { TILE_SIZES } from './tile-image.ts';
import { MAX_CONCURRENCY, TileRaster, type TileSource } from './tile-raster.ts';

/** The default of `maxTiles`. */
const MAX_TILES = 250_000;
/** Levels of services end at about 23, where a pixel is 2 cm. */
const MAX_ZOOM = 26;

/** Options of `openTiles`. */
export interface OpenTilesOptions {
  /** West, south, east and north of the area in degrees. It must not cross the antimeridian. */
  readonly bbox: LonLatBounds;
  /** Zoom level, an integer from 0 to 26. A pixel covers 156543 cos(latitude) / 2^zoom metres if tiles have 256 pixels. */
  readonly zoom: number;
  /** Replaces `{key}` in the template (percent-encoded) and in `headers`. It is not written or shown anywhere. */
  readonly key?: string;
  /** Headers of every request, such as `{ Authorization: 'Bearer {key}' }`. Their values are not written or shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Side of a tile in pixels: 256 or 512. Default: that of the first tile found, of up to nine across the area. */
  readonly tileSize?: number;
  /** Folder for the tiles of services. Default `.retinagrad/tiles`. Nothing in it expires: delete it to fetch tiles anew. */
  readonly cache?: string;
  /** Whether tiles come from the cache only. Default false. */
  readonly offline?: boolean;
  /** Maximum number of requests at a time, from 1 to 16. Default 4. */
  readonly concurrency?: number;
  /** Maximum number of requests for one tile. Default 6, which takes half a minute if a service does not answer. */
  readonly attempts?: number;
  /** Milliseconds after which a request without a complete answer is given up. Default 30,000. */
  readonly timeout?: number;
  /** Areas with more tiles are refused. Default 250,000. */
  readonly maxTiles?: number;
  /** Called after each tile that is read for the first time. */
  readonly onProgress?: (progress: TileProgress) => void;
  /** Ends requests that are in progress; reads that wait for them are rejected. */
  readonly signal?: AbortSignal;
}

/** Number of tiles of an area, without reading any. Throws an InputError as `openTiles` does. */
export function countTiles(bbox: LonLatBounds, zoom: number): number {
  checkInteger('openTiles', 'zoom', zoom, { min: 0, max: MAX_ZOOM });
  const { columns, rows } = tileGrid(bbox, zoom, TILE_SIZES[0]);
  return columns * rows;
}

/**
 * Opens an area of a tile service (XYZ, TMS, quadkeys, WMTS) or of a folder of tiles, in the Web Mercator scheme (EPSG:3857,
 * 2^zoom x 2^zoom tiles), as a raster. Tiles are requested when a window is read, a few at a time, and kept in the cache, so
 * that an interrupted run goes on where it ended.
 *
 * The template is a URL or a path with placeholders: `{z}`, `{x}`, and `{y}` or `{-y}` (TMS, rows from the south);
 * `{quadkey}`; `{TileMatrix}`, `{TileRow}`, `{TileCol}` (WMTS); `{s}` for hosts a, b and c, or `{switch:a,b}`; `{key}`.
 *
 * Tiles may be PNG, JPEG or WebP. Tiles that do not exist (204 or 404; a missing file) and transparent pixels have no data.
 * Temporary failures (408, 429, 500, 502, 503, 504, timeouts, broken connections, damaged images) are repeated with
 * exponential back-off; `Retry-After` is respected.
 *
 * @param timing for tests
 * @throws InputError for a template or an area that cannot be, for areas with too many tiles, if none of the tiles tried
 *   first exists, and, here and from `read`, for a tile that cannot be read. No message contains the key.
 */
export async function openTiles(
  template: string,
  options: OpenTilesOptions,
  timing: Timing = realTiming,
): Promise<TileRaster> {
  const settings = optionsOf('openTiles', options, {
    bbox: undefined,
    zoom: undefined,
    key: undefined,
    headers: {},
    tileSize: undefined,
    cache: '.retinagrad/tiles',
    offline: false,
    concurrency: 4,
    attempts: 6,
    timeout: 30_000,
    maxTiles: MAX_TILES,
    onProgress: undefined,
    signal: undefined,
  });
  const { bbox, zoom, maxTiles, tileSize, headers } = settings;
  checkAddress(template);
  const redact = redactor(template, settings.key, headers);
  const shown = redact(template);
  checkTemplate(template, shown);
  checkKey(shown, [template, ...Object.values(headers)], settings.key);
  if (tileSize !== undefined && !TILE_SIZES.includes(tileSize)) {
    throw new RangeError(`openTiles: tileSize is ${tileSize}, expected ${TILE_SIZES.join(' or ')}`);
  }
  checkInteger('openTiles', 'concurrency', settings.concurrency, { min: 1, max: MAX_CONCURRENCY });
  checkInteger('openTiles', 'attempts', settings.attempts, { min: 1, max: 100 });
  checkInteger('openTiles', 'timeout', settings.timeout, { min: 1, max: 2 ** 31 - 1 });
  const total = countTiles(bbox, zoom);
  if (total > maxTiles) {
    const reason = `the area has ${total} tiles at zoom level ${zoom}, more than maxTiles = ${maxTiles}`;
    throw new InputError('openTiles', reason, {
      remedy: 'use a smaller area or zoom level, or raise',
      option: 'maxTiles',
    });
  }
  const source = countedSource(
    isRemote(template) ? serviceSource(template, shown, { ...settings, redact, timing }) : folderSource(template),
    { total, timing, onProgress: settings.onProgress },
  );
  try {
    const size = tileSize ?? (await findTileSize(shown, tileGrid(bbox, zoom, TILE_SIZES[0]), source));
    // The area is part of the name, which tells rasters apart.
    return new TileRaster(`${shown}#${[zoom, ...bbox].join('/')}`, tileGrid(bbox, zoom, size), source);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Throws an InputError, without a password that the URL may have, unless a template can be requested. */
function checkAddress(template: string): void {
  const scheme = /^([a-z][a-z\d+.-]+):\/\//i.exec(template)?.[1];
  if (scheme !== undefined && !/^(?:https?|file)$/i.test(scheme)) {
    throw new InputError('openTiles', `the template starts with ${scheme}://, expected http, https, file or a path`);
  }
  if (isRemote(template) && /^\w+:\/\/[^/?#]*@/.test(template)) {
    const reason = 'a user name and a password cannot be in the URL; use the header Authorization: Basic {key}';
    throw new InputError('openTiles', reason);
  }
}

/** @param texts where the key may be inserted */
function checkKey(shown: string, texts: readonly string[], key: string | undefined): void {
  if (key?.trim() === '') throw new InputError('openTiles', 'the key is empty', { file: shown });
  const isUsed = texts.some(takesKey);
  if (isUsed === (key !== undefined)) return;
  if (isUsed)
    throw new InputError('openTiles', '{key} has no value', { file: shown, remedy: 'give it as', option: 'key' });
  const reason = 'there is a key, but neither the template nor a header has the placeholder {key}';
  throw new InputError('openTiles', reason, { file: shown });
}

/**
 * The size of the tiles, from the first one that exists of nine across the area. If there is none, a wrong template or area
 * is more likely than a service without any of them, and must not become a raster without data.
 */
async function findTileSize(shown: string, grid: TileGrid, source: TileSource): Promise<number> {
  const steps = (first: number, count: number): number[] =>
    // The middle first: the corners are the most likely to be missing.
    [0.5, 0, 1].map((part) => first + Math.round(part * (count - 1)));
  const places = steps(grid.firstRow, grid.rows).flatMap((y) =>
    steps(grid.firstColumn, grid.columns).map((x) => ({ x, y })),
  );
  const tried = new Set<string>();
  for (const place of places) {
    const tile = { z: grid.zoom, ...place };
    if (tried.has(describeTile(tile))) continue;
    tried.add(describeTile(tile));
    const pixels = await source.load(tile);
    if (pixels === null) continue;
    const [height, width] = pixels.image.shape;
    const size = TILE_SIZES.find((side) => side === width && side === height);
    if (size !== undefined) return size;
    const reason = `${describeTile(tile)}: ${width} x ${height} pixels, expected 256 x 256 or 512 x 512`;
    throw new InputError('openTiles', reason, { file: shown });
  }
  const [first] = tried;
  const count = tried.size === 1 ? `${first} does` : `${tried.size} tiles across the area, such as ${first}, do`;
  const advice =
    'check the template, the zoom level and the area (west,south,east,north); to read it nevertheless, give';
  throw new InputError('openTiles', `${count} not exist`, { file: shown, remedy: advice, option: 'tileSize' });
}
