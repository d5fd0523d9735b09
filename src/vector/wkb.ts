import type { Point, Polygon, Ring } from '../imagery/geometry.ts';
import { collect, type Geometry } from './layer.ts';

/** Types of geometry by their number in well-known binary (OGC 06-103r4, table 6). Only the first seven are read. */
const TYPES = [
  'Geometry',
  'Point',
  'LineString',
  'Polygon',
  'MultiPoint',
  'MultiLineString',
  'MultiPolygon',
  'GeometryCollection',
  'CircularString',
  'CompoundCurve',
  'CurvePolygon',
  'MultiCurve',
  'MultiSurface',
  'Curve',
  'Surface',
  'PolyhedralSurface',
  'TIN',
  'Triangle',
];

/** Reads well-known binary (OGC 06-103r4, section 8.2), with or without Z and M, which are left out. Throws an Error. */
export function parseWkb(bytes: Uint8Array): Geometry {
  return new WkbReader(bytes).geometry();
}

class WkbReader {
  readonly #view: DataView;
  #at = 0;
  #little = true;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  geometry(depth = 0): Geometry {
    this.#need(5);
    this.#little = this.#view.getUint8(this.#at) === 1;
    this.#at += 1;
    const code = this.#uint32();
    const [type, dimensions] = [code % 1000, Math.floor(code / 1000)];
    const geometry = TYPES[type];
    if (geometry === undefined || dimensions > 3 || depth > 8) throw new Error(`damaged: geometry of type ${code}`);
    const axes = [2, 3, 3, 4][dimensions]!;
    switch (geometry) {
      case 'Point': {
        const place = this.#points(1, axes);
        // An empty point has the coordinates NaN.
        return { geometry, polygons: [], points: place.filter(([x]) => !Number.isNaN(x)) };
      }
      case 'Polygon': {
        const rings: Polygon = this.#list(4, (): Ring => this.#points(this.#count(8 * axes), axes));
        return { geometry, polygons: rings.length > 0 ? [rings] : [], points: [] };
      }
      case 'MultiPoint':
      case 'MultiPolygon':
        return collect(
          geometry,
          this.#list(9, () => this.geometry(depth + 1)),
        );
      default:
        // Lines, curves and collections, as in GeoJSON.
        return { geometry, polygons: [], points: [] };
    }
  }

  #list<T>(minBytes: number, read: () => T): T[] {
    return Array.from({ length: this.#count(minBytes) }, read);
  }

  /** A number of parts, each of which has at least some bytes: a damaged number must not allocate memory. */
  #count(minBytes: number): number {
    const count = this.#uint32();
    this.#need(count * minBytes);
    return count;
  }

  #points(count: number, axes: number): Point[] {
    this.#need(count * axes * 8);
    const points: Point[] = [];
    for (let i = 0; i < count; i++, this.#at += axes * 8) {
      const number = (axis: number): number => this.#view.getFloat64(this.#at + 8 * axis, this.#little);
      points.push([number(0), number(1)]);
    }
    return points;
  }

  #uint32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at, this.#little);
    this.#at += 4;
    return value;
  }

  #need(bytes: number): void {
    const left = this.#view.byteLength - this.#at;
    if (bytes > left) throw new Error(`damaged: a geometry needs ${bytes} more bytes and has ${left}`);
  }
}
