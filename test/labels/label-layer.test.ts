import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as shapefile from 'shapefile';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { layerFormats } from '../../src/data-node.ts';
import type { Affine } from '../../src/imagery/georeference.ts';
import type { Georeference } from '../../src/imagery/raster.ts';
import type { LabelledImage, LabelTable } from '../../src/labels/types.ts';
import { writeLabelLayer, type WriteLabelLayerOptions } from '../../src/labels/node/write-label-layer.ts';
import { inFolder, rejects } from '../data/support.ts';

const place = (x: number, y: number, epsg: number | null, pixel = 0.5): Georeference => ({
  affine: [pixel, 0, x, 0, -pixel, y],
  epsg,
  geographic: epsg === 4326,
});
const NO_PLACE: Georeference = { affine: null, epsg: null, geographic: null };

/** A detection of 20 x 40 pixels in each image. */
const image = (file: string): LabelledImage => ({
  file,
  width: 100,
  height: 100,
  objects: [{ label: 1, box: [10, 20, 30, 60], score: Math.fround(0.9) }],
});
const tableOf = (places: Readonly<Record<string, Georeference>>): LabelTable => ({
  classes: ['car', 'ship'],
  images: Object.keys(places).map(image),
});

type Collection = GeoJSON.FeatureCollection<GeoJSON.Polygon, { image: string; area_m2: number | null }>;

/** Writes GeoJSON and reads it. */
async function layerOf(
  folder: string,
  places: Readonly<Record<string, Georeference>>,
  options: Omit<WriteLabelLayerOptions, 'georeferences'> = {},
) {
  const path = join(folder, 'layer.geojson');
  const georeferences = new Map(Object.entries(places));
  const written = await writeLabelLayer(tableOf(places), path, 'geojson', {
    georeferences,
    overwrite: true,
    ...options,
  });
  return { ...written, layer: JSON.parse(readFileSync(path, 'utf8')) as Collection };
}

const cornersOf = ({ layer }: { layer: Collection }, i = 0): number[][] =>
  layer.features[i]!.geometry.coordinates[0]!.slice(0, 4);
const nearly = (found: number[][], expected: number[][], within: number): void => {
  assert.is(found.length, expected.length);
  const far = found.filter((point) => {
    const distances = expected.map((other) => Math.max(...other.map((value, axis) => Math.abs(value - point[axis]!))));
    return Math.min(...distances) > within;
  });
  assert.equal(far, [], JSON.stringify({ found, expected }));
};

/**
 * Places of the box in WGS84, and its area in square metres: `gdaltransform -s_srs EPSG:n -t_srs EPSG:4326` of GDAL 3.6 and,
 * for areas, PolygonArea of geographiclib-geodesic 2.2.
 */
const EXPECTED: readonly { place: Georeference; corners: number[][]; area: number }[] = [
  {
    place: place(500_000, 5_000_000, 32633),
    corners: [
      [15.0000636094088, 45.1533871664959],
      [15.0001908282265, 45.1533871663542],
      [15.0001908276257, 45.1532071326652],
      [15.0000636092085, 45.1532071328069],
    ],
    area: 200.16009536465577,
  },
  {
    place: place(999_995, 6_000_010, 3857),
    corners: [
      [8.98315284119521, 47.3537047024331],
      [8.98324267272362, 47.3537047024331],
      [8.98324267272362, 47.3535829858684],
      [8.98315284119521, 47.3535829858684],
    ],
    area: 91.84305606037378,
  },
  {
    place: place(699_995, 6_600_010, 2154),
    corners: [
      [3, 46.5],
      [3.0001303955187, 46.4999999999256],
      [3.00013039508804, 46.4998199099523],
      [3, 46.4998199100266],
    ],
    area: 200.38010635210725,
  },
];

test(
  'detections of all images are one layer in WGS84, with their areas on the ground',
  inFolder(async (folder) => {
    const places = Object.fromEntries(EXPECTED.map(({ place }) => [`a/${place.epsg}.tif`, place]));
    const written = await layerOf(folder, places);
    assert.is(written.crs, 'EPSG:4326');
    assert.equal(written.unplaced, []);
    assert.is(written.layer.features.length, 3);
    EXPECTED.forEach(({ corners, area }, i) => {
      nearly(cornersOf(written, i), corners, 1e-9);
      const { properties } = written.layer.features[i]!;
      assert.ok(Math.abs(properties.area_m2! - area) < 0.01, `${properties.area_m2}, expected ${area}`);
    });
    const { area_m2, ...properties } = written.layer.features[0]!.properties;
    assert.equal(properties, {
      label: 'ship',
      score: 0.899999976,
      image: 'a/32633.tif',
      x1: 10,
      y1: 20,
      x2: 30,
      y2: 60,
    });
    assert.is(area_m2, 200.16);
  }),
);

test(
  'a layer is in the system of the images, or in any other, on request',
  inFolder(async (folder) => {
    const turned: Affine = [0.3, 0.4, 500_000, 0.4, -0.3, 5_000_000];
    const places = { 'a.tif': place(500_000, 5_000_000, 32633), 'b.tif': { ...place(0, 0, 32633), affine: turned } };
    const raster = await layerOf(folder, places, { crs: 'raster' });
    assert.is(raster.crs, 'EPSG:32633');
    const upright = [
      [500_005, 4_999_990],
      [500_015, 4_999_990],
      [500_015, 4_999_970],
      [500_005, 4_999_970],
    ];
    nearly(cornersOf(raster), upright, 1e-9);
    // Columns run along (0.3, 0.4) and rows along (0.4, -0.3).
    const slanted = [
      [500_011, 4_999_998],
      [500_017, 5_000_006],
      [500_033, 4_999_994],
      [500_027, 4_999_986],
    ];
    nearly(cornersOf(raster, 1), slanted, 1e-9);
    const mercator = await layerOf(folder, { 'a.tif': EXPECTED[1]!.place }, { crs: 32632 });
    assert.is(mercator.crs, 'EPSG:32632');
    // gdaltransform -s_srs EPSG:3857 -t_srs EPSG:32632
    nearly(cornersOf(mercator).slice(0, 1), [[498727.662173629, 5244471.38785322]], 0.0001);
    assert.is(mercator.layer.features[0]!.properties.area_m2, 91.84);
  }),
);

test(
  'images in several systems are in WGS84, which is said; those without a place are listed',
  inFolder(async (folder) => {
    const places = {
      'a.tif': place(500_000, 5_000_000, 32633),
      'b.png': NO_PLACE,
      'c.tif': place(8, 47, 4326, 1e-6),
      'd.tif': place(100, 100, null),
      'e.tif': place(300, 5_000_000, 4326),
      'f.tif': place(500_000, 5_000_000, 10),
    };
    const { crs, notes, unplaced, layer } = await layerOf(folder, places, { crs: 'raster' });
    assert.is(crs, 'EPSG:4326');
    assert.equal(
      layer.features.map(({ properties }) => properties.image),
      ['a.tif', 'c.tif'],
    );
    assert.match(notes[0]!, /3 coordinate systems \(EPSG:32633, EPSG:4326, EPSG:10\): the layer is in WGS84/);
    assert.equal(
      unplaced.map(({ file }) => file),
      ['b.png', 'd.tif', 'e.tif', 'f.tif'],
    );
    assert.equal(
      unplaced.slice(0, 2).map(({ reason }) => reason),
      ['it has no georeference', 'its coordinate system is not known'],
    );
    assert.match(unplaced[2]!.reason, /\(305, 4999990\) of EPSG:4326 has no place in EPSG:4326/);
    assert.match(unplaced[3]!.reason, 'EPSG:10');
    const degrees = await layerOf(folder, { 'a.tif': { ...place(8, 47, null, 1e-6), geographic: true } });
    assert.equal(degrees.notes, ['1 image is in degrees without an EPSG code: taken as WGS84']);
    assert.is(degrees.crs, 'EPSG:4326');
    const none = { 'b.png': NO_PLACE, 'c.png': NO_PLACE };
    await rejects(layerOf(folder, none), /none of 2 images has a place on the map: b.png: it has no georeference/);
  }),
);

test(
  'without a known system there is a layer in map coordinates, but no GeoJSON',
  inFolder(async (folder) => {
    const places = { 'a.tif': place(100, 200, null) };
    await rejects(layerOf(folder, places), /coordinate system is not known, and GeoJSON without one is in WGS84/);
    const path = join(folder, 'a.shp');
    const georeferences = new Map(Object.entries(places));
    const { crs } = await writeLabelLayer(tableOf(places), path, 'shp', { georeferences });
    assert.is(crs, null);
    const { features } = await shapefile.read(path);
    assert.is(features[0]!.properties!['area_m2'], null);
    assert.equal((features[0]!.geometry as GeoJSON.Polygon).coordinates[0]![0], [105, 190]);
  }),
);

test(
  'a shapefile is in WGS84 if the definition of the system of the images is not known',
  inFolder(async (folder) => {
    const georeferences = new Map([['a.tif', EXPECTED[2]!.place]]);
    const table: LabelTable = { classes: ['car', 'ship'], images: [image('a.tif')] };
    const write = (options: Partial<WriteLabelLayerOptions>) =>
      writeLabelLayer(table, join(folder, 'a.shp'), 'shp', { georeferences, ...options });
    const { crs, notes } = await write({});
    assert.is(crs, 'EPSG:4326');
    assert.match(notes[0]!, 'definition of EPSG:2154');
    await rejects(write({ crs: 'raster', overwrite: true }), /definition of EPSG:2154/);
  }),
);

test(
  'an object across the 180th meridian does not go around the Earth',
  inFolder(async (folder) => {
    // UTM zone 60 goes on beyond 180 degrees east.
    const written = await layerOf(folder, { 'a.tif': place(828_918, 1_106_920, 32660) });
    const longitudes = cornersOf(written).map(([longitude]) => longitude!);
    assert.ok(Math.min(...longitudes) < 180 && Math.max(...longitudes) > 180, longitudes.join());
    assert.ok(Math.max(...longitudes) - Math.min(...longitudes) < 0.001);
    const area = written.layer.features[0]!.properties.area_m2!;
    assert.ok(area > 195 && area < 205, String(area));
  }),
);

/** GDAL's places of the features of a file, in WGS84; null without GDAL. */
function gdalPlaces(path: string): number[][][] | null {
  const to = ['-f', 'GeoJSON', '/vsistdout/', path, '-t_srs', 'EPSG:4326', '-lco', 'COORDINATE_PRECISION=12'];
  const { status, stdout, error } = spawnSync('ogr2ogr', to, { encoding: 'utf8' });
  if (error !== undefined) return null;
  assert.is(status, 0);
  const { features } = JSON.parse(stdout) as GeoJSON.FeatureCollection<GeoJSON.Polygon>;
  return features.map(({ geometry }) => geometry.coordinates[0]!.slice(0, 4));
}

test(
  'GDAL, where it is installed, reads the same places from every format and system',
  inFolder(async (folder) => {
    const georeferences = new Map(EXPECTED.map(({ place }) => [`${place.epsg}.tif`, place]));
    const images = [...georeferences.keys()].map(image);
    for (const format of layerFormats) {
      for (const crs of format === 'gpkg' ? [3857, 3035] : [4326, 25832]) {
        const path = join(folder, `${crs}.${format}`);
        await writeLabelLayer({ classes: ['car', 'ship'], images }, path, format, { georeferences, crs });
        assert.ok(existsSync(path));
        const places = gdalPlaces(path);
        if (places === null) return;
        assert.is(places.length, 3);
        // proj4js is wrong by half a millimetre in EPSG:3035.
        places.forEach((corners, i) => nearly(corners, EXPECTED[i]!.corners, crs === 3035 ? 1e-8 : 1.1e-9));
      }
    }
  }),
);

test.run();
