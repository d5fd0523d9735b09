import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crsOfEpsg, crsOfName, crsOfWkt, isSameCrs, WGS84 } from '../../src/vector/crs.ts';
import { metricPlane } from '../../src/vector/node/metric-plane.ts';
import { transformation } from '../../src/vector/transformation.ts';

/**
 * EPSG code, longitude, latitude, and what `gdaltransform -s_srs EPSG:4326 -t_srs EPSG:...` (GDAL 3.6.2, without shift grids)
 * makes of them; how far we may be off, in units of the system.
 */
const PLACES: readonly (readonly [number, number, number, number, number, number])[] = [
  [32633, 13.4, 52.5, 391390.731339952, 5817855.24081733, 1e-5],
  [32719, -70.6, -33.4, 351205.064621651, 6303223.75065906, 1e-5],
  [3857, 13.4, 52.5, 1491681.17662987, 6891041.72389159, 1e-5],
  [2154, 2.35, 48.85, 652301.564830528, 6861302.72589958, 1e-5],
  [3035, 13.4, 52.5, 4551801.97328829, 3271028.98315984, 1e-5],
  [2193, 174.76, -36.85, 1756911.94485017, 5920321.81819034, 1e-5],
  [26917, -79.4, 43.65, 629031.076050649, 4834244.03940911, 1e-5],
  [25832, 9.99, 53.55, 565590.940687723, 5933912.16541642, 1e-5],
  [2263, -73.98, 40.75, 989791.457348593, 212522.519239254, 1e-5], // US survey feet
  [3067, 24.94, 60.17, 385700.421384906, 6672126.74301073, 1e-5],
  [3006, 18.07, 59.33, 674647.882135309, 6580824.57559303, 1e-5],
  [2180, 21.01, 52.23, 637231.090332788, 486786.39368409, 1e-5],
  [5070, -96, 38, 0, 1662824.76109015, 1e-5],
  [3310, -120, 37, 0, -112982.409076399, 1e-5],
  // With a shift of the datum.
  [27700, -0.12, 51.5, 530591.166403492, 179571.0653766, 2e-3],
  [28992, 4.9, 52.37, 121819.365162746, 487013.761522216, 2e-3],
  [2056, 7.44, 46.95, 2600104.10949961, 1199879.62823766, 2e-3],
];

test('EPSG codes to and from longitude and latitude agree with GDAL', async () => {
  for (const [epsg, lon, lat, x, y, off] of PLACES) {
    const to = await transformation(WGS84, crsOfEpsg(epsg));
    const [u, v] = to.apply(lon, lat)!;
    assert.ok(Math.hypot(u - x, v - y) < off, `EPSG:${epsg}: ${u}, ${v}, GDAL has ${x}, ${y}`);
    const back = await transformation(crsOfEpsg(epsg), WGS84);
    const [east, north] = back.apply(x, y)!;
    assert.ok(Math.hypot(east - lon, north - lat) < 1e-7, `EPSG:${epsg}: ${east}, ${north}, expected ${lon}, ${lat}`);
  }
});

test('the accuracy of a shift between datums is that of the EPSG data set', async () => {
  const accuracy = async (from: number, to: number): Promise<number | null> =>
    (await transformation(crsOfEpsg(from), crsOfEpsg(to))).accuracy;
  assert.is(await accuracy(4326, 32633), 0);
  assert.is(await accuracy(27700, 4277), 0, 'both OSGB36');
  assert.is(await accuracy(27700, 4326), 2);
  assert.is(await accuracy(28992, 4326), 1);
});

// The .prj files that GDAL writes for 27700, 28992 and 2056: their systems are known by ESRI's names.
const PRJ: readonly (readonly [number, string])[] = [
  [
    27700,
    'PROJCS["British_National_Grid",GEOGCS["GCS_OSGB_1936",DATUM["D_OSGB_1936",SPHEROID["Airy_1830",6377563.396,299.3249646]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",400000.0],PARAMETER["False_Northing",-100000.0],PARAMETER["Central_Meridian",-2.0],PARAMETER["Scale_Factor",0.9996012717],PARAMETER["Latitude_Of_Origin",49.0],UNIT["Meter",1.0]]',
  ],
  [
    28992,
    'PROJCS["RD_New",GEOGCS["GCS_Amersfoort",DATUM["D_Amersfoort",SPHEROID["Bessel_1841",6377397.155,299.1528128]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Double_Stereographic"],PARAMETER["False_Easting",155000.0],PARAMETER["False_Northing",463000.0],PARAMETER["Central_Meridian",5.38763888888889],PARAMETER["Scale_Factor",0.9999079],PARAMETER["Latitude_Of_Origin",52.1561605555556],UNIT["Meter",1.0]]',
  ],
];

test('the systems of .prj files are those of their EPSG codes', async () => {
  for (const [epsg, text] of PRJ) {
    const crs = crsOfWkt(text);
    assert.is(crs.epsg, null);
    const [, lon, lat] = PLACES.find(([code]) => code === epsg)!;
    const place = (await transformation(WGS84, crsOfEpsg(epsg))).apply(lon, lat);
    assert.equal((await transformation(WGS84, crs)).apply(lon, lat), place);
    assert.is((await transformation(crs, crsOfEpsg(epsg))).accuracy, 0);
  }
});

test('well-known text without a known name is read by proj4js, with the shift of its geographic system', async () => {
  const [, text] = PRJ[0]!;
  const [, lon, lat, x, y] = PLACES.find(([code]) => code === 27700)!;
  const own = crsOfWkt(text.replace('British_National_Grid', 'Site 7'));
  assert.is(own.name, 'Site 7');
  const [u, v] = (await transformation(WGS84, own)).apply(lon, lat)!;
  assert.ok(Math.hypot(u - x, v - y) < 2e-3, `${u}, ${v}`);
  const message = await transformation(
    WGS84,
    crsOfWkt(text.replace('British_National_Grid', 'A').replace('GCS_OSGB', 'B')),
  )
    .then(() => 'none')
    .catch(String);
  assert.match(
    message,
    /the coordinate system A is not supported \(the shift of its datum \(B_1936\) to WGS84 is not known\)/,
  );
  assert.match(message, /ogr2ogr -t_srs/);
});

test('codes and names', () => {
  for (const name of ['EPSG:2193', 'urn:ogc:def:crs:EPSG::2193', 'http://www.opengis.net/def/crs/EPSG/0/2193']) {
    assert.is(crsOfName(name).epsg, 2193, name);
  }
  for (const name of ['urn:ogc:def:crs:OGC:1.3:CRS84', 'OGC:CRS84', 'http://www.opengis.net/def/crs/OGC/1.3/CRS84']) {
    assert.is(crsOfName(name), WGS84, name);
  }
  assert.throws(() => crsOfName('urn:ogc:def:crs:IAU::1'), /"urn:ogc:def:crs:IAU::1" is unknown, expected CRS84 or an/);
  assert.throws(() => crsOfWkt('+proj=utm +zone=3'), /expected well-known text/);
  const crs = crsOfWkt(
    'PROJCS["a",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]],UNIT["metre",1],AUTHORITY["EPSG","32617"]]\n',
  );
  assert.is(crs.epsg, 32617);
  assert.ok(isSameCrs(crs, crsOfEpsg(32617)));
  assert.not(isSameCrs(crsOfWkt('PROJCS["a",GEOGCS["b"]]'), crsOfEpsg(32617)));
});

test('an unknown code is an error that says how to reproject, and is not needed where nothing is converted', async () => {
  const message = await transformation(crsOfEpsg(1), WGS84).then(() => 'none', String);
  assert.match(message, /the coordinate system EPSG:1 is not supported .* ogr2ogr -t_srs EPSG:4326/);
  assert.equal((await transformation(crsOfEpsg(1), crsOfEpsg(1))).apply(3, 4), [3, 4]);
});

test('places outside the domain of a projection have no coordinates', async () => {
  const { apply } = await transformation(WGS84, crsOfEpsg(32633));
  assert.is(apply(96, 0), null);
  assert.is(apply(15, 95), null, 'no latitude');
  assert.is(apply(NaN, 0), null);
});

test('a plane in metres is the first candidate with true areas, otherwise the UTM zone', async () => {
  const planeAt = async (longitude: number, latitude: number, ...candidates: number[]): Promise<string> =>
    (await metricPlane([longitude, latitude], candidates.map(crsOfEpsg))).name;
  assert.is(await planeAt(2.35, 48.85, 4326, 2154), 'EPSG:2154');
  assert.is(await planeAt(2.35, 48.85, 3857), 'EPSG:32631', 'Web Mercator is 2.3 times too large there');
  assert.is(await planeAt(36.8, -1.3, 3857), 'EPSG:3857', 'near the equator it is true');
  assert.is(await planeAt(-73.98, 40.75, 2263), 'EPSG:32618', 'feet');
  assert.is(await planeAt(-70.6, -33.4), 'EPSG:32719');
  assert.is(await planeAt(180, 10), 'EPSG:32601');
});

test.run();
