import type proj4Package from 'proj4';
import type { Point } from '../imagery/geometry.ts';
import { optionalPackage } from '../common/optional-package.ts';
import { isSameCrs, type Crs } from './crs.ts';

type Proj4 = typeof proj4Package;
type Projection = InstanceType<Proj4['Proj']>;

/** A conversion of coordinates from one coordinate system to another. */
export interface Transformation {
  /** Converts a place; null if it is not finite or outside the domain of one of the projections. */
  readonly apply: (x: number, y: number) => Point | null;
  /**
   * Accuracy in metres of the shift between the datums by the EPSG data set; shift grids are not used. 0 if both systems
   * have the same datum, null for a shift that a file defines itself.
   */
  readonly accuracy: number | null;
}

/**
 * The conversion between two coordinate systems, by proj4js. Rejects with an Error if one of them is neither in the table
 * of EPSG codes (`scripts/epsg.py`) nor defined by well-known text that proj4js understands.
 */
export async function transformation(from: Crs, to: Crs): Promise<Transformation> {
  if (isSameCrs(from, to)) return { apply: (x, y) => [x, y], accuracy: 0 };
  const { default: proj4 } = await optionalPackage('proj4', () => import('proj4'));
  const table = await loadTable();
  const [source, target] = [readCrs(proj4, table, from), readCrs(proj4, table, to)];
  const { forward } = proj4(source.projection, target.projection);
  const isDegrees = source.projection.names.includes('longlat');
  const known = source.accuracy !== null && target.accuracy !== null;
  return {
    apply: (x, y) => {
      if (!Number.isFinite(x) || !Number.isFinite(y) || (isDegrees && Math.abs(y) > 90)) return null;
      const [u, v] = forward([x, y]) as [number, number];
      return Number.isFinite(u) && Number.isFinite(v) ? [u, v] : null;
    },
    accuracy: source.datum === target.datum ? 0 : known ? source.accuracy + target.accuracy : null,
  };
}

/** A coordinate system as proj4js has it, with the accuracy in metres of its datum's shift to WGS84. */
interface ReadCrs {
  readonly projection: Projection;
  readonly datum: string;
  readonly accuracy: number | null;
}

function readCrs(proj4: Proj4, table: EpsgTable, crs: Crs): ReadCrs {
  const entry = table.get(crs.epsg === null ? firstName(crs.wkt) : String(crs.epsg));
  if (entry !== undefined) {
    return { ...entry, projection: new proj4.Proj(`${entry.projection} ${entry.datum} +no_defs`) };
  }
  if (crs.wkt === null) throw unsupported(crs, 'it is not in the table of EPSG codes');
  const projection = readWkt(proj4, crs);
  // proj4js leaves out the shift of a datum that it does not know, which may be hundreds of metres.
  const geographic = firstName(/GEOG(?:CS|CRS|RAPHICCRS)\s*\[[^]*/i.exec(crs.wkt)?.[0] ?? '');
  const known = table.get(geographic) ?? (isWgs84Ellipsoid(projection) ? table.get('4326') : undefined);
  if (known === undefined && !/TOWGS84/i.test(crs.wkt)) {
    throw unsupported(crs, `the shift of its datum (${geographic}) to WGS84 is not known`);
  }
  if (known === undefined) return { projection, datum: crs.wkt, accuracy: null };
  projection.datum = new proj4.Proj(`+proj=longlat ${known.datum} +no_defs`).datum;
  return { ...known, projection };
}

function readWkt(proj4: Proj4, crs: Crs): Projection {
  try {
    return new proj4.Proj(crs.wkt!);
  } catch (error) {
    // proj4js throws text, which ends with the whole definition.
    throw unsupported(crs, String(error).replace(/:[^]*/, ''));
  }
}

const isWgs84Ellipsoid = ({ a, b }: Projection): boolean =>
  Math.abs(Number(a) - 6_378_137) < 0.01 && Math.abs(Number(b) - 6_356_752.314) < 0.01;

/** The first quoted name of well-known text: that of the system. */
const firstName = (wkt: string | null): string => /"([^"]*)"/.exec(wkt ?? '')?.[1] ?? '';

const unsupported = ({ name }: Crs, reason: string): Error =>
  new Error(
    `the coordinate system ${name} is not supported (${reason}): ` +
      'reproject labels with ogr2ogr -t_srs EPSG:4326, images with gdalwarp -t_srs EPSG:3857',
  );

/** Projections and datums as PROJ strings, by EPSG code and by ESRI's name. */
type EpsgTable = ReadonlyMap<
  string,
  { readonly projection: string; readonly datum: string; readonly accuracy: number }
>;

let loaded: Promise<EpsgTable> | undefined;

/** The table of EPSG systems, read once. */
function loadTable(): Promise<EpsgTable> {
  loaded ??= import('./epsg-table.ts').then(({ epsgDatums, epsgSystems }) => {
    const parts = (line: string): string => line.replaceAll(/(?<=^| )(?=\S)/g, '+');
    const lines = (text: string): string[] => text.trimEnd().split('\n');
    const datums = lines(epsgDatums).map((line) => line.split('|') as [string, string]);
    const table = new Map<string, { projection: string; datum: string; accuracy: number }>();
    for (const line of lines(epsgSystems)) {
      const [projection, datum, systems] = line.split('|') as [string, string, string];
      const [shape, accuracy] = datums[Number(datum)]!;
      const entry = { projection: parts(projection), datum: parts(shape), accuracy: Number(accuracy) };
      for (const system of systems.split(',')) {
        const [code, name] = system.split(' ') as [string, string?];
        table.set(code, entry);
        if (name !== undefined) table.set(name, entry);
      }
    }
    return table;
  });
  return loaded;
}
