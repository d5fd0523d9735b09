import { readFileSync } from 'node:fs';
import { counted, defined, reasonOf } from '../common/check.ts';
import {
  countTiles,
  openTiles,
  type LonLatBounds,
  type OpenTilesOptions,
  type TileProgress,
  type TileRaster,
} from '../data-node.ts';
import {
  flag,
  integer,
  number,
  oneOf,
  option,
  text,
  type OptionTable,
  type OptionValues,
  type Reader,
} from './options.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const coordinate = number();

const bounds: Reader<LonLatBounds> = {
  expected: 'four numbers W,S,E,N in degrees',
  read: (given) => {
    const values = given.split(',').map((part) => coordinate.read(part.trim()));
    return values.length === 4 && values.every((value) => value !== undefined)
      ? (values as unknown as LonLatBounds)
      : undefined;
  },
};

const header: Reader<Readonly<Record<string, string>>> = {
  expected: "a name and a value, such as 'Authorization: Bearer {key}'",
  read: (given) => {
    const [, name, value] = /^([^:\s]+):\s*(.+)$/.exec(given) ?? [];
    return name === undefined ? undefined : { [name]: value! };
  },
};

/** Options for imagery of a tile service. */
export const tileOptions = {
  tiles: option(text, {
    value: 'URL',
    about: 'also detects in an area of a tile service: a template with {z}/{x}/{y}, {-y}, {quadkey}, or WMTS ones',
  }),
  bbox: option(bounds, { value: 'W,S,E,N', about: 'with --tiles: west, south, east and north of the area in degrees' }),
  zoom: option(integer({ min: 0 }), { value: 'Z', about: 'with --tiles: zoom level' }),
  'key-env': option(text, {
    value: 'NAME',
    about: 'environment variable whose value replaces {key} in URL and header',
  }),
  'key-file': option(text, { value: 'FILE', about: 'file whose content replaces {key} in URL and header' }),
  header: option(header, { value: 'TEXT', about: "header of requests, such as 'Authorization: Bearer {key}'" }),
  'tile-size': option(oneOf([256, 512]), {
    value: 'N',
    about: 'side of the tiles of the service in pixels',
    otherwise: 'that of the first tile',
  }),
  'max-tiles': option(integer({ min: 1 }), {
    value: 'N',
    about: 'maximum number of tiles of the area',
    otherwise: '250000',
  }),
  cache: option(text, {
    value: 'FOLDER',
    about: 'folder for the tiles; nothing in it expires',
    otherwise: '.retinagrad/tiles',
  }),
  offline: flag('reads tiles from the cache only'),
} as const satisfies OptionTable;

type TileOptionValues = OptionValues<typeof tileOptions>;

/** The arguments of `openTiles`. */
interface TileRequest {
  readonly template: string;
  readonly options: OpenTilesOptions;
}

/** Tiles that are open, and what was read of them so far. */
export interface OpenedTiles {
  readonly raster: TileRaster;
  readonly progress: () => TileProgress;
}

/** What `--tiles` and its options ask for; null without `--tiles`. Throws a UsageError for options that do not go together. */
export function readTileOptions(options: TileOptionValues): TileRequest | null {
  const { tiles, bbox, zoom, header: headers, cache, offline } = options;
  if (tiles === undefined) {
    const given = Object.entries(tileOptions).find(([name, { initial }]) => options[name as 'tiles'] !== initial);
    if (given !== undefined) throw new UsageError(`--${given[0]} goes with --tiles`);
    return null;
  }
  if (bbox === undefined || zoom === undefined) throw new UsageError('--tiles needs --bbox W,S,E,N and --zoom Z');
  const key = readKey(options);
  if (key === undefined && [tiles, ...Object.values(headers ?? {})].some((text) => /\{key\}/i.test(text))) {
    throw new UsageError('{key} has no value: give --key-env NAME or --key-file FILE');
  }
  const rest = defined({ key, headers, cache, tileSize: options['tile-size'], maxTiles: options['max-tiles'] });
  return { template: tiles, options: { bbox, zoom, offline, ...rest } };
}

/** Opens tiles, and says how many the area has before any is requested. */
export async function openRequested(
  { template, options }: TileRequest,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<OpenedTiles> {
  const { bbox, zoom, offline = false } = options;
  const total = countTiles(bbox, zoom);
  terminal.say(`${counted(total, 'tile', 'tiles')} at zoom level ${zoom}${offline ? ', from the cache only' : ''}`);
  let progress: TileProgress = { done: 0, total, missing: 0, fetched: 0, bytes: 0, seconds: 0, secondsLeft: 0 };
  const raster = await openTiles(template, { ...options, signal, onProgress: (state) => (progress = state) });
  terminal.say(`${raster.width} x ${raster.height} pixels of ${raster.path}`);
  return { raster, progress: () => progress };
}

/** The key, without the line break that editors put at the end of a file. */
function readKey({ 'key-env': name, 'key-file': file }: TileOptionValues): string | undefined {
  if (name !== undefined && file !== undefined) throw new UsageError('give either --key-env or --key-file');
  if (name !== undefined) {
    const value = process.env[name]?.trim() ?? '';
    if (value === '') throw new UsageError(`--key-env: the environment variable ${name} is not set`);
    return value;
  }
  if (file === undefined) return undefined;
  let value: string;
  try {
    value = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--key-file: ${reasonOf(error)}`);
  }
  if (value === '') throw new UsageError(`--key-file: ${file} is empty`);
  return value;
}

/** Where tiles came from, and how many do not exist, for the user. */
export function tileNotes({ done, total, missing, fetched, bytes }: TileProgress): readonly string[] {
  const here = done - missing - fetched;
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const notes = [`tiles: ${fetched} fetched (${size}), ${here} from the disk, ${missing} missing, of ${total}`];
  if (missing > 0) notes.push(`${counted(missing, 'tile does', 'tiles do')} not exist: nothing can be detected there`);
  return notes;
}
