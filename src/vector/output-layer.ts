import { boundsOf, ringArea, type Box, type Polygon, type Ring } from '../imagery/geometry.ts';
import type { Crs } from './crs.ts';

// Vector layers as they are written, independent of the file format.

/** The formats of vector layers that can be written; the names are also the endings of the files. */
export const layerFormats = ['geojson', 'gpkg', 'fgb', 'shp'] as const;

/** Name of a format of vector layers. */
export type LayerFormat = (typeof layerFormats)[number];

/** The value of an attribute; null if it is not known. */
export type FieldValue = string | number | null;

/** An attribute that all features of a layer have. */
export interface OutputField {
  /** At most ten ASCII letters, digits and underscores, so that it is the same in shapefiles. */
  readonly name: string;
  readonly type: 'text' | 'integer' | 'real';
}

/** A place on the map with its attributes. */
export interface OutputFeature {
  /** Outlines in map coordinates, in the units and the axis order (x or longitude first) of the layer's system. */
  readonly polygons: readonly Polygon[];
  /** The value of each field, by its name. */
  readonly properties: Readonly<Record<string, FieldValue>>;
}

/** A vector layer to write. */
export interface OutputLayer {
  readonly fields: readonly OutputField[];
  /** Iterated more than once, always with the same features, so that they need not be in memory together. */
  readonly features: Iterable<OutputFeature>;
  /** Null if the coordinate system is not known. */
  readonly crs: Crs | null;
}

/** What must be known of all features before the first is written. */
export interface LayerSummary {
  /** Number of features. */
  readonly count: number;
  /** The smallest box around all features; null if there are none. */
  readonly bounds: Box | null;
  /** Whether a feature has several polygons. */
  readonly isMulti: boolean;
  /** Number of rings of all features. */
  readonly rings: number;
  /** Number of points of all rings, closed. */
  readonly points: number;
  /** Number of bytes (UTF-8) of the longest text of each text field, by its name. */
  readonly textBytes: ReadonlyMap<string, number>;
}

export function summarizeLayer(fields: readonly OutputField[], features: Iterable<OutputFeature>): LayerSummary {
  const textFields = fields.filter(({ type }) => type === 'text').map(({ name }) => name);
  const textBytes = new Map(textFields.map((name) => [name, 0]));
  const lengths = new Map<string, number>(); // Classes and images repeat.
  let [count, isMulti, rings, points] = [0, false, 0, 0];
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { polygons, properties } of features) {
    count++;
    if (polygons.length > 1) isMulti = true;
    for (const ring of polygons.flat()) {
      rings++;
      points += ring.length + (isClosed(ring) ? 0 : 1);
    }
    const [left, bottom, right, top] = featureBounds(polygons);
    [x1, y1, x2, y2] = [Math.min(x1, left), Math.min(y1, bottom), Math.max(x2, right), Math.max(y2, top)];
    for (const name of textFields) {
      const text = properties[name];
      if (typeof text !== 'string') continue;
      let bytes = lengths.get(text);
      if (bytes === undefined) lengths.set(text, (bytes = utf8.encode(text).length));
      if (bytes > textBytes.get(name)!) textBytes.set(name, bytes);
    }
  }
  return { count, bounds: count === 0 ? null : [x1, y1, x2, y2], isMulti, rings, points, textBytes };
}

const utf8 = new TextEncoder();

/** The smallest box around the outer rings of a feature. */
export const featureBounds = (polygons: readonly Polygon[]): Box => boundsOf(polygons.flatMap(([outer = []]) => outer));

/** Polygons as a geometry of GeoJSON: the first as a Polygon, or all as a MultiPolygon. */
export function geojsonOf(
  polygons: readonly Polygon[],
  isMulti: boolean,
): { type: 'Polygon'; coordinates: number[][][] } | { type: 'MultiPolygon'; coordinates: number[][][][] } {
  const parts = polygons.map((polygon) =>
    closedRings(polygon, 'counterclockwise').map((ring) => ring.map((point) => [...point])),
  );
  return isMulti ? { type: 'MultiPolygon', coordinates: parts } : { type: 'Polygon', coordinates: parts[0]! };
}

/**
 * The rings of a polygon, closed, with the outer ring in a direction (y points up) and the holes in the other one. GeoJSON
 * (RFC 7946, section 3.1.6) and well-known binary go round counterclockwise, shapefiles clockwise.
 */
export function closedRings(polygon: Polygon, direction: 'clockwise' | 'counterclockwise'): Ring[] {
  return polygon.map((ring, i) => {
    const closed = isClosed(ring) ? ring : [...ring, ring[0]!];
    const isTurned = (direction === 'counterclockwise') === (i === 0) ? ringArea(ring) < 0 : ringArea(ring) > 0;
    return isTurned ? [...closed].reverse() : closed;
  });
}

const isClosed = (ring: Ring): boolean => {
  const [first, last] = [ring[0]!, ring[ring.length - 1]!];
  return first[0] === last[0] && first[1] === last[1];
};
