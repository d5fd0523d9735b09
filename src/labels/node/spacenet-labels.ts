import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Point, Polygon, Ring } from '../../imagery/geometry.ts';
import { invertAffine, projectionOf } from '../../imagery/georeference.ts';
import type { Tiff } from '../../imagery/node/tiff.ts';
import { parseCsv } from '../csv-rows.ts';
import { isRecord } from '../json.ts';
import { LabelError } from '../problems.ts';
import { parseWkt } from '../wkt.ts';

/** Footprints by the key of a place (`labelKeyOf`). */
export interface LabelSource {
  readonly kind: 'geojson' | 'csv' | 'none';
  has(key: string): boolean;
  /** Footprints in pixels of the image, converted from the coordinate system of the labels. */
  polygons(key: string, image: Tiff): Promise<Polygon[]>;
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

/** The polygons of one feature of a FeatureCollection, in pixels, with its properties. */
export interface PixelFeature {
  /** Position in the file, from 0. */
  readonly index: number;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly polygons: readonly Polygon[];
}

/** The features of a FeatureCollection (RFC 7946) that have polygons, in pixels of an image. Throws an Error for others. */
export function geojsonFeatures(json: unknown, image: Tiff): PixelFeature[] {
  const collection = isRecord(json) ? json : {};
  const list = collection['features'];
  if (collection['type'] !== 'FeatureCollection' || !Array.isArray(list)) {
    throw new Error(`not a GeoJSON FeatureCollection (type is ${JSON.stringify(collection['type'])})`);
  }
  const features = list
    .map((feature: unknown, index): PixelFeature => {
      const properties = isRecord(feature) ? feature['properties'] : undefined;
      const polygons = featurePolygons(isRecord(feature) ? feature['geometry'] : undefined, index);
      return { index, properties: isRecord(properties) ? properties : {}, polygons };
    })
    .filter(({ polygons }) => polygons.length > 0);
  if (features.length === 0) return [];
  const all = features.flatMap(({ polygons }) => polygons);
  const toPixel = pixelMap(crsName(collection['crs']), all, image);
  return features.map(({ index, properties, polygons }) => ({
    index,
    properties,
    polygons: polygons.map((rings) => rings.map((ring) => ring.map(([x, y]) => toPixel(x, y)))),
  }));
}

/** The outer rings and holes of all polygons of a FeatureCollection, in pixels of an image. */
function geojsonToPixels(json: unknown, image: Tiff): Polygon[] {
  return geojsonFeatures(json, image).flatMap(({ polygons }) => polygons);
}

function featurePolygons(geometry: unknown, index: number): Polygon[] {
  if (geometry === null || geometry === undefined) return [];
  const [type, coordinates] = isRecord(geometry) ? [geometry['type'], geometry['coordinates']] : [];
  const fail = (reason: string): never => {
    throw new Error(`feature ${index}: ${reason}`);
  };
  // Points have no extent, and hence no boxes.
  if (type === 'Point' || type === 'MultiPoint') return [];
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    return fail(`geometry is a ${String(type)}, expected Polygon or MultiPolygon (footprints of buildings)`);
  }
  const array = (value: unknown): unknown[] =>
    Array.isArray(value) ? value : fail(`coordinates of the ${type} are damaged`);
  const ring = (value: unknown): Ring =>
    array(value).map((position): Point => {
      const [x, y] = array(position);
      if (typeof x !== 'number' || typeof y !== 'number') return fail(`coordinates of the ${type} are not numbers`);
      return [x, y];
    });
  const parts = type === 'Polygon' ? [array(coordinates)] : array(coordinates).map(array);
  return parts.map((rings) => rings.map(ring)).filter((rings) => rings.length > 0);
}

/** The name in the `crs` member of older GeoJSON, which SpaceNet's files have; null if absent. */
function crsName(crs: unknown): string | null {
  const properties = isRecord(crs) ? crs['properties'] : undefined;
  const name = isRecord(properties) ? properties['name'] : undefined;
  return typeof name === 'string' ? name : null;
}

/** The map from the coordinates of the labels to pixels. Throws an Error if their coordinate systems are incompatible. */
function pixelMap(crs: string | null, polygons: readonly Polygon[], image: Tiff): (x: number, y: number) => Point {
  if (image.affine === null) {
    throw new Error(`${image.path} has no georeference, so labels in map coordinates cannot be placed on it`);
  }
  const toPixel = invertAffine(image.affine);
  const named = crs === null ? null : epsgOf(crs);
  const fitsDegrees = polygons.every((rings) => rings.every((ring) => ring.every(isDegrees)));
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
