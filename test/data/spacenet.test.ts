import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { projectionOf } from '../../src/imagery/georeference.ts';
import type { Box } from '../../src/imagery/geometry.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { tileDataset } from '../../src/data/tiles.ts';
import { boxList, featureCollection, geoTiff, inFolder, raster, rejects, write } from './support.ts';
import { chip, near, onMap, pixel, place, vegas, wkt } from './vegas.ts';

const clipped = [
  [5, 6, 15, 20],
  [30, 20, 40, 30],
];

test(
  'SpaceNet 2: images, GeoJSON in degrees, empty and unlabelled chips',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const dataset = await openSpaceNet(path);
    assert.equal(dataset.ids, ['AOI_2_Vegas_img1', 'AOI_2_Vegas_img2', 'AOI_2_Vegas_img3']);
    assert.equal(dataset.classes, ['building']);
    const { root, ...report } = dataset.report;
    assert.equal(report, {
      images: 'RGB-PanSharpen',
      labels: 'geojson',
      missingLabels: ['AOI_2_Vegas_img4'],
      bits: 16,
      bands: 3,
      selectedBands: [1, 2, 3],
      notes: [],
    });
    assert.is(root, path);
    const first = await dataset.get(0);
    assert.is(first.id, 'AOI_2_Vegas_img1');
    assert.equal(first.image.shape, [30, 40, 3]);
    near(boxList(first), clipped);
    assert.equal([...first.labels], [0, 0]);
    assert.equal(boxList(await dataset.get(1)), []);
    near(boxList(await dataset.get(2)), [[1, 1, 9, 9]]);
    await rejects(dataset.get(3), /index 3, expected 0 to 2/);
    const strict = await openSpaceNet(path, { visibility: { minSide: 1, minVisible: 0.5 } });
    near(boxList(await strict.get(0)), clipped.slice(0, 1));
    // The same from above and from the folder of images itself.
    for (const other of [folder, `${path}/RGB-PanSharpen`]) assert.equal((await openDataset(other)).ids, dataset.ids);
  }),
);

test(
  'descriptions and windows are those of the whole, and tiles are made of them',
  inFolder(async (folder) => {
    const dataset = await openSpaceNet(await vegas(folder));
    for (const index of [0, 1, 2]) {
      const { id, image, boxes, labels } = await dataset.get(index);
      assert.equal(await dataset.describe(index), { id, width: 40, height: 30, boxes, labels });
      const part = await dataset.window(index, 7, 5, 20, 11);
      assert.equal(part.shape, [11, 20, 3]);
      assert.equal(packedBytes(part), packedBytes(image.lo(5, 7, 0).hi(11, 20, 3)));
    }
    await rejects(dataset.window(0, 30, 0, 11, 5), /window of 11 x 5 pixels at \(30, 0\)/);
    await rejects(dataset.describe(3), /index 3, expected 0 to 2/);
    const tiled = await tileDataset(dataset, { size: 16, overlap: 2 });
    assert.is(tiled.ids.length, 3 * 3 * 2);
    const tile = await tiled.get(1);
    assert.is(tile.id, 'AOI_2_Vegas_img1@14,0');
    const whole = await dataset.get(0);
    assert.equal(packedBytes(tile.image), packedBytes(whole.image.lo(0, 14, 0).hi(16, 16, 3)));
  }),
);

test(
  'SpaceNet 2: summary CSV in pixels',
  inFolder(async (folder) => {
    const dataset = await openSpaceNet(await vegas(folder), { labels: 'csv' });
    assert.is(dataset.report.labels, 'csv');
    near(boxList(await dataset.get(0)), clipped);
    assert.equal(boxList(await dataset.get(1)), []);
    near(boxList(await dataset.get(2)), [[1, 1, 9, 9]]);
    assert.equal(dataset.report.missingLabels, ['AOI_2_Vegas_img4']);
  }),
);

test(
  'missing labels as empty, or as an error',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const dataset = await openSpaceNet(path, { missingLabels: 'empty' });
    assert.is(dataset.ids.length, 4);
    assert.equal(dataset.report.missingLabels, ['AOI_2_Vegas_img4']);
    assert.equal(boxList(await dataset.get(3)), []);
    await rejects(
      openSpaceNet(path, { missingLabels: 'error' }),
      /1 of 4 images below .* have no geojson labels: AOI_2_Vegas_img4/,
    );
  }),
);

test(
  'a stretch over the data set is kept and can be given',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const dataset = await openSpaceNet(path, { percentiles: [0, 100] });
    // Levels of band b of image n: 40 (1 + b + n + row) + column, images 1 to 3, rows to 29, columns to 39.
    assert.equal(dataset.stretch, { low: [80, 120, 160], high: [1359, 1399, 1439] });
    const { image } = await dataset.get(0);
    assert.is(image.get(10, 5, 1), Math.round((255 * (40 * 13 + 5 - 120)) / (1399 - 120)));
    const narrow = await openSpaceNet(path);
    assert.ok(narrow.stretch.low[0]! > 80 && narrow.stretch.high[0]! < 1359);
    const stretch = JSON.parse(JSON.stringify(dataset.stretch));
    const again = await openSpaceNet(path, { stretch });
    assert.equal(packedBytes((await again.get(0)).image), packedBytes(image));
    assert.equal(
      packedBytes(await readImage(`${path}/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.tif`, { stretch })),
      packedBytes(image),
    );
    assert.equal(
      (await openSpaceNet(path, { stretchImages: 2, seed: 1 })).stretch,
      (await openSpaceNet(path, { stretchImages: 2, seed: 1 })).stretch,
    );
    await rejects(openSpaceNet(path, { stretchImages: 0 }), /stretchImages is 0/);
  }),
);

test(
  '8 bits stay as they are',
  inFolder(async (folder) => {
    const dataset = await openSpaceNet(await vegas(folder, 8));
    assert.equal(dataset.stretch, { low: [0, 0, 0], high: [255, 255, 255] });
    assert.equal(packedBytes((await dataset.get(0)).image), chip(1, 8).levels as Uint8Array);
  }),
);

test(
  '8 bands give 5, 3, 2; other folders and bands by choice',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const mul = await openSpaceNet(path, {
      images: 'MUL-PanSharpen',
      stretch: { low: [0, 0, 0], high: [1000, 1000, 1000] },
    });
    assert.equal([mul.report.bands, mul.report.selectedBands], [8, [5, 3, 2]]);
    const { image } = await mul.get(0);
    assert.equal(
      [0, 1, 2].map((c) => image.get(0, 0, c)),
      [401, 201, 101].map((level) => Math.round(level * 0.255)),
    );
    const infrared = await openSpaceNet(path, { images: 'MUL-PanSharpen', bands: [8, 7, 6] });
    assert.equal(infrared.report.selectedBands, [8, 7, 6]);
    const pan = (await (await openSpaceNet(path, { images: 'PAN' })).get(0)).image;
    assert.is(pan.get(3, 3, 0), pan.get(3, 3, 2));
    await rejects(
      openSpaceNet(path, { images: 'SAR' }),
      /no .tif files in a folder SAR below .*, only in MUL-PanSharpen, PAN, RGB-PanSharpen/,
    );
    await rejects(
      openSpaceNet(path, { bands: [1, 2, 9] }),
      /bands 1, 2, 9 to be read \(data\.bands of train\), but the file has 3; select others with `bands`/,
    );
  }),
);

test(
  'SpaceNet 1 names',
  inFolder(async (folder) => {
    await write(folder, '3band/3band_AOI_1_RIO_img7.tif', geoTiff(chip(1, 8), place(1)));
    await write(
      folder,
      '8band/8band_AOI_1_RIO_img7.tif',
      geoTiff(
        raster(10, 8, 8, 16, () => 5),
        { ...place(1), pixel: pixel * 4 },
      ),
    );
    await write(
      folder,
      'vectordata/geojson/Geo_AOI_1_RIO_img7.geojson',
      featureCollection(onMap(place(1), [[4, 4, 12, 12]])),
    );
    await write(
      folder,
      'vectordata/summaryData/AOI_1_RIO_Solutions.csv',
      `ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo\nAOI_1_RIO_img7,1,${wkt([4, 4, 12, 12])},x\n`,
    );
    const dataset = await openSpaceNet(folder);
    assert.equal([dataset.report.images, dataset.ids], ['3band', ['AOI_1_RIO_img7']]);
    near(boxList(await dataset.get(0)), [[4, 4, 12, 12]]);
    near(boxList(await (await openSpaceNet(folder, { images: '8band' })).get(0)), [[1, 1, 3, 3]]);
    await rejects(
      openSpaceNet(folder, { images: '8band', labels: 'csv' }),
      /pixels of the summary CSV are those of the sharpened images, not of 8band/,
    );
  }),
);

test(
  'SpaceNet 4 and 6: metres, degrees on metres, one label for many angles',
  inFolder(async (folder) => {
    const utm = { epsg: 32616, x: 732701, y: 3725089, pixel: 0.5 };
    const boxes: Box[] = [[4, 6, 14, 16]];
    for (const angle of ['7_catid_103001', '53_catid_103005']) {
      await write(
        folder,
        `Atlanta_nadir${angle}/Pan-Sharpen/Pan-Sharpen_Atlanta_nadir${angle}_732701_3724639.tif`,
        geoTiff(
          raster(40, 30, 4, 16, (b, r) => b + r + 1),
          utm,
        ),
      );
    }
    const label = 'geojson/spacenet-buildings/spacenet-buildings_732701_3724639.geojson';
    const check = async (): Promise<void> => {
      const dataset = await openSpaceNet(folder);
      assert.equal(dataset.ids, [
        'Atlanta_nadir53_catid_103005_732701_3724639',
        'Atlanta_nadir7_catid_103001_732701_3724639',
      ]);
      for (const index of [0, 1]) near(boxList(await dataset.get(index)), boxes);
    };
    const metres = onMap(utm, boxes);
    await write(folder, label, featureCollection(metres));
    await check();
    await write(folder, label, featureCollection(metres, 'urn:ogc:def:crs:EPSG::32616'));
    await check();
    // Degrees whose projection is that box, found by Newton's method on the projection.
    const project = projectionOf(32616)!;
    const degrees = metres.map((rings) =>
      rings.map((ring) =>
        ring.map(([x, y]) => {
          let [lon, lat] = [-84.5, 33.6];
          for (let i = 0; i < 20; i++) {
            const [px, py] = project(lon, lat);
            lon += (x! - px) / 92_500;
            lat += (y! - py) / 110_900;
          }
          return [lon, lat];
        }),
      ),
    );
    await write(folder, label, featureCollection(degrees));
    await check();
    await write(folder, label, featureCollection(metres, 'urn:ogc:def:crs:EPSG::32617'));
    await rejects(openSpaceNet(folder), /all labels below .* lie outside their images/);

    const six = `${folder}/six`;
    const tile = '20190804111224_20190804111453_tile_10';
    await write(
      six,
      `AOI_11_Rotterdam/PS-RGB/SN6_Train_AOI_11_Rotterdam_PS-RGB_${tile}.tif`,
      geoTiff(chip(1, 8), { ...utm, epsg: 32631 }),
    );
    await write(six, `AOI_11_Rotterdam/SAR-Intensity/SN6_Train_AOI_11_Rotterdam_SAR-Intensity_${tile}.tif`, 'not read');
    await write(
      six,
      `AOI_11_Rotterdam/geojson_buildings/SN6_Train_AOI_11_Rotterdam_Buildings_${tile}.geojson`,
      featureCollection(metres),
    );
    near(boxList(await (await openSpaceNet(six)).get(0)), boxes);
    await write(
      six,
      'AOI_11_Rotterdam/SummaryData/SN6_Train_Buildings.csv',
      `ImageId,TileBuildingId,BuildingId,PolygonWKT_Pix\n${tile},0,1,${wkt([4, 6, 14, 16])}\n`,
    );
    near(boxList(await (await openSpaceNet(six, { labels: 'csv' })).get(0)), boxes);
  }),
);

test.run();
