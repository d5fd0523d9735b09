import { epsgOfWkt } from '../imagery/georeference.ts';

/**
 * A coordinate system. Coordinates are x (east or longitude) and y (north or latitude), in this order in every system:
 * EPSG:4326 is read as CRS84, as all of these file formats do.
 */
export interface Crs {
  /** For messages, such as `EPSG:2193`. */
  readonly name: string;
  /** Its EPSG code; null if its definition does not name one. */
  readonly epsg: number | null;
  /** Its definition as well-known text (OGC 01-009, ISO 19162); null if only the code is known. */
  readonly wkt: string | null;
}

/** The coordinate system of an EPSG code. */
export function crsOfEpsg(epsg: number): Crs {
  return { name: `EPSG:${epsg}`, epsg, wkt: null };
}

/** Longitude and latitude in degrees on WGS84. */
export const WGS84 = crsOfEpsg(4326);

/**
 * The coordinate system of a name: `EPSG:2193`, `urn:ogc:def:crs:EPSG::2193`, `http://www.opengis.net/def/crs/EPSG/0/2193`,
 * and OGC's CRS84 (WGS84) and CRS83 (NAD83) in the same forms. Throws an Error for other names.
 */
export function crsOfName(name: string): Crs {
  const text = name.trim();
  if (/\bCRS:?84$/i.test(text)) return WGS84;
  if (/\bCRS:?83$/i.test(text)) return crsOfEpsg(4269);
  const code = /^(?:EPSG:|urn:(?:ogc|x-ogc):def:crs:EPSG:[\d.]*:|https?:\/\/.*\/EPSG\/[\d.]+\/)(\d+)$/i.exec(text)?.[1];
  if (code !== undefined) return crsOfEpsg(Number(code));
  throw new Error(`coordinate system ${JSON.stringify(name)} is unknown, expected CRS84 or an EPSG code (EPSG:4326)`);
}

/** The coordinate system of well-known text, such as a shapefile's .prj. Throws an Error for other text. */
export function crsOfWkt(text: string): Crs {
  const wkt = text.replace(/^\ufeff/, '').trim();
  const [, name] = /^[A-Z_]+\s*\[\s*"([^"]*)"/i.exec(wkt) ?? [];
  if (name === undefined || !wkt.endsWith(']')) {
    throw new Error(`the coordinate system is ${JSON.stringify(wkt.slice(0, 60))}, expected well-known text`);
  }
  const epsg = epsgOfWkt(wkt);
  return { name: epsg === null ? name : `EPSG:${epsg}`, epsg, wkt };
}

/** Whether two coordinate systems are known to be the same. */
export function isSameCrs(a: Crs, b: Crs): boolean {
  return a.epsg === null || b.epsg === null ? a.wkt !== null && a.wkt === b.wkt : a.epsg === b.epsg;
}
