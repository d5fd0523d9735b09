import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../../../common/check.ts';
import { InputError } from '../../../common/errors.ts';
import type { RasterPixels } from '../../raster.ts';
import { TileCache } from './cache.ts';
import { TileFetcher, type FetchOptions } from './fetch.ts';
import { describeTile, expandTemplate, type TileAddress } from './template.ts';
import { decodeTile, describeStart, isTileImage } from './tile-image.ts';

/** A tile as it was read. */
export interface LoadedTile {
  /** Null if the tile does not exist. */
  readonly pixels: RasterPixels | null;
  /** Bytes that a service sent for it; 0 if it was on the disk. */
  readonly received: number;
}

/** Where tiles come from. */
export interface TileLoader {
  /** Several calls may be in progress. */
  readonly load: (tile: TileAddress) => Promise<LoadedTile>;
  readonly close: () => void;
}

/** What `serviceSource` takes beside what `TileFetcher` does. */
interface ServiceOptions extends Omit<FetchOptions, 'source' | 'signal'> {
  readonly key: string | undefined;
  readonly cache: string;
  readonly offline: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Tiles of a service, through the cache.
 *
 * @param shown the template without secrets
 */
export function serviceSource(template: string, shown: string, options: ServiceOptions): TileLoader {
  const { key = '', offline, signal } = options;
  const headers = headersOf(shown, options.headers, key);
  const cache = new TileCache(options.cache, shown);
  const closed = new AbortController();
  // Every request in progress listens, and Node would warn of more than ten.
  setMaxListeners(0, closed.signal);
  const stop = (): void => closed.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const fetcher = new TileFetcher({ ...options, source: shown, headers, signal: closed.signal });
  return {
    async load(tile) {
      const place = describeTile(tile);
      const known = await cache.read(tile);
      if (known !== undefined) {
        return { pixels: known === null ? null : await decodeTile(known, place), received: 0 };
      }
      if (offline) {
        const reason = `${place} is not in the cache ${cache.folder}, or its file is damaged`;
        throw new InputError('openTiles', reason, {
          file: shown,
          remedy: 'to fetch it, run without',
          option: 'offline',
        });
      }
      const url = expandTemplate(template, tile, encodeURIComponent(key));
      const decode = async (bytes: Uint8Array) => ({ bytes, pixels: await decodeTile(bytes, place) });
      const answer = await fetcher.get(url, place, decode);
      await cache.write(tile, answer?.bytes ?? null);
      return { pixels: answer?.pixels ?? null, received: answer?.bytes.length ?? 0 };
    },
    close() {
      signal?.removeEventListener('abort', stop);
      closed.abort(new Error('the raster of tiles was closed'));
    },
  };
}

/** The headers of requests, with the key. Throws an InputError if HTTP does not allow them. */
function headersOf(
  shown: string,
  headers: Readonly<Record<string, string>>,
  key: string,
): Readonly<Record<string, string>> {
  const filled = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    value.replaceAll(/\{key\}/gi, () => key),
  ]);
  try {
    return Object.fromEntries(new Headers(filled));
  } catch {
    // The error of Headers shows the value.
    const names = Object.keys(headers).join(', ');
    throw new InputError('openTiles', `HTTP does not allow these headers, or the key in them: ${names}`, {
      file: shown,
    });
  }
}

/** Tiles in a folder: the template is a path or a URL of `file:`. */
export function folderSource(template: string): TileLoader {
  return {
    async load(tile) {
      const expanded = expandTemplate(template, tile);
      const path = /^file:/i.test(expanded) ? fileURLToPath(expanded) : expanded;
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw new InputError('openTiles', `cannot be read: ${reasonOf(error)}`, { file: path, cause: error });
      });
      if (bytes === null) return { pixels: null, received: 0 };
      if (isTileImage(bytes)) return { pixels: await decodeTile(bytes, path), received: 0 };
      const reason = `found ${describeStart(bytes, (text) => text)}, expected a PNG, JPEG or WebP image`;
      throw new InputError('openTiles', reason, { file: path });
    },
    close() {},
  };
}
