import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AreaOfInterest,
  openDataset,
  rgbImage,
  tileDataset,
  writePng,
  type LabelledDataset,
} from '../../src/data-node.ts';
import { temporaryFolder } from '../support/files.ts';
import { boxList, corners, featureCollection, geoTiff, raster, rejects, write } from './support.ts';

// Two images of 64 x 48 pixels of half a metre, one beside the other, and a third far away.
const [X, Y] = [500_000, 5_400_000];
const UTM = 'urn:ogc:def:crs:EPSG::32633';
const folder = temporaryFolder();
const levels = raster(64, 48, 3, 16, (_, row, column) => (column < 32 ? 100 + row : 9000 + row));
await Promise.all(
  [X, X + 32, X + 5000].map((x, i) =>
    write(folder, `images/${'abc'[i]}.tif`, geoTiff(levels, { epsg: 32633, x, y: Y, pixel: 0.5 })),
  ),
);
/** Map coordinates of a box in pixels of the first image. */
const onMap = ([x1, y1, x2, y2]: readonly [number, number, number, number]) =>
  corners([X + x1 / 2, Y - y1 / 2, X + x2 / 2, Y - y2 / 2]);
const labels = await write(
  folder,
  'images/boxes.csv',
  `image,x1,y1,x2,y2,label
a.tif,2,2,12,12,house
a.tif,26,20,34,30,house
a.tif,27,34,41,44,house
b.tif,4,4,14,14,house
c.tif,4,4,14,14,house
`,
);
// The left half of the first image, up to the middle of its second house.
const area = await write(folder, 'area.geojson', featureCollection([[onMap([-10, -10, 31, 60])]], UTM));
const exclude = await write(folder, 'exclude.geojson', featureCollection([[onMap([0, 0, 16, 16])]], UTM));

test('images outside are left out, objects with their centre outside are dropped, and both are counted', async () => {
  const dataset = (await openDataset(labels, { area })) as LabelledDataset;
  const { ids, report } = dataset;
  assert.equal(ids, ['a.tif']);
  assert.equal([report.objects, report.dropped.outsideArea, report.missingLabels], [2, 3, []]);
  assert.equal(
    report.notes.filter((note) => /left out/.test(note)),
    [`2 images not inside ${area}: left out`, `3 objects whose centre is not inside ${area}: left out`],
  );
  assert.equal(boxList(await dataset.get(0)), [
    [2, 2, 12, 12],
    [26, 20, 34, 30],
  ]);
  assert.equal([dataset.region!(0)!.contains(30.9, 5), dataset.region!(0)!.contains(31.1, 5)], [true, false]);
});

test('pixels outside are black and do not count for the stretch', async () => {
  const dataset = await openDataset(labels, { area, exclude });
  const { image } = await dataset.get(0);
  for (const [x, y, isIn] of [
    [8, 8, false],
    [17, 3, true],
    [30, 30, true],
    [31, 30, false],
    [50, 30, false],
  ] as const) {
    assert.is(image.get(y, x, 0) > 0, isIn, `(${x}, ${y})`);
  }
  assert.ok('stretch' in dataset && dataset.stretch.high[0]! < 200, 'the bright half of the image is outside');
  assert.equal((await dataset.get(0)).labels.length, 1, 'the first house is excluded');
  const kept = await openDataset(labels, { area, outside: 'keep' });
  assert.ok((await kept.get(0)).image.get(30, 50, 0) === 255 && kept.ids.length === 1);
});

test('tiles without a pixel of the area are skipped, and those at its border know their part', async () => {
  const tiles = await tileDataset(await openDataset(labels, { area }), { size: 16 });
  assert.equal(
    tiles.ids,
    [0, 16, 32].flatMap((y) => [0, 16].map((x) => `a.tif@${x},${y}`)),
  );
  assert.equal([tiles.region!(1)!.contains(14.9, 3), tiles.region!(1)!.contains(15.1, 3)], [true, false]);
  const { image } = await tiles.get(1);
  assert.equal([image.get(8, 14, 0) > 0, image.get(8, 15, 0)], [true, 0]);
});

test('formats and coordinate systems of the files do not matter for the hash, their polygons do', async () => {
  const open = async (files: object): Promise<string> => (await AreaOfInterest.open(files))!.hash;
  const copy = await write(folder, 'copy.json', featureCollection([[onMap([-10, -10, 31, 60])]], UTM));
  assert.is(await open({ area }), await open({ area: copy }));
  assert.is.not(await open({ area }), await open({ exclude: area }));
  assert.is.not(await open({ area }), await open({ area, exclude }));
  assert.is(await AreaOfInterest.open({}), null);
});

test('images without a place are listed, and an area without any image is an error', async () => {
  const mixed = join(folder, 'mixed');
  mkdirSync(mixed);
  await writePng(join(mixed, 'plain.png'), rgbImage(20, 20));
  await write(mixed, 'placed.tif', geoTiff(levels, { epsg: 32633, x: X, y: Y, pixel: 0.5 }));
  const csv = 'image,x1,y1,x2,y2,label\nplain.png,2,2,12,12,a\nplaced.tif,2,2,12,12,a\n';
  const both = await write(mixed, 'boxes.csv', csv);
  const { ids, report } = await openDataset(both, { area });
  assert.equal(ids, ['placed.tif']);
  assert.match(report.notes.join(), /1 image without a known place: left out: plain\.png \(there is no georeference/);
  const far = await write(folder, 'far.geojson', featureCollection([[onMap([900, 900, 990, 990])]], UTM));
  await rejects(
    openDataset(both, { area: far }),
    /no image has a part inside .*far\.geojson: 1 image lies elsewhere; 1 image has no known place: plain\.png/,
  );
  const points =
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}';
  await rejects(
    openDataset(both, { exclude: await write(folder, 'points.geojson', points) }),
    /points\.geojson: found Point, expected polygons/,
  );
});

test("in SpaceNet's layout footprints with their centre outside are dropped", async () => {
  const root = join(folder, 'tree');
  for (const [i, x] of [X, X + 32].entries()) {
    const image = geoTiff(levels, { epsg: 32633, x, y: Y, pixel: 0.5 });
    await write(root, `RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img${i + 1}.tif`, image);
    const footprints = featureCollection(
      [[onMap([64 * i + 2, 2, 64 * i + 12, 12])], [onMap([64 * i + 40, 20, 64 * i + 50, 30])]],
      UTM,
    );
    await write(root, `geojson/buildings/buildings_AOI_2_Vegas_img${i + 1}.geojson`, footprints);
  }
  const dataset = await openDataset(root, { area });
  assert.equal(dataset.ids, ['AOI_2_Vegas_img1']);
  assert.equal(boxList(await dataset.get(0)), [[2, 2, 12, 12]]);
  assert.ok(dataset.region!(0)!.contains(5, 5) && !dataset.region!(0)!.contains(40, 5));
  assert.match(dataset.report.notes.join('\n'), /1 image not inside .*\n3 objects whose centre is not inside/);
});

test.run();
