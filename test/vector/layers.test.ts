import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Polygon } from '../../src/imagery/geometry.ts';
import { kmlLayer } from '../../src/vector/kml.ts';
import type { VectorLayer } from '../../src/vector/layer.ts';
import { readLayer } from '../../src/vector/node/read-layer.ts';
import { transformation } from '../../src/vector/transformation.ts';
import { crsOfEpsg, WGS84 } from '../../src/vector/crs.ts';
import { parseWkb } from '../../src/vector/wkb.ts';
import { root, temporaryFolder } from '../support/files.ts';

// test/vector/make_fixtures.py writes them with GDAL.
const fixtures = join(root, 'test/vector/fixtures/formats');
const folder = temporaryFolder();
const geopackage = join(folder, 'layers.gpkg');
writeFileSync(geopackage, gunzipSync(readFileSync(join(fixtures, 'layers.gpkg.gz'))));

const polygons: readonly (readonly Polygon[])[] = [
  [
    [
      [
        [10, 50],
        [10.25, 50],
        [10.25, 50.5],
        [10, 50.5],
        [10, 50],
      ],
    ],
  ],
  [
    [
      [
        [11, 50],
        [12, 50],
        [12, 51],
        [11, 51],
        [11, 50],
      ],
      [
        [11.25, 50.25],
        [11.25, 50.5],
        [11.5, 50.5],
        [11.5, 50.25],
        [11.25, 50.25],
      ],
    ],
    [
      [
        [13, 50],
        [13.5, 50],
        [13.5, 50.5],
        [13, 50],
      ],
    ],
  ],
  [
    [
      [
        [14, 50],
        [14.5, 50],
        [14.5, 50.5],
        [14, 50],
      ],
    ],
  ],
];

/** The rings of a feature, each from its smallest corner on and in one direction: formats differ in both. */
const normal = (parts: readonly Polygon[]): unknown =>
  parts.map((rings) => rings.map((ring) => ring.slice(0, -1).map(String).sort()));

/** Formats differ in the order of the features. */
const sorted = (values: readonly unknown[]): unknown[] =>
  values.map((value) => JSON.stringify(value)).sort((a, b) => (a < b ? -1 : 1));

function check(layer: VectorLayer): void {
  assert.is(layer.crs?.epsg ?? 4326, 4326);
  assert.equal(sorted(layer.features.map(({ polygons: own }) => normal(own))), sorted(polygons.map(normal)));
  const names = layer.features.map(({ properties }) => properties['name'] ?? properties['Name']);
  assert.equal(sorted(names), sorted(['Haus Süd', 'yard', 'high']));
}

test('every format gives the features that GDAL wrote', async () => {
  for (const file of ['layer.geojson', 'layer.shp', 'layer.fgb', 'layer.kml']) {
    const layer = await readLayer(join(fixtures, file));
    check(layer);
    const species = layer.features.map(({ properties }) => Number(properties['species']));
    assert.equal(sorted(species), sorted([1, 2, 3]), file);
  }
  check(await readLayer(geopackage, { layer: 'places' }));
});

test('systems other than WGS84, and Latin text', async () => {
  for (const [path, layer, epsg, name] of [
    [geopackage, 'metres', 32633, 'EPSG:32633'],
    [join(fixtures, 'latin.shp'), undefined, 3035, 'ETRS_1989_LAEA'],
  ] as const) {
    const { crs, features } = await readLayer(path, { layer });
    assert.is(crs?.name, name);
    assert.is(features[0]?.properties['name'], 'Haus Süd');
    const { apply } = await transformation(crs!, WGS84);
    const [x, y] = features[0]!.polygons[0]![0]![0]!;
    const [lon, lat] = apply(x, y)!;
    assert.ok(Math.hypot(lon - 10, lat - 50) < 1e-6, `${name}: ${lon}, ${lat}`);
    assert.equal((await transformation(crs!, crsOfEpsg(epsg))).accuracy, 0);
  }
});

const message = (path: string, options = {}): Promise<string> => readLayer(path, options).then(() => 'none', String);

test('layers of a GeoPackage are named', async () => {
  assert.match(await message(geopackage), /layers.gpkg: 2 layers: metres, places; name one with layer/);
  assert.match(await message(geopackage, { layer: 'roofs' }), /no layer roofs, expected one of metres, places/);
  assert.match(await message(join(fixtures, 'layer.fgb'), { layer: 'roofs' }), /only a GeoPackage has layers/);
});

test('damaged files are refused', async () => {
  const cut = (file: string, from = join(fixtures, file)): string => {
    const bytes = readFileSync(from);
    const path = join(folder, file);
    writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
    return path;
  };
  assert.match(await message(cut('layer.geojson')), /layer.geojson: truncated: /);
  assert.match(await message(cut('layer.shp')), /layer.shp: truncated: it has 621 of 888 bytes/);
  assert.match(await message(cut('layer.kml')), /layer.kml: /);
  assert.match(await message(cut('layer.fgb')), /layer.fgb: /);
  assert.match(await message(cut('cut.gpkg', geopackage)), /cut.gpkg: /);
  for (const name of ['a.shp', 'a.gpkg', 'a.fgb', 'a.kml', 'a.geojson']) {
    writeFileSync(join(folder, name), 'something else');
    assert.match(await message(join(folder, name)), /readLayer: .*: /, name);
  }
  assert.match(await message(join(folder, 'absent.gpkg')), /absent.gpkg: .*ENOENT/);
  assert.match(await message('a.kmz'), /a KMZ archive: unzip it/);
  assert.match(await message('a.gml'), /not a vector file: expected .geojson/);
});

test('a shapefile whose attributes have another number of rows is damaged', async () => {
  copyFileSync(join(fixtures, 'layer.shp'), join(folder, 'rows.shp'));
  const table = readFileSync(join(fixtures, 'layer.dbf'));
  table.writeUInt32LE(3, 4);
  const [head, row] = [table.readUInt16LE(8), table.readUInt16LE(10)];
  writeFileSync(join(folder, 'rows.dbf'), Buffer.concat([table.subarray(0, head + 3 * row), Buffer.from([0x1a])]));
  assert.match(await message(join(folder, 'rows.shp')), /damaged: more shapes than rows in the .dbf/);
});

test('counts in well-known binary cannot allocate more than the bytes that follow', () => {
  const bytes = new Uint8Array(9 + 4);
  new DataView(bytes.buffer).setUint32(1, 3);
  new DataView(bytes.buffer).setUint32(5, 0xffffffff);
  assert.throws(() => parseWkb(bytes), /damaged: a geometry needs 17179869180 more bytes and has 4/);
  new DataView(bytes.buffer).setUint32(1, 99);
  assert.throws(() => parseWkb(bytes), /damaged: geometry of type 99/);
  const curve = new Uint8Array([0, 0, 0, 0, 10]);
  assert.equal(parseWkb(curve), { geometry: 'CurvePolygon', polygons: [], points: [] });
});

test('KML: collections, points, lines and attributes', () => {
  const text = (inside: string): string =>
    `<k:kml xmlns:k="http://www.opengis.net/kml/2.2"><k:Folder>${inside}</k:Folder></k:kml>`;
  const [point, both, line] = kmlLayer(
    text(
      `<k:Placemark><k:name>a</k:name><k:Point><k:coordinates>1,2,3</k:coordinates></k:Point></k:Placemark>
       <k:Placemark><k:ExtendedData><k:Data name="label"><k:value>ship</k:value></k:Data></k:ExtendedData><k:MultiGeometry>
       <k:Point><k:coordinates>4,5</k:coordinates></k:Point><k:Point><k:coordinates>6,7</k:coordinates></k:Point>
       </k:MultiGeometry></k:Placemark><k:Placemark><k:name>none</k:name></k:Placemark>
       <k:Placemark><k:LineString><k:coordinates>1,2 3,4</k:coordinates></k:LineString></k:Placemark>`,
    ),
    'a.kml',
  ).features;
  assert.equal(point, { index: 0, properties: { name: 'a' }, geometry: 'Point', polygons: [], points: [[1, 2]] });
  assert.equal(both!.points, [
    [4, 5],
    [6, 7],
  ]);
  assert.equal(both!.properties, { label: 'ship' });
  assert.equal([line!.index, line!.geometry, line!.points], [3, 'LineString', []]);
  const bad = text('<k:Placemark><k:Point><k:coordinates>1;2</k:coordinates></k:Point></k:Placemark>');
  assert.throws(() => kmlLayer(bad, 'a.kml'), /feature 0 \(line 1\): coordinates "1;2", expected longitude,latitude/);
  assert.throws(() => kmlLayer('<gpx/>', 'a.kml'), /not KML \(the root is gpx\)/);
});

test('GeoPackage: views, computed columns and tables without values are not read, because that runs what the file says', async () => {
  const { default: load } = await import('sql.js');
  const { Database } = await load();
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)';
  for (const [table, sql] of [
    ['places', `DROP TABLE places; CREATE VIEW places AS ${endless} SELECT i AS fid, x'00' AS geom FROM n`],
    [
      'gpkg_contents',
      `DROP TABLE gpkg_contents; CREATE VIEW gpkg_contents AS ${endless} SELECT 'places' AS table_name FROM n`,
    ],
    ['places', 'ALTER TABLE places ADD COLUMN big AS (hex(zeroblob(500000000)))'],
  ] as const) {
    const database = new Database(readFileSync(geopackage));
    database.run(`PRAGMA foreign_keys = OFF; ${sql}`);
    const path = join(folder, 'bad.gpkg');
    writeFileSync(path, database.export());
    database.close();
    assert.match(
      await message(path, { layer: 'places' }),
      new RegExp(`bad.gpkg: ${table} is a view, a virtual table or has computed columns: write it as a plain table`),
    );
  }
});

test('FlatGeobuf: an index of no features and lists beyond the file are damage, not endless loops', async () => {
  const bytes = readFileSync(join(fixtures, 'layer.fgb'));
  for (let at = 12; at < bytes.length; at += 4) {
    const bad = Buffer.from(bytes);
    bad.writeUInt32LE(at % 8 === 0 ? 0xffffffff : 0, at);
    const path = join(folder, 'bad.fgb');
    writeFileSync(path, bad);
    try {
      await readLayer(path);
    } catch (error) {
      assert.match((error as Error).message, /^readLayer: .*bad.fgb: /);
    }
  }
});

test.run();
