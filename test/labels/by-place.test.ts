import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import type { Affine } from '../../src/imagery/georeference.ts';
import { outlineBox } from '../../src/labels/table-builder.ts';
import { LayerPlacer } from '../../src/labels/layer-placer.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import type { ReadLabels } from '../../src/labels/read-result.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { crsOfEpsg } from '../../src/vector/crs.ts';
import { geojsonLayer } from '../../src/vector/geojson.ts';
import { geoTiff, raster, rejects, write } from '../data/support.ts';
import { inFolder, root } from '../support/files.ts';

interface Placed {
  readonly boxes: readonly Box[];
  readonly cases: readonly { image: number; affine: Affine; layer: number; rings: [number, number][][] }[];
}

const near = (found: readonly number[], expected: readonly number[], off: number, place: string): void =>
  assert.ok(
    found.every((value, i) => Math.abs(value - expected[i]!) <= off),
    `${place}: ${found}, expected ${expected}`,
  );

/** GeoJSON of polygons, or of points where there is a single position. */
const collection = (rings: readonly (readonly (readonly number[])[])[], more: object = {}): string =>
  JSON.stringify({
    type: 'FeatureCollection',
    ...more,
    features: rings.map((ring) => ({
      type: 'Feature',
      properties: { label: 'roof' },
      geometry: ring.length === 1 ? { type: 'Point', coordinates: ring[0] } : { type: 'Polygon', coordinates: [ring] },
    })),
  });

const crs = (epsg: number): object => ({
  crs: { type: 'name', properties: { name: `urn:ogc:def:crs:EPSG::${epsg}` } },
});

const square = (x: number, y: number, side: number): number[][] => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
  [x, y],
];

test('boxes agree with those of GDAL in other coordinate systems', async () => {
  const { boxes, cases } = JSON.parse(readFileSync(join(root, 'test/vector/fixtures/placed.json'), 'utf8')) as Placed;
  for (const { image: epsg, affine, layer: code, rings } of cases) {
    const layer = { ...geojsonLayer(JSON.parse(collection(rings)), 'layer'), crs: crsOfEpsg(code) };
    const image = { path: 'a.tif', width: 200, height: 200, affine, epsg, geographic: epsg === 4326 };
    const features = await new LayerPlacer(layer).onImage(image);
    features.forEach(({ polygons }, i) => {
      // The upright box of a rectangle in pixels, also on a rotated image.
      near(outlineBox(polygons)!, boxes[i]!, 0.01, `layer ${code} on image ${epsg}`);
    });
    assert.is(features.length, boxes.length, `layer ${code} on image ${epsg}`);
  }
});

/** Two images of 100 x 100 pixels of 1 m beside each other and one far away, in UTM zone 33. */
async function threeImages(folder: string): Promise<void> {
  const image = (x: number): Uint8Array =>
    geoTiff(
      raster(100, 100, 3, 8, (band, row, column) => 50 + band + ((row + column) % 100)),
      { epsg: 32633, x, y: 5_800_100, pixel: 1 },
    );
  await write(folder, 'tiles/west.tif', image(400_000));
  await write(folder, 'tiles/east.tif', image(400_100));
  await write(folder, 'tiles/far.tif', image(500_000));
}

const boxesOf = ({ images }: ReadLabels): Record<string, (readonly number[])[]> =>
  Object.fromEntries(images.map(({ file, objects }) => [file, objects.map(({ box }) => box)]));

test(
  'one layer is placed on every image that its features touch',
  inFolder(async (folder) => {
    await threeImages(folder);
    const rings = [
      square(400_010, 5_800_020, 10), // west
      square(400_090, 5_800_050, 20), // across the seam
      square(450_000, 5_800_000, 5), // between the images
    ];
    const path = await write(folder, 'tiles/roofs.geojson', collection(rings, crs(32633)));
    const labels = await readLabels(path);
    assert.is(labels.format, 'geojson');
    assert.equal(labels.classes, ['roof']);
    assert.equal(boxesOf(labels), {
      'east.tif': [[-10, 30, 10, 50]],
      'west.tif': [
        [10, 70, 20, 80],
        [90, 30, 110, 50],
      ],
    });
    assert.equal(labels.notes, ['1 feature outside all images', '1 image outside the extent of the layer: left out']);
    assert.is(labels.images[0]!.objects[0]!.origin, `${path}: feature 1`);
    // The folder instead of the file, and the file elsewhere.
    assert.equal((await readLabels(join(folder, 'tiles'))).images.length, 2);
    const elsewhere = await write(folder, 'labels/roofs.geojson', collection(rings, crs(32633)));
    const from = await readLabels(elsewhere, { images: join(folder, 'tiles') });
    assert.equal(boxesOf(from), boxesOf(labels));
    const single = await readLabels(elsewhere, { images: join(folder, 'tiles/east.tif') });
    assert.equal(boxesOf(single), { 'east.tif': [[-10, 30, 10, 50]] });
    // A data set clips them and keeps what is visible.
    const dataset = await openDataset(path);
    assert.equal(dataset.ids, ['east.tif', 'west.tif']);
    assert.equal([...(await dataset.get(0)).boxes], [0, 30, 10, 50]);
  }),
);

test(
  'an image without features is empty within the extent of the layer and unknown outside',
  inFolder(async (folder) => {
    await threeImages(folder);
    const rings = [square(400_110, 5_800_020, 5), square(399_000, 5_799_000, 5), square(401_000, 5_801_000, 5)];
    const path = await write(folder, 'roofs.geojson', collection(rings, crs(32633)));
    const labels = await readLabels(path, { images: join(folder, 'tiles') });
    assert.equal(boxesOf(labels), { 'east.tif': [[10, 75, 15, 80]], 'west.tif': [] });
    assert.equal(labels.notes, [
      '2 features outside all images',
      '1 image within the extent of the layer without any feature: taken as empty',
      '1 image outside the extent of the layer: left out',
    ]);
  }),
);

test(
  'points have the size that is given',
  inFolder(async (folder) => {
    await threeImages(folder);
    const path = await write(folder, 'trees.geojson', collection([[[400_050, 5_800_050]]], crs(32633)));
    const labels = await readLabels(path, { images: join(folder, 'tiles'), pointSize: 8 });
    assert.equal(boxesOf(labels), { 'west.tif': [[46, 46, 54, 54]] });
  }),
);

test(
  'other vector formats: class, layer and what applies to which',
  inFolder(async (folder) => {
    const at = { epsg: 4326, x: 9.9, y: 51, pixel: 0.01 };
    await write(
      folder,
      'scene.tif',
      geoTiff(
        raster(200, 110, 3, 8, (band) => band),
        at,
      ),
    );
    const formats = join(root, 'test/vector/fixtures/formats');
    for (const file of ['layer.shp', 'layer.fgb', 'layer.kml', 'latin.shp']) {
      const labels = await readLabels(join(formats, file), { images: folder, classProperty: 'species' });
      assert.is(labels.format, 'vector', file);
      assert.equal(labels.classes, ['1', '2'], file);
      const [{ objects }] = labels.images as [ReadLabels['images'][number]];
      near(objects.find(({ label }) => label === 0)!.box, [10, 50, 35, 100], 0.05, file);
    }
    await rejects(
      readLabels(join(formats, 'layer.fgb'), { images: folder, layer: 'a' }),
      /only a GeoPackage has layers/,
    );
    const kml = join(formats, 'layer.kml');
    await rejects(readLabels(kml, { images: folder, split: 'val' }), /has no splits, so that no split val can be read/);
  }),
);

test(
  'a layer that lies elsewhere, in degrees that are none, or has no georeferenced image is an error',
  inFolder(async (folder) => {
    await threeImages(folder);
    const images = join(folder, 'tiles');
    const path = await write(folder, 'a.geojson', collection([square(10, 50, 0.1)]));
    await rejects(
      readLabels(path, { images }),
      /no feature of .*a.geojson lies on an image: its bounds are 10, 50, 10.1, 50.1 in/,
    );
    const metres = await write(folder, 'b.geojson', collection([square(400_010, 5_800_020, 10)], crs(4326)));
    await rejects(readLabels(metres, { images }), /is in EPSG:4326, but its coordinates exceed 180 or 90 degrees/);
    await write(folder, 'png/z.png', 'not read');
    await rejects(readLabels(path, { images: join(folder, 'png') }), /1 image in .*png, none with a georeference/);
    // Without a name of their system, coordinates that are no degrees are those of the image.
    const unnamed = await write(folder, 'c.geojson', collection([square(400_010, 5_800_020, 10)]));
    assert.equal(boxesOf(await readLabels(unnamed, { images })), { 'west.tif': [[10, 70, 20, 80]] });
  }),
);

test(
  'files of the names of images keep to them',
  inFolder(async (folder) => {
    await threeImages(folder);
    await write(folder, 'tiles/west.geojson', collection([square(400_090, 5_800_050, 20)], crs(32633)));
    assert.equal(boxesOf(await readLabels(join(folder, 'tiles'))), { 'west.tif': [[90, 30, 110, 50]] });
    await write(folder, 'tiles/x.geojson', collection([square(400_090, 5_800_050, 20)], crs(32633)));
    await rejects(readLabels(join(folder, 'tiles')), /x.geojson: there is no image for it in/);
  }),
);

test.run();
