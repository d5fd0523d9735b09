import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Point, Polygon, Ring } from '../../imagery/geometry.ts';
import { invertAffine, projectionOf } from '../../imagery/georeference.ts';
import type { RawImage } from '../../imagery/raw-image.ts';
import { parseCsv } from '../csv-rows.ts';
import { LabelError } from '../problems.ts';
import { parseWkt } from '../wkt.ts';

/** Footprints by the key of a place (`labelKeyOf`). */
export interface LabelSource {
  readonly kind: 'geojson' | 'csv' | 'none';
  has(key: string): boolean;
  /** Footprints in pixels of the image, converted from the coordinate system of the labels. */
  polygons(key: string, image: RawImage): Promise<Polygon[]>;
}

/** A data set without labels. */
export const noLabels: LabelSource = { kind: 'none', has: () => false, polygons: async () => [] };

/** Labels in GeoJSON files, one for each place. */
export function geojsonLabels(root: string, files: ReadonlyMap<string, string>): LabelSource {
  return {
    kind: 'geojson',
    has: (key) => files.has(key),
    async polygons(key, image) {
      const path = join(root, files.get(key)!);
      try {
        return geojsonToPixels(JSON.parse(await readFile(path, 'utf8')), image);
      } catch (error) {
        throw new InputError('openSpaceNet', reasonOf(error), { file: path, cause: error });
      }
    },
  };
}

const COLUMNS = ['ImageId', 'BuildingId', 'PolygonWKT_Pix'];

/** Labels in summary files (`ImageId,BuildingId,PolygonWKT_Pix,...`), whose polygons are in pixels. */
export async function csvLabels(root: string, files: readonly string[]): Promise<LabelSource> {
  const places = new Map<string, Polygon[]>();
  for (const file of files) {
    const path = join(root, file);
    for (const { line, fields } of parseCsv(await readFile(path, 'utf8'), path, COLUMNS)) {
      const origin = { file: path, line };
      const key = fields['ImageId']!.trim();
      if (key === '') throw new LabelError('syntax', origin, 'ImageId is empty');
      const polygons = places.get(key) ?? [];
      places.set(key, polygons);
      // BuildingId -1 with POLYGON EMPTY marks a place that was inspected and has no building.
      if (Number(fields['BuildingId']) === -1) continue;
      try {
        polygons.push(...parseWkt(fields['PolygonWKT_Pix']!));
      } catch (error) {
        throw new LabelError('syntax', origin, reasonOf(error), { cause: error });
      }
    }
  }
  return { kind: 'csv', has: (key) => places.has(key), polygons: async (key) => places.get(key) ?? [] };
}

/** One feature of a FeatureCollection, in pixels, with its properties. */
export interface PixelFeature {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Type of the geometry, one of RFC 7946's. */
  readonly geometry: string;
  /** Empty unless the geometry is a Polygon or a MultiPolygon. */
  readonly polygons: readonly Polygon[];
  /** The positions of a Point or MultiPoint; empty for other types. */
  readonly points: readonly Point[];
}

/** The features of a FeatureCollection (RFC 7946) that have a geometry, in pixels of an image. Throws an Error for others. */
export function geojsonFeatures(json: unknown, image: RawImage): PixelFeature[] {
  const collection = isRecord(json) ? json : {};
  const list = collection['features'];
  if (collection['type'] !== 'FeatureCollection' || !Array.isArray(list)) {
    throw new Error(`not a GeoJSON FeatureCollection (type is ${JSON.stringify(collection['type'])})`);
  }
  const features = list.flatMap((feature: unknown, index): PixelFeature[] => {
    const { properties, geometry } = isRecord(feature) ? feature : {};
    if (geometry === null || geometry === undefined) return [];
    return [{ index, properties: isRecord(properties) ? properties : {}, ...parseGeometry(geometry, index) }];
  });
  const positions = features.flatMap(({ polygons, points }) => [...polygons.flat(2), ...points]);
  if (positions.length === 0) return features;
  const toPixel = pixelMap(crsName(collection['crs']), positions, image);
  const place = ([x, y]: Point): Point => toPixel(x, y);
  return features.map(({ polygons, points, ...feature }) => ({
    ...feature,
    polygons: polygons.map((rings) => rings.map((ring) => ring.map(place))),
    points: points.map(place),
  }));
}

/** The outer rings and holes of all polygons of a FeatureCollection, in pixels of an image. */
function geojsonToPixels(json: unknown, image: RawImage): Polygon[] {
  return geojsonFeatures(json, image).flatMap(({ index, geometry, polygons, points }) => {
    // SpaceNet has points where a footprint has no extent.
    if (points.length > 0 || !NOT_READ.includes(geometry)) return polygons;
    const expected = 'expected Polygon or MultiPolygon (footprints of buildings)';
    throw new Error(`feature ${index}: geometry is a ${geometry}, ${expected}`);
  });
}

/** Types of geometry that are not read. */
const NOT_READ = ['LineString', 'MultiLineString', 'GeometryCollection'];

function parseGeometry(value: unknown, index: number): Pick<PixelFeature, 'geometry' | 'polygons' | 'points'> {
  const { type, coordinates } = isRecord(value) ? value : {};
  const geometry = String(type);
  const fail = (reason: string): never => {
    throw new Error(`feature ${index}: ${reason}`);
  };
  const array = (item: unknown): unknown[] =>
    Array.isArray(item) ? item : fail(`coordinates of the ${geometry} are damaged`);
  const point = (item: unknown): Point => {
    const [x, y] = array(item);
    if (typeof x !== 'number' || typeof y !== 'number') return fail(`coordinates of the ${geometry} are not numbers`);
    return [x, y];
  };
  const polygon = (item: unknown): Polygon => array(item).map((ring): Ring => array(ring).map(point));
  const hasRings = (rings: Polygon): boolean => rings.length > 0;
  switch (type) {
    case 'Polygon':
      return { geometry, polygons: [polygon(coordinates)].filter(hasRings), points: [] };
    case 'MultiPolygon':
      return { geometry, polygons: array(coordinates).map(polygon).filter(hasRings), points: [] };
    case 'Point':
      return { geometry, polygons: [], points: [point(coordinates)] };
    case 'MultiPoint':
      return { geometry, polygons: [], points: array(coordinates).map(point) };
    default:
      if (NOT_READ.includes(geometry)) return { geometry, polygons: [], points: [] };
      return fail(`geometry is a ${geometry}, expected Polygon or MultiPolygon`);
  }
}

/** The name in the `crs` member of older GeoJSON, which SpaceNet's files have; null if absent. */
function crsName(crs: unknown): string | null {
  const properties = isRecord(crs) ? crs['properties'] : undefined;
  const name = isRecord(properties) ? properties['name'] : undefined;
  return typeof name === 'string' ? name : null;
}

/** The map from the coordinates of the labels to pixels. Throws an Error if their coordinate systems are incompatible. */
function pixelMap(crs: string | null, positions: readonly Point[], image: RawImage): (x: number, y: number) => Point {
  if (image.affine === null) {
    throw new Error(`${image.path} has no georeference, so labels in map coordinates cannot be placed on it`);
  }
  const toPixel = invertAffine(image.affine);
  const named = crs === null ? null : epsgOf(crs);
  const fitsDegrees = positions.every(isDegrees);
  const imageCrs = image.epsg === null ? 'a system without a code' : `EPSG:${image.epsg}`;

  // The labels of SpaceNet 4 and 6 are in the metres of the image; not all of them name their coordinate system.
  const labelsInDegrees = named === 4326 || (named === null && (image.geographic === true || fitsDegrees));
  if (labelsInDegrees && !fitsDegrees) {
    throw new Error(
      `the labels exceed 180 or 90 degrees, so they are in metres, but ${image.path} is in degrees (${imageCrs}): ` +
        'reproject them with ogr2ogr -t_srs EPSG:4326',
    );
  }
  if (image.geographic === null || (named === null && !labelsInDegrees) || (named !== null && named === image.epsg))
    return toPixel;
  if (labelsInDegrees) {
    if (image.geographic) return toPixel;
    const project = image.epsg === null ? null : projectionOf(image.epsg);
    if (project !== null) return (lon, lat) => toPixel(...project(lon, lat));
  }
  throw new Error(
    `the labels are in ${named === null || named === 4326 ? 'degrees (WGS84)' : `EPSG:${named}`}, ${image.path} is in ${imageCrs} ` +
      `(${image.geographic ? 'degrees' : 'metres'}): reproject the labels with ogr2ogr -t_srs`,
  );
}

/** The EPSG code of a coordinate system. Throws an Error for other names. */
function epsgOf(crs: string): number {
  const code = /CRS84/i.test(crs) ? 4326 : Number(/EPSG:+(?:[\d.]*:)?(\d+)$/i.exec(crs)?.[1] ?? NaN);
  if (!Number.isNaN(code)) return code;
  throw new Error(`coordinate system ${JSON.stringify(crs)} is unknown, expected CRS84 or an EPSG code`);
}

function isDegrees([x, y]: Point): boolean {
  return Math.abs(x) <= 180 && Math.abs(y) <= 90;
}
