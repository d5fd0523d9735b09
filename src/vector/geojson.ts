import { isRecord } from '../common/check.ts';
import type { Point, Polygon, Ring } from '../imagery/geometry.ts';
import { crsOfName, type Crs } from './crs.ts';
import type { Feature, Geometry, VectorLayer } from './layer.ts';

/**
 * The layer of a parsed GeoJSON text: a FeatureCollection (RFC 7946), with the `crs` member of its predecessor if there is
 * one. Throws an Error for others.
 */
export function geojsonLayer(json: unknown, name: string): VectorLayer {
  const collection = isRecord(json) ? json : {};
  const list = collection['features'];
  if (collection['type'] !== 'FeatureCollection' || !Array.isArray(list)) {
    throw new Error(`not a GeoJSON FeatureCollection (type is ${JSON.stringify(collection['type'])})`);
  }
  const features = list.flatMap((feature: unknown, index): Feature[] => {
    const { properties, geometry } = isRecord(feature) ? feature : {};
    if (geometry === null || geometry === undefined) return [];
    return [{ index, properties: isRecord(properties) ? properties : {}, ...geojsonGeometry(geometry, index) }];
  });
  return { name, crs: crsOf(collection['crs']), features };
}

/** The `crs` member of older GeoJSON, which GDAL and SpaceNet write; null if absent. */
function crsOf(crs: unknown): Crs | null {
  const properties = isRecord(crs) ? crs['properties'] : undefined;
  const name = isRecord(properties) ? properties['name'] : undefined;
  return typeof name === 'string' ? crsOfName(name) : null;
}

/** Types of geometry that have neither polygons nor points here. */
const WITHOUT_AREA = ['LineString', 'MultiLineString', 'GeometryCollection'];

/** A GeoJSON geometry. Throws an Error that names the feature if it is damaged or of an unknown type. */
export function geojsonGeometry(value: unknown, index: number): Geometry {
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
      if (WITHOUT_AREA.includes(geometry)) return { geometry, polygons: [], points: [] };
      return fail(`geometry is a ${geometry}, expected Polygon or MultiPolygon`);
  }
}
