import type { Polygon, Ring } from '../imagery/geometry.ts';
import type { Affine } from '../imagery/georeference.ts';
import type { Georeference } from '../imagery/raster.ts';
import { openRing, outlineOf } from './table-builder.ts';
import type { LabelledImage } from './types.ts';

/**
 * The text of a FeatureCollection of an image's objects in map coordinates, with `label` and `score` as properties. Throws a
 * RangeError if the image has no place on the map.
 */
export function writeGeojson(
  image: LabelledImage,
  classes: readonly string[],
  { affine, epsg, geographic }: Georeference,
): string {
  if (affine === null) throw new RangeError(`writeGeojson: ${image.file} has no georeference`);
  const features = image.objects.map(({ label, score, ...object }) => ({
    type: 'Feature',
    properties: { label: classes[label], ...(score === undefined ? {} : { score }) },
    geometry: geometryOf(outlineOf({ label, ...object }), affine),
  }));
  const name = crsName(epsg, geographic);
  const crs = name === null ? {} : { crs: { type: 'name', properties: { name } } };
  return `${JSON.stringify({ type: 'FeatureCollection', ...crs, features })}\n`;
}

function geometryOf(polygons: readonly Polygon[], [a, b, c, d, e, f]: Affine): object {
  const onMap = (ring: Ring): number[][] => {
    const open = openRing(ring);
    return [...open, ...open.slice(0, 1)].map(([x, y]) => [a * x + b * y + c, d * x + e * y + f]);
  };
  const parts = polygons.map((polygon) => polygon.map(onMap));
  return parts.length === 1 ? { type: 'Polygon', coordinates: parts[0] } : { type: 'MultiPolygon', coordinates: parts };
}

/** GeoJSON's own system is WGS84; others are named in the `crs` member that GDAL and SpaceNet use. */
function crsName(epsg: number | null, geographic: boolean | null): string | null {
  if (geographic === true && (epsg === null || epsg === 4326)) return 'urn:ogc:def:crs:OGC:1.3:CRS84';
  return epsg === null ? null : `urn:ogc:def:crs:EPSG::${epsg}`;
}
