import { geopackageGeometry } from '../geopackage-geometry.ts';
import { WGS84, type Crs } from '../crs.ts';
import { esriWkt } from '../esri-wkt.ts';
import type { OutputField, OutputLayer, LayerSummary } from '../output-layer.ts';
import { createDatabase } from './sqlite.ts';

/** Tables of GeoPackage 1.3 (OGC 12-128r17, annex C). The application id is "GPKG". */
const TABLES = `
PRAGMA application_id = 0x47504B47;
PRAGMA user_version = 10300;
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);`;

const COLUMN_TYPES = { text: 'TEXT', integer: 'INTEGER', real: 'DOUBLE' } as const satisfies Record<
  OutputField['type'],
  string
>;

/** A row of gpkg_spatial_ref_sys. */
type SpatialRefSys = readonly [name: string, id: number, organization: string, code: number, definition: string];

/** The rows that every GeoPackage has (requirement 11), without WGS84. */
const UNDEFINED_SYSTEMS: readonly SpatialRefSys[] = [
  ['Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined'],
  ['Undefined geographic SRS', 0, 'NONE', 0, 'undefined'],
];

/** Writes a GeoPackage with one table of features, `name`. */
export async function writeGeopackage(
  path: string,
  name: string,
  { fields, features, crs }: OutputLayer,
  { bounds, isMulti }: LayerSummary,
): Promise<void> {
  const database = await createDatabase(path);
  database.execute(TABLES);
  const systems = [...UNDEFINED_SYSTEMS, systemOf(WGS84)];
  const own = crs === null ? UNDEFINED_SYSTEMS[0]! : systemOf(crs);
  const srsId = own[1];
  const addSystem = database.prepare('INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)');
  for (const system of [...systems, own]) addSystem.run(system);
  const table = quoted(name);
  const columns = fields.map((field) => `, ${quoted(field.name)} ${COLUMN_TYPES[field.type]}`);
  const geometryType = isMulti ? 'MULTIPOLYGON' : 'POLYGON';
  database.execute(
    `CREATE TABLE ${table} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom ${geometryType}${columns.join('')})`,
  );
  database
    .prepare(
      `INSERT INTO gpkg_contents (table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id)
      VALUES (?, 'features', ?, ?, ?, ?, ?, ?)`,
    )
    .run([name, name, ...(bounds ?? [null, null, null, null]), srsId]);
  database.prepare(`INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)`).run([name, geometryType, srsId]);
  const insert = database.prepare(
    `INSERT INTO ${table} (geom, ${fields.map((field) => quoted(field.name)).join(', ')})
    VALUES (${['geom', ...fields].map(() => '?').join(', ')})`,
  );
  database.execute('BEGIN');
  for (const { polygons, properties } of features) {
    const geometry = geopackageGeometry(polygons, isMulti, srsId);
    insert.run([geometry, ...fields.map((field) => properties[field.name] ?? null)]);
  }
  database.execute('COMMIT');
  await database.close();
}

/** Programs find a system by its code; a definition is needed for those without one. */
function systemOf(crs: Crs): SpatialRefSys {
  const definition = esriWkt(crs) ?? 'undefined';
  return crs.epsg === null
    ? [crs.name, OWN_ID, 'NONE', OWN_ID, definition]
    : [crs.name, crs.epsg, 'EPSG', crs.epsg, definition];
}

/** The id of a system without a code. */
const OWN_ID = 100_000;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
