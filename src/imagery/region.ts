import { boundsOf, type Box, type Point, type Polygon } from './geometry.ts';
import { packedBytes, rgbImage } from './image.ts';
import { newLevels } from './levels.ts';
import type { Raster } from './raster.ts';
import type { RawImage } from './raw-image.ts';
import type { PixelWindow } from './types.ts';

/** A polygon with its bounds. */
interface BoundedPolygon {
  readonly polygon: Polygon;
  readonly bounds: Box;
}

const bounded = (polygon: Polygon): BoundedPolygon => ({ polygon, bounds: boundsOf(polygon.flat()) });

/** Pixels of a mask that are computed together where only a yes or no is wanted. */
const BAND_PIXELS = 1 << 20;

/**
 * The part of an image that counts: inside of some polygons (of any if they overlap) and outside of others, in pixels of the
 * image, which they may exceed. A pixel belongs to it if its centre does, as GDAL burns polygons by default. Masks are made
 * window by window, so that an image of any size takes no memory.
 */
export class Region {
  readonly #within: readonly BoundedPolygon[] | null;
  readonly #without: readonly BoundedPolygon[];
  readonly #size: { readonly width: number; readonly height: number };
  readonly #from: Point;
  /** What was computed before, by window and by scale: workers ask for all tiles of an image with each piece of it. */
  readonly #touching = new Map<string, boolean>();
  readonly #resampled = new Map<string, Region>();

  /**
   * @param within null for everything
   * @param from the place in the polygons' coordinates where the image begins
   */
  constructor(
    size: { readonly width: number; readonly height: number },
    within: readonly Polygon[] | null,
    without: readonly Polygon[],
    from: Point = [0, 0],
  ) {
    this.#size = { width: size.width, height: size.height };
    this.#within = within?.map(bounded) ?? null;
    this.#without = without.map(bounded);
    this.#from = from;
  }

  /** The region in the pixels of a part of the image. */
  inside({ x, y, width, height }: PixelWindow): Region {
    const of = (polygons: readonly BoundedPolygon[]): Polygon[] => polygons.map(({ polygon }) => polygon);
    const within = this.#within === null ? null : of(this.#within);
    return new Region({ width, height }, within, of(this.#without), [this.#from[0] + x, this.#from[1] + y]);
  }

  /** The region in the pixels of the image resampled: its sides in those of the image are `scale` (`resampleRaster`). */
  resampled(scale: readonly [x: number, y: number]): Region {
    const known = this.#resampled.get(`${scale}`) ?? this.#atScale(scale);
    this.#resampled.set(`${scale}`, known);
    return known;
  }

  #atScale([scaleX, scaleY]: readonly [x: number, y: number]): Region {
    const [fromX, fromY] = this.#from;
    const scaled = (polygons: readonly BoundedPolygon[]): Polygon[] =>
      polygons.map(({ polygon }) =>
        polygon.map((ring) => ring.map(([x, y]): Point => [(x - fromX) / scaleX, (y - fromY) / scaleY])),
      );
    const size = { width: Math.round(this.#size.width / scaleX), height: Math.round(this.#size.height / scaleY) };
    return new Region(size, this.#within === null ? null : scaled(this.#within), scaled(this.#without));
  }

  /** Whether a place in the pixels of the image lies in the region. */
  contains(x: number, y: number): boolean {
    const place: Point = [this.#from[0] + x, this.#from[1] + y];
    const isIn = ({ polygon, bounds: [x1, y1, x2, y2] }: BoundedPolygon): boolean =>
      place[0] >= x1 && place[0] <= x2 && place[1] >= y1 && place[1] <= y2 && isInPolygon(polygon, place);
    return (this.#within?.some(isIn) ?? true) && !this.#without.some(isIn);
  }

  /** Whether the centre of a box lies in the region. */
  containsCentre([x1, y1, x2, y2]: ArrayLike<number> & Iterable<number>): boolean {
    return this.contains((x1! + x2!) / 2, (y1! + y2!) / 2);
  }

  /** For each pixel of a window, row by row, 1 if its centre lies in the region and 0 if not. */
  mask(window: PixelWindow): Uint8Array {
    const mask = new Uint8Array(window.width * window.height);
    const placed = { ...window, x: window.x + this.#from[0], y: window.y + this.#from[1] };
    if (this.#within === null) mask.fill(1);
    for (const one of this.#within ?? []) fill(mask, placed, one, 1);
    for (const one of this.#without) fill(mask, placed, one, 0);
    return mask;
  }

  /** Whether a pixel of a window belongs to the region. */
  touches(window: PixelWindow): boolean {
    const key = `${window.x} ${window.y} ${window.width} ${window.height}`;
    const known = this.#touching.get(key) ?? this.#hasPixel(window);
    this.#touching.set(key, known);
    return known;
  }

  #hasPixel(window: PixelWindow): boolean {
    const part = overlap(window, this.bounds);
    if (part === null) return false;
    const rows = Math.max(1, Math.floor(BAND_PIXELS / part.width));
    for (let y = part.y; y < part.y + part.height; y += rows) {
      const band = { ...part, y, height: Math.min(rows, part.y + part.height - y) };
      if (this.mask(band).includes(1)) return true;
    }
    return false;
  }

  /** A window outside of which no pixel belongs to the region: the bounds of its polygons in the image. May be empty. */
  get bounds(): PixelWindow {
    const { width, height } = this.#size;
    if (this.#within === null) return { x: 0, y: 0, width, height };
    const [x1, y1, x2, y2] = boundsOf(
      this.#within.flatMap(({ bounds: [left, top, right, bottom] }): Point[] => [
        [left - this.#from[0], top - this.#from[1]],
        [right - this.#from[0], bottom - this.#from[1]],
      ]),
    );
    const [x, y] = [Math.min(width, Math.max(0, Math.floor(x1))), Math.min(height, Math.max(0, Math.floor(y1)))];
    const [right, bottom] = [Math.min(width, Math.ceil(x2)), Math.min(height, Math.ceil(y2))];
    return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
  }
}

/** What two windows share; null if nothing. */
function overlap(a: PixelWindow, b: PixelWindow): PixelWindow | null {
  const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)];
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** Whether a point lies in a polygon and in none of its holes: a ray from it to the right crosses an odd number of edges. */
export function isInPolygon(polygon: Polygon, [x, y]: Point): boolean {
  let isInside = false;
  for (const ring of polygon) {
    let last = ring[ring.length - 1]!;
    for (const point of ring) {
      if (point[1] > y !== last[1] > y && x < crossing(last, point, y)) isInside = !isInside;
      last = point;
    }
  }
  return isInside;
}

/** Where an edge crosses a horizontal line between its ends: the same in both directions. */
function crossing(a: Point, b: Point, y: number): number {
  const [[x1, y1], [x2, y2]] = a[1] < b[1] ? [a, b] : [b, a];
  return x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
}

/** Sets the pixels of a mask whose centres lie in a polygon: between the first and second crossing of their row, and so on. */
function fill(mask: Uint8Array, window: PixelWindow, { polygon, bounds }: BoundedPolygon, value: 0 | 1): void {
  const { x, y, width, height } = window;
  if (bounds[0] >= x + width || bounds[2] <= x || bounds[1] >= y + height || bounds[3] <= y) return;
  const rows = new Map<number, number[]>();
  // The first row whose centre lies at a corner or below it. Edges that meet there get the same, so that crossings are pairs.
  const rowAt = (at: number): number => Math.ceil(at - 0.5) - y;
  for (const ring of polygon) {
    let last = ring[ring.length - 1]!;
    for (const point of ring) {
      const [a, b] = [rowAt(last[1]), rowAt(point[1])];
      for (let row = Math.max(0, Math.min(a, b)); row < Math.min(height, Math.max(a, b)); row++) {
        const at = crossing(last, point, y + row + 0.5);
        const crossings = rows.get(row);
        if (crossings === undefined) rows.set(row, [at]);
        else crossings.push(at);
      }
      last = point;
    }
  }
  const columnAt = (at: number): number => Math.min(width, Math.max(0, Math.ceil(at - 0.5) - x));
  for (const [row, crossings] of rows) {
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      mask.fill(value, row * width + columnAt(crossings[k]!), row * width + columnAt(crossings[k + 1]!));
    }
  }
}

/** An image whose pixels outside of a region are as without data. Windows outside of it are not read. */
export function withinRegion(image: RawImage, region: Region): RawImage {
  return {
    ...image,
    extent: region.bounds,
    async read(bands, window = { x: 0, y: 0, width: image.width, height: image.height }) {
      const mask = region.mask(window);
      if (!mask.includes(1)) return { levels: newLevels(image, bands.length * mask.length), valid: mask };
      const { levels, valid } = await image.read(bands, window);
      if (valid !== null) for (let i = 0; i < mask.length; i++) mask[i] = mask[i]! & valid[i]!;
      return { levels, valid: mask.includes(0) ? mask : null };
    },
  };
}

/** An RGB raster (`rgbRaster`) of the same size in which only a part has data; nothing else is read. */
export function partOfRaster(raster: Raster, part: PixelWindow): Raster {
  return {
    path: raster.path,
    width: raster.width,
    height: raster.height,
    affine: raster.affine,
    epsg: raster.epsg,
    geographic: raster.geographic,
    async read(window) {
      const bytes = new Uint8Array(3 * window.width * window.height);
      const valid = new Uint8Array(window.width * window.height);
      const shared = overlap(window, part);
      const pixels = shared === null ? null : await raster.read(shared);
      for (let row = 0; shared !== null && row < shared.height; row++) {
        const [from, to] = [row * shared.width, (shared.y - window.y + row) * window.width + shared.x - window.x];
        bytes.set(packedBytes(pixels!.image).subarray(3 * from, 3 * (from + shared.width)), 3 * to);
        valid.set(pixels!.valid?.subarray(from, from + shared.width) ?? new Uint8Array(shared.width).fill(1), to);
      }
      const image = rgbImage(window.height, window.width, bytes);
      return { image, valid: valid.includes(0) ? valid : null };
    },
    close: () => raster.close(),
  };
}
