// The GeoTIFF files of a data set and GeoJSON in a page: as the reader of folders has them in Node.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { openTiffBlobs } from '../../src/data/open-tiff-blobs.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { placeGeojson } from '../../src/labels/place-features.ts';
import { geoTiff, inFolder, raster, rejects, write } from './support.ts';

const NAMES = ['a.tif', 'b.tif'];
const scene = (seed: number, bits: 8 | 16 = 16) =>
  raster(
    40,
    30,
    3,
    bits,
    (band, row, column) => (7 * row * column + 50 * seed * (band + 1) * column) % (bits === 8 ? 256 : 3000),
  );
const at = (i: number) => ({ epsg: 32616, x: 700_000 + 100 * i, y: 3_700_000, pixel: 0.5 });
/** Metres from the corner of the first image. */
const square = (x: number, y: number) => ({
  type: 'Feature',
  properties: { label: 'roof' },
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [x, y],
        [x + 5, y],
        [x + 5, y - 5],
        [x, y - 5],
        [x, y],
      ].map(([east, north]) => [700_000 + east!, 3_700_000 + north!]),
    ],
  },
});
const layer = JSON.stringify({
  type: 'FeatureCollection',
  crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32616' } },
  features: [square(2, -3), square(18, -1), square(103, -7)],
});

test(
  'stretch, pixels, resolution, classes and boxes are those of a folder',
  inFolder(async (folder) => {
    for (const [i, name] of NAMES.entries()) await write(folder, name, geoTiff(scene(i + 1), at(i)));
    const path = await write(folder, 'roofs.geojson', layer);
    const expected = await openDataset(folder);
    const blobs = NAMES.map((name) => ({ name, blob: new Blob([readFileSync(join(folder, name))]) }));
    const tiffs = await openTiffBlobs([blobs[0]!, blobs[1]!]);
    assert.is(tiffs.bits, 16);
    assert.equal(tiffs.decoding, expected.decoding);
    const opened = await Promise.all(NAMES.map((name) => tiffs.raster(name)));
    for (const [i, one] of opened.entries()) {
      const { image } = await one.read({ x: 0, y: 0, width: 40, height: 30 });
      assert.equal(packedBytes(image), packedBytes((await expected.get(i)).image));
    }
    const images = opened.map((one) => ({ ...one, file: one.path }));
    const { notes, ...table } = await placeGeojson(layer, images, { name: path });
    const read = await readLabels(path);
    assert.equal(table, { classes: read.classes, images: read.images });
    assert.equal(notes, read.notes);
    assert.is(table.images[0]!.objects.length, 2);
  }),
);

test(
  'files whose levels differ, and labels without a place, are errors',
  inFolder(async () => {
    const [first, second] = [scene(1), scene(2, 8)].map((one, i) => ({
      name: NAMES[i]!,
      blob: new Blob([new Uint8Array(geoTiff(one, at(i)))]),
    }));
    const tiffs = await openTiffBlobs([first!, second!]);
    await rejects(tiffs.raster('b.tif'), /b\.tif.*3 bands with 8-bit.*expected 3 bands with 16-bit.* as in a\.tif/);
    const image = { file: 'a.png', width: 40, height: 30, affine: null, epsg: null, geographic: null };
    await rejects(placeGeojson(layer, [image], { name: 'roofs.geojson' }), /1 image, none with a georeference/);
    await rejects(placeGeojson('[', [image], { name: 'roofs.geojson' }), /roofs\.geojson: /);
  }),
);

test.run();
