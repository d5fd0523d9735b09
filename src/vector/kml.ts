import type { Point, Ring } from '../imagery/geometry.ts';
import { parseXml, type XmlElement } from '../common/xml.ts';
import { WGS84 } from './crs.ts';
import { collect, type Feature, type Geometry, type VectorLayer } from './layer.ts';

/**
 * The placemarks of a KML text (OGC 12-007r2), of all its folders. Properties are `name` and those of ExtendedData; numbers
 * are text. Throws an Error for other text.
 */
export function kmlLayer(text: string, name: string): VectorLayer {
  const root = parseXml(text).children[0];
  if (root === undefined || local(root) !== 'kml') throw new Error(`not KML (the root is ${root?.name ?? 'missing'})`);
  const features: Feature[] = [];
  descendants(root, 'Placemark').forEach((placemark, index) => {
    const geometry = placemark.children.map((child) => geometryOf(child, index)).find((found) => found !== null);
    if (geometry !== undefined && geometry !== null) {
      features.push({ index, properties: propertiesOf(placemark), ...geometry });
    }
  });
  return { name, crs: WGS84, features };
}

/** The name of an element without the prefix of its namespace. */
const local = ({ name }: XmlElement): string => name.replace(/^.*:/, '');

const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => local(child) === name);

function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => (local(child) === name ? [child] : descendants(child, name)));
}

function propertiesOf(placemark: XmlElement): Record<string, string> {
  const [name] = childrenOf(placemark, 'name');
  const properties: Record<string, string> = name === undefined ? {} : { name: name.text.trim() };
  for (const data of childrenOf(placemark, 'ExtendedData')) {
    for (const simple of descendants(data, 'SimpleData')) {
      properties[simple.attributes['name'] ?? ''] = simple.text.trim();
    }
    for (const entry of childrenOf(data, 'Data')) {
      properties[entry.attributes['name'] ?? ''] = childrenOf(entry, 'value')[0]?.text.trim() ?? '';
    }
  }
  return properties;
}

/** The geometry of an element; null if it is none. */
function geometryOf(element: XmlElement, index: number): Geometry | null {
  const type = local(element);
  const line = `feature ${index} (line ${element.line})`;
  switch (type) {
    case 'Point':
      return { geometry: type, polygons: [], points: positions(element, line) };
    case 'Polygon': {
      const rings = ['outerBoundaryIs', 'innerBoundaryIs'].flatMap((side) =>
        childrenOf(element, side).flatMap((boundary) => descendants(boundary, 'LinearRing')),
      );
      const polygon = rings.map((ring): Ring => positions(ring, line));
      return { geometry: type, polygons: polygon.length > 0 ? [polygon] : [], points: [] };
    }
    case 'MultiGeometry': {
      const parts = element.children.flatMap((child) => geometryOf(child, index) ?? []);
      return collect(type, parts);
    }
    case 'LineString':
    case 'LinearRing':
    case 'Track':
    case 'MultiTrack':
    case 'Model':
      return { geometry: type, polygons: [], points: [] };
    default:
      return null;
  }
}

/** Longitudes and latitudes, separated by blanks, with or without altitudes. */
function positions(element: XmlElement, place: string): Point[] {
  const text = childrenOf(element, 'coordinates')
    .map((child) => child.text)
    .join(' ')
    .trim();
  if (text === '') return [];
  return text.split(/\s+/).map((tuple): Point => {
    const [x, y] = tuple.split(',').map((part) => (part === '' ? NaN : Number(part)));
    if (x === undefined || y === undefined || Number.isNaN(x) || Number.isNaN(y)) {
      throw new Error(`${place}: coordinates ${JSON.stringify(tuple)}, expected longitude,latitude`);
    }
    return [x, y];
  });
}
