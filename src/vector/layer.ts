import type { Point, Polygon } from '../imagery/geometry.ts';
import type { Crs } from './crs.ts';

/** The part of a geometry that has a place and an area, in the coordinates of its file. */
export interface Geometry {
  /** Its type by RFC 7946, such as `MultiPolygon`, or the name of another type, which has no polygons and points here. */
  readonly geometry: string;
  /** Empty unless the geometry is a Polygon or MultiPolygon, or a collection that has some. */
  readonly polygons: readonly Polygon[];
  /** The positions of a Point or MultiPoint; empty for other types. */
  readonly points: readonly Point[];
}

/** An object on a map. */
export interface Feature extends Geometry {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The features of one layer of a file; those without a geometry are left out. */
export interface VectorLayer {
  /** File, and name of the layer where the file may have several. */
  readonly name: string;
  /** Null if the file names none. */
  readonly crs: Crs | null;
  readonly features: readonly Feature[];
}

/** Geometries of one feature as one. */
export function collect(geometry: string, parts: readonly Geometry[]): Geometry {
  return {
    geometry,
    polygons: parts.flatMap(({ polygons }) => polygons),
    points: parts.flatMap(({ points }) => points),
  };
}
