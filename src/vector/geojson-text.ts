import type { Point } from '../imagery/geometry.ts';
import type { Crs } from './crs.ts';
import { geojsonOf, summarizeLayer, type LayerSummary, type OutputFeature, type OutputLayer } from './output-layer.ts';

/**
 * The parts of the text of a FeatureCollection, with a feature on each line. In WGS84 it is that of RFC 7946; another coordinate
 * system is named in the member `crs` of the specification of 2008, which GDAL and QGIS read. Coordinates are rounded to a tenth
 * of a millimetre.
 */
export function* geojsonText(
  name: string,
  { fields, features, crs }: OutputLayer,
  { bounds }: LayerSummary = summarizeLayer(fields, features),
): Generator<string, void, void> {
  // Units are not known for all systems, but only degrees are that small.
  const decimals = bounds?.every((value) => Math.abs(value) <= 360) === true ? 9 : 4;
  const head = JSON.stringify({ type: 'FeatureCollection', name, ...crsMember(crs) });
  yield `${head.slice(0, -1)},"features":[`;
  let separator = '\n';
  for (const feature of features) {
    yield separator + JSON.stringify(featureOf(feature, decimals));
    separator = ',\n';
  }
  yield '\n]}\n';
}

function crsMember(crs: Crs | null): { crs?: object } {
  if (crs === null || crs.epsg === null || crs.epsg === 4326) return {};
  return { crs: { type: 'name', properties: { name: `urn:ogc:def:crs:EPSG::${crs.epsg}` } } };
}

function featureOf({ polygons, properties }: OutputFeature, decimals: number): object {
  const rounded = polygons.map((polygon) => polygon.map((ring) => ring.map(rounding(decimals))));
  return { type: 'Feature', properties, geometry: geojsonOf(rounded, polygons.length > 1) };
}

const rounding =
  (decimals: number) =>
  (point: Point): Point => [Number(point[0].toFixed(decimals)), Number(point[1].toFixed(decimals))];
