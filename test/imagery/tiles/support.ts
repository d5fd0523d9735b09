import { rgbImage } from '../../../src/imagery/image.ts';
import type { Timing } from '../../../src/imagery/node/tiles/fetch.ts';
import type { LonLatBounds } from '../../../src/imagery/node/tiles/grid.ts';
import { encodePng } from '../../../src/imagery/node/png.ts';
import type { TileRequest } from '../../support/tile-server.ts';

/** The level at which the tests read. */
export const ZOOM = 5;

/** The colour of a pixel of the world, counted from its upper left corner; different in neighbouring tiles. */
const colourAt = (x: number, y: number): [number, number, number] => [
  (x * 7 + y * 13) & 255,
  ((x >> 8) * 31 + (y >> 8) * 17) & 255,
  (x ^ y) & 255,
];

/** The bytes of an area of the world, in pixels. */
export function worldBytes(left: number, top: number, width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    bytes.set(colourAt(left + (i % width), top + Math.floor(i / width)), 3 * i);
  }
  return bytes;
}

const encoded = new Map<string, Promise<Uint8Array>>();

/** A tile of the world as PNG. */
export function worldTile(x: number, y: number, size = 256): Promise<Uint8Array> {
  const name = `${x}/${y}/${size}`;
  const tile = encoded.get(name) ?? encodePng(rgbImage(size, size, worldBytes(x * size, y * size, size, size)));
  encoded.set(name, tile);
  return tile;
}

/** The tile that a request of a path with `z/x/y` asks for. */
export function requestedTile({ tile }: TileRequest, size = 256): Promise<Uint8Array> {
  const [, x, y] = tile.split('/').map(Number);
  return worldTile(x!, y!, size);
}

/** The corners in degrees of an area of the world in pixels. */
export function boundsOf(left: number, top: number, width: number, height: number, size = 256): LonLatBounds {
  const world = size * 2 ** ZOOM;
  const lon = (x: number): number => (360 * x) / world - 180;
  const lat = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / world))) * 180) / Math.PI;
  return [lon(left), lat(top + height), lon(left + width), lat(top)];
}

/** A clock that sleeps move on at once. Back-offs have no jitter, and time limits expire when `expire` is called. */
export function testTiming(): {
  readonly timing: Timing;
  readonly slept: readonly number[];
  readonly limits: readonly number[];
  readonly expire: () => void;
} {
  const slept: number[] = [];
  const limits: number[] = [];
  const running = new Set<() => void>();
  let now = 0;
  const timing: Timing = {
    now: () => now,
    sleep: async (milliseconds, signal) => {
      signal.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      await Promise.resolve();
    },
    timer: (milliseconds, expire) => {
      limits.push(milliseconds);
      running.add(expire);
      return () => running.delete(expire);
    },
    random: () => 1,
  };
  return { timing, slept, limits, expire: () => running.forEach((expire) => expire()) };
}
