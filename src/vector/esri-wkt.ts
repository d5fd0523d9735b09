import type { Crs } from './crs.ts';

/** A geographic system: its EPSG code, its names, and its ellipsoid with the inverse flattening. */
interface Geographic {
  readonly epsg: number;
  readonly name: string;
  readonly ellipsoid: string;
  /** The part of the EPSG codes of its UTM zones before the two digits of the zone, and which hemisphere they are of. */
  readonly utm: Readonly<Record<number, 'N' | 'S'>>;
}

const GEOGRAPHIC: readonly Geographic[] = [
  { epsg: 4326, name: 'WGS_1984', ellipsoid: '"WGS_1984",6378137.0,298.257223563', utm: { 326: 'N', 327: 'S' } },
  { epsg: 4258, name: 'ETRS_1989', ellipsoid: '"GRS_1980",6378137.0,298.257222101', utm: { 258: 'N' } },
  { epsg: 4269, name: 'North_American_1983', ellipsoid: '"GRS_1980",6378137.0,298.257222101', utm: { 269: 'N' } },
];

/**
 * The coordinate system as well-known text for the .prj file of a shapefile, in which Esri's names stand for EPSG codes: its own
 * definition if it has one, otherwise of WGS84, ETRS89 and NAD83, their UTM zones and Web Mercator. Null for others.
 */
export function esriWkt({ epsg, wkt }: Crs): string | null {
  if (wkt !== null) return wkt;
  if (epsg === null) return null;
  if (epsg === 3857) {
    const parameters = { Central_Meridian: 0, Standard_Parallel_1: 0, Auxiliary_Sphere_Type: 0 };
    return projected('WGS_1984_Web_Mercator_Auxiliary_Sphere', GEOGRAPHIC[0]!, 'Mercator_Auxiliary_Sphere', parameters);
  }
  const [family, zone] = [Math.floor(epsg / 100), epsg % 100];
  for (const system of GEOGRAPHIC) {
    if (epsg === system.epsg) return geographic(system);
    const hemisphere = system.utm[family];
    if (hemisphere === undefined || zone < 1 || zone > 60) continue;
    return projected(`${utmName(system)}_UTM_Zone_${zone}${hemisphere}`, system, 'Transverse_Mercator', {
      False_Easting: 500_000,
      False_Northing: hemisphere === 'N' ? 0 : 10_000_000,
      Central_Meridian: 6 * zone - 183,
      Scale_Factor: 0.9996,
      Latitude_Of_Origin: 0,
    });
  }
  return null;
}

const utmName = ({ epsg, name }: Geographic): string => (epsg === 4269 ? 'NAD_1983' : name);

const geographic = ({ name, ellipsoid }: Geographic): string =>
  `GEOGCS["GCS_${name}",DATUM["D_${name}",SPHEROID[${ellipsoid}]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`;

function projected(
  name: string,
  base: Geographic,
  method: string,
  parameters: Readonly<Record<string, number>>,
): string {
  const all = { False_Easting: 0, False_Northing: 0, ...parameters };
  const list = Object.entries(all).map(([key, value]) => `PARAMETER["${key}",${value}],`);
  return `PROJCS["${name}",${geographic(base)},PROJECTION["${method}"],${list.join('')}UNIT["Meter",1.0]]`;
}
