import type { Polygon } from '../imagery/geometry.ts';
import { closedRings, featureBounds } from './output-layer.ts';

const POLYGON = 3;
const MULTI_POLYGON = 6;
/** Flags of the header: numbers are little-endian, the envelope is that of x and y. */
const FLAGS = 0b11;
const HEADER_BYTES = 8 + 4 * 8;

/**
 * The geometry of a feature as GeoPackage stores it (OGC 12-128r19, clause 2.1.3): a header with the bounds, then well-known
 * binary, which is a MultiPolygon if `isMulti` is true and else a Polygon.
 */
export function geopackageGeometry(polygons: readonly Polygon[], isMulti: boolean, srsId: number): Uint8Array {
  const parts = polygons.map((polygon) => closedRings(polygon, 'counterclockwise'));
  const partBytes = parts.map((rings) => rings.reduce((sum, ring) => sum + 4 + 16 * ring.length, 9));
  const multiBytes = isMulti ? 9 : 0;
  const bytes = new Uint8Array(HEADER_BYTES + partBytes.reduce((sum, part) => sum + part, multiBytes));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const uint32 = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const float64 = (value: number): void => {
    view.setFloat64(at, value, true);
    at += 8;
  };
  const wkbHeader = (type: number): void => {
    view.setUint8(at++, 1); // Little-endian.
    uint32(type);
  };
  bytes.set([0x47, 0x50, 0, FLAGS]); // "GP", version 1.
  view.setInt32(4, srsId, true);
  at = 8;
  const [x1, y1, x2, y2] = featureBounds(polygons);
  for (const value of [x1, x2, y1, y2]) float64(value);
  if (isMulti) {
    wkbHeader(MULTI_POLYGON);
    uint32(parts.length);
  }
  for (const rings of parts) {
    wkbHeader(POLYGON);
    uint32(rings.length);
    for (const ring of rings) {
      uint32(ring.length);
      for (const [x, y] of ring) {
        float64(x);
        float64(y);
      }
    }
  }
  return bytes;
}
