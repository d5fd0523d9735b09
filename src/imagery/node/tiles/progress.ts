import type { Timing } from './fetch.ts';
import type { LoadedTile, TileLoader } from './sources.ts';
import type { TileAddress } from './template.ts';
import type { TileSource } from './tile-raster.ts';

/** What was read so far of the tiles of an area. */
export interface TileProgress {
  /** Tiles that were read at least once, and tiles of the area. */
  readonly done: number;
  readonly total: number;
  /** Of `done`: tiles that do not exist, and tiles from the service. The others were in the cache or a folder. */
  readonly missing: number;
  readonly fetched: number;
  /** Bytes of the fetched tiles. */
  readonly bytes: number;
  /** Seconds since the tiles were opened, and an estimate of the seconds left if the rate stays the same. */
  readonly seconds: number;
  readonly secondsLeft: number;
}

/** A source that reports each tile when it is read for the first time. */
export function countedSource(
  loader: TileLoader,
  {
    total,
    timing,
    onProgress,
  }: {
    readonly total: number;
    readonly timing: Timing;
    readonly onProgress: ((progress: TileProgress) => void) | undefined;
  },
): TileSource {
  const seen = new Set<string>();
  const start = timing.now();
  let [missing, fetched, bytes] = [0, 0, 0];
  const count = ({ x, y }: TileAddress, { pixels, received }: LoadedTile): void => {
    const name = `${x}/${y}`;
    if (seen.has(name)) return;
    seen.add(name);
    if (pixels === null) missing++;
    else if (received > 0) fetched++;
    bytes += received;
    const done = seen.size;
    const seconds = (timing.now() - start) / 1000;
    onProgress?.({ done, total, missing, fetched, bytes, seconds, secondsLeft: (seconds / done) * (total - done) });
  };
  return {
    async load(tile) {
      const loaded = await loader.load(tile);
      count(tile, loaded);
      return loaded.pixels;
    },
    close: () => loader.close(),
  };
}
