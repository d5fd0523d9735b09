import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as flatgeobuf from 'flatgeobuf';
import * as shapefile from 'shapefile';
import initSqlJs from 'sql.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Polygon } from '../../src/imagery/geometry.ts';
import { crsOfEpsg, crsOfWkt, WGS84, type Crs } from '../../src/vector/crs.ts';
import { writeLayer } from '../../src/vector/node/write-layer.ts';
import {
  layerFormats,
  type LayerFormat,
  type OutputFeature,
  type OutputField,
  type OutputLayer,
} from '../../src/vector/output-layer.ts';
import { rejects } from '../support/errors.ts';
import { inFolder } from '../support/files.ts';

// What is written is read by other programs than the writers: the packages shapefile, flatgeobuf and sql.js. GDAL's reading of the
// same files is compared by test/golden/check-layers.mjs.

const UTM = crsOfEpsg(32633);
const fields: readonly OutputField[] = [
  { name: 'label', type: 'text' },
  { name: 'score', type: 'real' },
  { name: 'count', type: 'integer' },
];

/** Counterclockwise, closed, with a hole that goes the other way. */
const ring = [
  [500000.25, 5000000],
  [500010.125, 5000000.1],
  [500010, 5000010],
  [500000, 5000010.3],
  [500000.25, 5000000],
] as const;
const hole = [
  [500002, 5000002],
  [500002, 5000004],
  [500004, 5000004],
  [500002, 5000002],
] as const;
const other = [
  [500040, 5000000],
  [500050, 5000000],
  [500050, 5000010],
  [500040, 5000000],
] as const;

const one: OutputFeature = {
  polygons: [[ring]],
  properties: { label: 'Bäume, "樹"', score: 0.873451232910156, count: -7 },
};
const holed: OutputFeature = { polygons: [[ring, hole]], properties: { label: 'a', score: 1.5e-9, count: 0 } };
const several: OutputFeature = {
  polygons: [[ring, hole], [other]],
  properties: { label: null, score: null, count: null },
};

const layerOf = (features: readonly OutputFeature[], crs: Crs | null = UTM): OutputLayer => ({ fields, features, crs });

/** Properties and polygons, as another program reads them. */
interface Found {
  readonly properties: object;
  readonly polygons: unknown;
}

/** A geometry of GeoJSON as polygons whose rings are counterclockwise. */
function polygonsOf({ type, coordinates }: { type: string; coordinates: unknown }): unknown {
  assert.ok(type === 'Polygon' || type === 'MultiPolygon', type);
  return type === 'Polygon' ? [coordinates] : coordinates;
}

const readers: Record<LayerFormat, (path: string) => Promise<Found[]>> = {
  geojson: async (path) => {
    const { type, features } = JSON.parse(readFileSync(path, 'utf8')) as GeoJSON.FeatureCollection<GeoJSON.Polygon>;
    assert.is(type, 'FeatureCollection');
    return features.map((feature) => {
      assert.is(feature.type, 'Feature'); // GDAL skips others without a word.
      return { properties: feature.properties!, polygons: polygonsOf(feature.geometry) };
    });
  },
  fgb: async (path) => {
    const found: Found[] = [];
    for await (const { properties, geometry } of flatgeobuf.geojson.deserialize(new Uint8Array(readFileSync(path)))) {
      // Null is not stored.
      const all = { ...Object.fromEntries(fields.map(({ name }) => [name, null])), ...properties };
      found.push({ properties: all, polygons: polygonsOf(geometry as GeoJSON.Polygon) });
    }
    return found;
  },
  shp: async (path) => {
    const { features } = await shapefile.read(path, undefined, { encoding: 'utf-8' });
    return features.map(({ properties, geometry }) => {
      // Clockwise rings are outer ones: the package has read them as such, and each is turned here.
      const polygons = polygonsOf(geometry as GeoJSON.Polygon) as number[][][][];
      const turned = polygons.map((rings) => rings.map((points) => [...points].reverse()));
      return { properties: properties!, polygons: turned };
    });
  },
  gpkg: async (path) => {
    const database = new (await initSqlJs()).Database(readFileSync(path));
    const [result] = database.exec(`SELECT label, score, "count", geom FROM ${JSON.stringify(layerName(path))}`);
    return (result?.values ?? []).map(([label, score, count, geometry]) => ({
      properties: { label, score, count },
      polygons: readGeopackageGeometry(geometry as Uint8Array),
    }));
  },
};

const layerName = (path: string): string => path.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');

/** Reads a geometry by OGC 12-128r19 and ISO 13249-3, and checks its envelope. */
function readGeopackageGeometry(bytes: Uint8Array): number[][][][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.equal([...bytes.subarray(0, 4)], [0x47, 0x50, 0, 0b11]);
  assert.is(view.getInt32(4, true), 32633);
  const envelope = [0, 1, 2, 3].map((i) => view.getFloat64(8 + 8 * i, true));
  let at = 40;
  const uint32 = (): number => view.getUint32((at += 4) - 4, true);
  const times = <T>(read: () => T): T[] => Array.from({ length: uint32() }, read);
  const header = (): number => {
    assert.is(view.getUint8(at++), 1);
    return uint32();
  };
  const float64 = (): number => view.getFloat64((at += 8) - 8, true);
  const rings = (): number[][][] => times(() => times(() => [float64(), float64()]));
  const type = header();
  const polygons = type === 3 ? [rings()] : times(() => (assert.is(header(), 3), rings()));
  assert.is(at, bytes.length);
  const [xs, ys] = [0, 1].map((axis) => polygons.flat(2).map((point) => point[axis]!)) as [number[], number[]];
  assert.equal(envelope, [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]);
  return polygons;
}

for (const format of layerFormats) {
  for (const [name, features] of Object.entries({ single: [one, holed], multi: [one, holed, several], empty: [] })) {
    test(
      `${format}: other programs read what was written (${name})`,
      inFolder(async (folder) => {
        const path = join(folder, `found ${name}.${format}`);
        const files = await writeLayer(path, format, layerOf(features));
        assert.equal(files[0], path);
        assert.equal(readdirSync(folder).sort(), files.map((file) => file.slice(folder.length + 1)).sort());
        const found = await readers[format](path);
        const clean = (polygons: readonly Polygon[]): unknown => JSON.parse(JSON.stringify(polygons));
        assert.equal(
          JSON.parse(JSON.stringify(found)),
          features.map(({ polygons, properties }) => ({ properties: { ...properties }, polygons: clean(polygons) })),
        );
      }),
    );
  }
}

test(
  'GeoJSON has no crs in WGS84, as RFC 7946 demands, and rounds degrees to a tenth of a millimetre',
  inFolder(async (folder) => {
    const path = join(folder, 'a.geojson');
    const degrees: OutputFeature = {
      polygons: [
        [
          [
            [10.12345678949, 50],
            [10.2, 50.1],
            [10.1, 50.1],
          ],
        ],
      ],
      properties: {},
    };
    await writeLayer(path, 'geojson', layerOf([degrees], WGS84));
    const json = JSON.parse(readFileSync(path, 'utf8')) as GeoJSON.FeatureCollection<GeoJSON.Polygon>;
    assert.equal(Object.keys(json), ['type', 'name', 'features']);
    assert.equal(json.features[0]!.geometry.coordinates[0]![0], [10.123456789, 50]);
    await writeLayer(path, 'geojson', layerOf([one]), true);
    assert.match(
      readFileSync(path, 'utf8'),
      '"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32633"}}',
    );
    await rejects(writeLayer(path, 'geojson', layerOf([one], null), true), /GeoJSON without one is in WGS84/);
  }),
);

test(
  'a GeoPackage has the tables and ids that the standard demands',
  inFolder(async (folder) => {
    const path = join(folder, 'roofs.gpkg');
    const query = async (sql: string): Promise<unknown[][]> => {
      const database = new (await initSqlJs()).Database(readFileSync(path));
      return database.exec(sql)[0]?.values ?? [];
    };
    await writeLayer(path, 'gpkg', layerOf([one]));
    assert.is(readFileSync(path).readUInt32BE(68), 0x47504b47);
    assert.is(readFileSync(path).readUInt32BE(60), 10300);
    assert.equal(
      await query('SELECT srs_id, organization, organization_coordsys_id FROM gpkg_spatial_ref_sys ORDER BY srs_id'),
      [
        [-1, 'NONE', -1],
        [0, 'NONE', 0],
        [4326, 'EPSG', 4326],
        [32633, 'EPSG', 32633],
      ],
    );
    assert.equal(
      await query('SELECT table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents'),
      [['roofs', 'features', 'roofs', 500000, 5000000, 500010.125, 5000010.3, 32633]],
    );
    assert.equal(await query('SELECT * FROM gpkg_geometry_columns'), [['roofs', 'geom', 'POLYGON', 32633, 0, 0]]);
    assert.equal(await query('PRAGMA foreign_key_check'), []);
    assert.equal(await query('PRAGMA integrity_check'), [['ok']]);
    const wkt = 'LOCAL_CS["site grid",UNIT["metre",1]]';
    await writeLayer(path, 'gpkg', layerOf([several], crsOfWkt(wkt)), true);
    assert.equal(await query('SELECT srs_name, definition FROM gpkg_spatial_ref_sys WHERE srs_id > 5000'), [
      ['site grid', wkt],
    ]);
    await writeLayer(path, 'gpkg', layerOf([several], null), true);
    assert.equal(await query('SELECT geometry_type_name, srs_id FROM gpkg_geometry_columns'), [['MULTIPOLYGON', -1]]);
  }),
);

test(
  'a GeoPackage that another program has open is kept',
  inFolder(async (folder) => {
    const path = join(folder, 'a.gpkg');
    await writeLayer(path, 'gpkg', layerOf([one]));
    writeFileSync(`${path}-wal`, '');
    await rejects(writeLayer(path, 'gpkg', layerOf([]), true), /another program has it open \(a.gpkg-wal exists\)/);
    assert.is((await readers.gpkg(path)).length, 1);
  }),
);

test(
  'a shapefile has a .prj and a .cpg file, and no index of another one',
  inFolder(async (folder) => {
    const path = join(folder, 'a.SHP');
    const files = await writeLayer(path, 'shp', layerOf([one]));
    assert.equal(
      files.map((file) => file.slice(folder.length + 1)),
      ['a.SHP', 'a.shx', 'a.dbf', 'a.prj', 'a.cpg'],
    );
    assert.is(readFileSync(join(folder, 'a.cpg'), 'utf8'), 'UTF-8');
    assert.is(crsOfWkt(readFileSync(join(folder, 'a.prj'), 'utf8')).name, 'WGS_1984_UTM_Zone_33N');
    writeFileSync(join(folder, 'a.qix'), 'index of something else');
    await writeLayer(path, 'shp', layerOf([one], null), true);
    assert.not.ok(existsSync(join(folder, 'a.qix')));
    assert.is(readFileSync(join(folder, 'a.prj'), 'utf8'), '');
    await rejects(writeLayer(path, 'shp', layerOf([one], crsOfEpsg(2154)), true), /definition of EPSG:2154, which a/);
    const long = { ...one, properties: { ...one.properties, label: 'ä'.repeat(128) } };
    await rejects(writeLayer(path, 'shp', layerOf([long]), true), /text of label has 256 bytes.*at most 254/);
  }),
);

test(
  'nothing is replaced without overwrite, and nothing is left of what fails',
  inFolder(async (folder) => {
    const path = join(folder, 'a.shp');
    writeFileSync(join(folder, 'a.dbf'), 'mine');
    await rejects(writeLayer(path, 'shp', layerOf([one])), /a\.dbf exists already.*overwrite/);
    const failing: OutputLayer = {
      ...layerOf([]),
      features: {
        *[Symbol.iterator]() {
          yield one;
          throw new Error('no more');
        },
      },
    };
    for (const format of layerFormats)
      await rejects(writeLayer(join(folder, `b.${format}`), format, failing), /no more/);
    assert.equal(readdirSync(folder), ['a.dbf']);
    const bad = { ...layerOf([one]), fields: [{ name: 'a_long_name', type: 'text' }] as const };
    await rejects(writeLayer(path, 'shp', bad), /field "a_long_name", expected at most ten ASCII letters/);
  }),
);

test.run();
