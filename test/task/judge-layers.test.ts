import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareLayers, judgeLayers, outcomesOnImages, type LayersJudgement } from '../../src/detector-node.ts';
import { readLayer } from '../../src/vector/node/read-layer.ts';
import { geoTiff, raster, rejects, write } from '../data/support.ts';
import { inFolder, root } from '../support/files.ts';

const fixture = (name: string): string => join(root, 'test/task/fixtures', `${name}.geojson`);
const none = { resamples: 0, classProperty: 'use' };

/** What the rectangles of make_fixtures.py say about detections from a score of 0.6 on. */
function agrees({ chosen, counts, perClass, hectares }: LayersJudgement): void {
  assert.equal([chosen.truePositives, chosen.falsePositives, chosen.falseNegatives], [1, 2, 2]);
  assert.equal(counts, { truths: 3, detections: 3, truthsOutside: 2, detectionsOutside: 2 });
  assert.equal(
    perClass.map(({ name, truths, chosen: { precision, recall } }) => [name, truths, precision, recall]),
    [
      ['house', 2, 1 / 3, 1 / 2],
      ['pool', 1, 0, 0],
    ],
  );
  // 200 x 200 m without 50 x 50 m; UTM's scale here is 0.9996197, 40 km west of its central meridian.
  assert.ok(Math.abs(hectares - 3.75 / 0.9996197 ** 2) < 1e-5, String(hectares));
}

test('layers in different coordinate systems have the figures of their rectangles', async () => {
  for (const [truth, found, area] of [
    ['truth-32633', 'found-32633', 'area-32633'],
    ['truth-32633', 'found-4326', 'area-3857'],
    ['truth-32633', 'found-3857', 'area-32633'],
    ['truth-3857', 'found-4326', 'area-3857'],
  ] as const) {
    const options = { ...none, area: fixture(area), scoreThreshold: 0.6 };
    const judgement = await judgeLayers(fixture(truth), fixture(found), options);
    agrees(judgement);
    assert.is(judgement.crs, 'EPSG:32633');
    assert.equal(judgement.notes, []);
  }
});

test(
  'excluded polygons are as holes of the area, and of the bounds of both layers',
  inFolder(async (folder) => {
    const { features, ...layer } = JSON.parse(readFileSync(fixture('area-3857'), 'utf8'));
    const [outer, hole] = features[0].geometry.coordinates;
    const part = (name: string, ring: unknown): Promise<string> => {
      const feature = { ...features[0], geometry: { type: 'Polygon', coordinates: [ring] } };
      return write(folder, `${name}.geojson`, JSON.stringify({ ...layer, features: [feature] }));
    };
    const [area, exclude] = [await part('outer', outer), await part('hole', hole)];
    const files = [fixture('truth-32633'), fixture('found-4326')] as const;
    agrees(await judgeLayers(...files, { ...none, area, exclude, scoreThreshold: 0.6 }));
    const { counts, hectares, notes } = await judgeLayers(...files, { ...none, exclude });
    assert.equal([counts.truths, counts.detections, counts.truthsOutside, counts.detectionsOutside], [4, 4, 1, 1]);
    // 270 x 120 m without the 50 x 30 m of the hole that lie in it.
    assert.ok(Math.abs(hectares - 3.09 / 0.9996197 ** 2) < 1e-4, String(hectares));
    assert.match(notes.join(), /everything that is not excluded counts/);
    await rejects(
      judgeLayers(...files, { ...none, area: exclude, exclude: area }),
      /outer\.geojson: its polygons leave nothing of .*hole\.geojson/,
    );
  }),
);

test('without an area everything counts, and a note says so', async () => {
  const { counts, notes, hectares } = await judgeLayers(fixture('truth-32633'), fixture('found-32633'), none);
  assert.equal(counts, { truths: 5, detections: 5, truthsOutside: 0, detectionsOutside: 0 });
  // From (10, 10) to (280, 130).
  assert.ok(Math.abs(hectares - 3.24 / 0.9996197 ** 2) < 1e-5, String(hectares));
  assert.equal(notes.length, 1);
  assert.match(notes[0]!, /no area is given.*\(1 detection beyond the bounds of the truth\)/);
});

test(
  'outcomes are written as a layer',
  inFolder(async (folder) => {
    const outcomes = join(folder, 'outcomes.gpkg');
    const options = { ...none, area: fixture('area-32633'), scoreThreshold: 0.6, outcomes };
    await judgeLayers(fixture('truth-32633'), fixture('found-4326'), options);
    const { crs, features } = await readLayer(outcomes);
    assert.is(crs?.epsg, 32633);
    assert.equal(
      features.map(({ properties: { outcome, label, score } }) => [outcome, label, score]),
      [
        ['miss', 'house', null],
        ['miss', 'pool', null],
        ['hit', 'house', 0.9],
        ['false alarm', 'house', 0.8],
        ['false alarm', 'house', 0.7],
      ],
    );
    // The first miss: the second house.
    const [x, y] = features[0]!.polygons[0]![0]![0]!;
    assert.ok([460060, 460080].includes(x) && [5400010, 5400030].includes(y), `${x}, ${y}`);
  }),
);

test(
  'outcomes are placed on images, in their pixels, with the scores at which they change',
  inFolder(async (folder) => {
    const options = { ...none, area: fixture('area-32633'), scoreThreshold: 0.6 };
    const { outcomes } = await compareLayers(fixture('truth-32633'), fixture('found-3857'), options);
    assert.equal(outcomes.classes, ['house', 'pool']);
    // 100 x 200 m, from (0, 0) to the right; and all around it in degrees, but only the rest is on it.
    const levels = raster(200, 400, 3, 8, () => 9);
    const place = { epsg: 32633, x: 460000, y: 5400200, pixel: 0.5 };
    const west = await write(folder, 'west.tif', geoTiff(levels, place));
    const both = await write(folder, 'both.tif', geoTiff(levels, { epsg: 4326, x: 14.45, y: 48.76, pixel: 1e-4 }));
    const { images, count, elsewhere } = await outcomesOnImages(outcomes, [west, both]);
    assert.equal([count, elsewhere], [2, 0]);
    const found = [];
    for await (const { name, objects } of images) found.push({ name, objects });
    assert.equal(
      found.map(({ name, objects }) => [name, objects.length]),
      [
        [west, 6],
        [both, 0],
      ],
    );
    assert.equal(
      found[0]!.objects.map(({ kind, label, score, box }) => [kind, label, score, ...box.map((v) => Math.round(v))]),
      [
        ['miss', 0, 0.9, 20, 340, 60, 380],
        ['miss', 0, undefined, 120, 340, 160, 380],
        ['miss', 1, undefined, 20, 260, 40, 280],
        ['hit', 0, 0.9, 24, 340, 64, 380],
        ['false alarm', 0, 0.8, 136, 340, 176, 380],
        ['false alarm', 0, 0.7, 20, 260, 40, 280],
      ],
    );
    const far = await write(folder, 'far.tif', geoTiff(levels, { ...place, x: 480000 }));
    await rejects(outcomesOnImages(outcomes, [far]), /nothing that is compared lies on an image \(.*far\.tif\)/);
    assert.is((await outcomesOnImages(outcomes, [far, west])).elsewhere, 0);
  }),
);

test(
  'an area without objects has no recall',
  inFolder(async (folder) => {
    const empty = await write(folder, 'empty.geojson', '{"type": "FeatureCollection", "features": []}');
    const area = fixture('area-32633');
    const alarms = await judgeLayers(empty, fixture('found-4326'), { area, resamples: 0 });
    assert.equal([alarms.chosen.precision, alarms.chosen.recall, alarms.averagePrecision], [0, null, null]);
    const misses = await judgeLayers(fixture('truth-32633'), empty, { ...none, area });
    assert.equal([misses.chosen.precision, misses.chosen.recall, misses.chosen.f1], [0, 0, 0]);
    await rejects(judgeLayers(empty, empty, { area }), /neither .*empty\.geojson has features, expected objects/);
  }),
);

test(
  'unusable layers are refused with the file and the remedy',
  inFolder(async (folder) => {
    const [truth, found] = [fixture('truth-32633'), fixture('found-32633')];
    await rejects(judgeLayers(truth, truth), /truth-32633\.geojson: feature 0 has no score, expected a number in/);
    // Without the attribute of the class, everything in the truth is a building.
    await rejects(
      judgeLayers(truth, found),
      /found-32633\.geojson: feature 0 is of class house, .* \(building\); name .* with `classProperty`$/,
    );
    await rejects(judgeLayers(truth, join(folder, 'none.gpkg')), /none\.gpkg/);
    const change = (name: string, from: string, to: string, source = found): Promise<string> =>
      write(folder, name, readFileSync(source, 'utf8').replace(from, to));
    const lost = await change('lost.geojson', 'EPSG::32633', 'EPSG::4326');
    await rejects(
      judgeLayers(truth, lost, none),
      /lost\.geojson: the coordinate system is EPSG:4326, but .*ogr2ogr -a_srs/,
    );
    const unknown = await change('unknown.geojson', 'EPSG::32633', 'EPSG::99999');
    await rejects(judgeLayers(truth, unknown, none), /unknown\.geojson: .*EPSG:99999 is not supported/);
    const far = await change('far.geojson', 'EPSG::32633', 'EPSG::32639');
    await rejects(judgeLayers(truth, far, none), /at most 1000 km are compared .*EPSG:32639\); or restrict .* `area`$/);
    const line = await change('line.geojson', '"Polygon"', '"MultiLineString"', fixture('area-32633'));
    await rejects(
      judgeLayers(truth, found, { ...none, area: line }),
      /line\.geojson: found MultiLineString, expected polygons of the area/,
    );
  }),
);

test.run();
