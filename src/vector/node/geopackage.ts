import { MissingPackageError } from '../../common/optional-package.ts';
import { crsOfEpsg, crsOfWkt, type Crs } from '../crs.ts';
import type { Feature, VectorLayer } from '../layer.ts';
import { parseWkb } from '../wkb.ts';
import { openDatabase, type Database, type Row } from './sqlite.ts';

/**
 * Reads a layer of a GeoPackage (OGC 12-128r19). Rejects with an Error for a damaged file, and where `layer` is not the name
 * of one of its layers or is needed because there are several.
 */
export async function readGeoPackage(path: string, layer?: string): Promise<VectorLayer> {
  const database = await openDatabase(path).catch((error: unknown) => {
    if (!(error instanceof MissingPackageError)) throw error;
    throw new Error('a GeoPackage needs Node 22.13 or later, or the package sql.js: npm install sql.js', {
      cause: error,
    });
  });
  try {
    for (const name of CATALOGUE) checkTable(database, name);
    const found = chooseLayer([...database.rows(LAYERS)], layer);
    const { table, geometry } = { table: text(found['table_name']), geometry: text(found['column_name']) };
    checkTable(database, table);
    const features: Feature[] = [];
    let index = 0;
    for (const row of database.rows(`SELECT * FROM ${quoted(table, '"')}`)) {
      const { [geometry]: bytes, ...properties } = row;
      if (bytes instanceof Uint8Array) features.push({ index, properties, ...readGeometry(bytes, index) });
      index++;
    }
    return { name: `${path} (layer ${table})`, crs: layerCrs(found), features };
  } finally {
    database.close();
  }
}

/** Layers with their geometry columns and coordinate systems (tables of sections 1.1.2, 1.1.3 and 2.1.5). */
const LAYERS = `
  SELECT g.table_name, g.column_name, s.srs_id, s.organization, s.organization_coordsys_id, s.definition
  FROM gpkg_geometry_columns g
  JOIN gpkg_contents c ON c.table_name = g.table_name
  LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
  WHERE c.data_type = 'features' ORDER BY g.table_name`;

/** The tables of `LAYERS`. */
const CATALOGUE = ['gpkg_geometry_columns', 'gpkg_contents', 'gpkg_spatial_ref_sys'];

/** A name or, in single quotes, a text of SQL. */
const quoted = (name: string, quote: '"' | "'"): string => quote + name.replaceAll(quote, quote + quote) + quote;

/**
 * Throws an Error unless a name is that of a table that holds its values: reading a view, a virtual table or a generated column
 * runs what the file says, for ever if it says so.
 */
function checkTable(database: Database, name: string): void {
  const [found] = database.rows(`SELECT type, sql FROM sqlite_master WHERE name = ${quoted(name, "'")} COLLATE NOCASE`);
  if (found === undefined) throw new Error(`damaged: there is no table ${name}`);
  const isTable = found['type'] === 'table' && !/^\s*CREATE\s+VIRTUAL\b/i.test(text(found['sql']));
  const columns = isTable ? [...database.rows(`PRAGMA table_xinfo(${quoted(name, '"')})`)] : [];
  if (isTable && columns.every(({ hidden }) => Number(hidden) === 0)) return;
  throw new Error(`${name} is a view, a virtual table or has computed columns: write it as a plain table with ogr2ogr`);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function chooseLayer(layers: readonly Row[], name: string | undefined): Row {
  const names = layers.map((row) => text(row['table_name'])).join(', ');
  const found = name === undefined ? layers : layers.filter((row) => row['table_name'] === name);
  if (layers.length === 0) throw new Error('this GeoPackage has no layer of features');
  if (found.length === 0) throw new Error(`there is no layer ${name}, expected one of ${names}`);
  if (found.length > 1) throw new Error(`${found.length} layers: ${names}; name one with layer (convert --layer)`);
  return found[0]!;
}

function layerCrs(row: Row): Crs | null {
  const [id, organization, definition] = [row['srs_id'], text(row['organization']), text(row['definition'])];
  // -1 and 0 stand for an undefined system.
  if (typeof id !== 'number' || id <= 0) return null;
  const code = Number(row['organization_coordsys_id']);
  return organization.toUpperCase() === 'EPSG' && code > 0 ? crsOfEpsg(code) : crsOfWkt(definition);
}

/** The well-known binary behind the header of a GeoPackage geometry (section 2.1.3). */
function readGeometry(bytes: Uint8Array, index: number): ReturnType<typeof parseWkb> {
  try {
    const flags = bytes[3] ?? 0;
    const envelope = [0, 32, 48, 48, 64][(flags >> 1) & 7];
    if (bytes[0] !== 0x47 || bytes[1] !== 0x50 || envelope === undefined)
      throw new Error('damaged: no GeoPackage geometry');
    return parseWkb(bytes.subarray(8 + envelope));
  } catch (error) {
    throw new Error(`feature ${index}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
