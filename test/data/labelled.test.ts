import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import { openLabelled } from '../../src/data/node/open-labelled.ts';
import { writeLabels } from '../../src/labels/node/write-labels.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { tableOf } from '../../src/data/annotation-table.ts';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { describeSample } from '../../src/data/types.ts';
import {
  boxList,
  corners,
  featureCollection,
  geoTiff,
  inFolder,
  markedSample,
  raster,
  rejects,
  write,
} from './support.ts';
import { vegas } from './vegas.ts';

const { image } = markedSample(20, 30, []);
const table: LabelTable = {
  classes: ['car', 'roof'],
  images: [
    {
      file: 'a.png',
      width: 30,
      height: 20,
      objects: [
        { label: 1, box: [1, 2, 10, 12] },
        { label: 0, box: [25, 5, 35, 15], difficult: true },
      ],
    },
    { file: 'b.png', width: 30, height: 20, objects: [] },
  ],
};

async function pictures(folder: string): Promise<string> {
  for (const name of ['a.png', 'b.png', 'c.png']) await write(folder, name, await encodePng(image));
  return folder;
}

test(
  'the same data set from every format, as a folder and as a file',
  inFolder(async (folder) => {
    const opened: [string, Awaited<ReturnType<typeof openDataset>>][] = [];
    for (const format of ['coco', 'csv', 'deepforest', 'keras-retinanet'] as const) {
      const base = await pictures(`${folder}/${format}`);
      const file = `${base}/labels.${format === 'coco' ? 'json' : 'csv'}`;
      await writeLabels(table, file, format);
      opened.push([format, await openDataset(base)], [format, await openDataset(file)]);
      opened.push([format, await openDataset(file, { images: base })]);
    }
    await pictures(`${folder}/voc/JPEGImages`);
    await writeLabels(table, `${folder}/voc/Annotations`, 'voc');
    opened.push(['voc', await openDataset(`${folder}/voc`)]);
    await pictures(`${folder}/yolo/images`);
    await writeLabels(table, `${folder}/yolo`, 'yolo');
    opened.push(['yolo', await openDataset(`${folder}/yolo`)], ['yolo', await openDataset(`${folder}/yolo/data.yaml`)]);
    for (const [format, dataset] of opened) {
      assert.equal(dataset.classes, ['car', 'roof'], format);
      // An image without a file of labels is empty in YOLO, elsewhere it is not labelled.
      assert.equal(dataset.ids, format === 'yolo' ? ['a.png', 'b.png', 'c.png'] : ['a.png', 'b.png'], format);
      assert.equal(dataset.report.missingLabels, format === 'yolo' ? [] : ['c.png']);
      const sample = await dataset.get(0);
      assert.equal([...sample.labels], [1, 0]);
      const near = [
        [1, 2, 10, 12],
        [25, 5, 30, 15],
      ].flat();
      boxList(sample)
        .flat()
        .forEach((edge, i) => assert.ok(Math.abs(edge - near[i]!) < 1e-5, format));
      assert.equal(packedBytes(sample.image), packedBytes(image));
      const described = await describeSample(dataset, 0);
      assert.equal([described.width, described.height, described.boxes], [30, 20, sample.boxes]);
      assert.is('stretch' in dataset, false);
      const truth = await tableOf(dataset);
      assert.equal(
        truth.images[0]?.objects.map(({ label }) => label),
        [1, 0],
      );
      assert.equal([truth.images[1]?.file, truth.images[1]?.width, truth.images[1]?.objects], ['b.png', 30, []]);
    }
  }),
);

test(
  'classes, crowds and difficult objects',
  inFolder(async (folder) => {
    const imagesRoot = await pictures(folder);
    const crowd = { label: 0, box: [0, 0, 5, 5], crowd: true } as const;
    const labels = {
      ...table,
      images: [{ ...table.images[0]!, objects: [crowd, ...(table.images[0]?.objects ?? [])] }],
      imagesRoot,
    };
    const all = await openLabelled(labels);
    assert.equal(all.report.dropped, { crowd: 1, difficult: 0, otherClasses: 0, outsideArea: 0 });
    assert.equal([...(await all.get(0)).labels], [1, 0]);
    const easy = await openLabelled(labels, { difficult: 'drop', classes: ['roof', 'car'] });
    assert.equal(easy.report.dropped, { crowd: 1, difficult: 1, otherClasses: 0, outsideArea: 0 });
    assert.equal([...(await easy.get(0)).labels], [0]);
    await rejects(openLabelled(labels, { classes: ['roof'] }), /class "car" is none of roof/);
    const roofs = await openLabelled(labels, { classes: ['roof'], otherClasses: 'drop' });
    assert.equal(roofs.report.dropped, { crowd: 0, difficult: 0, otherClasses: 2, outsideArea: 0 });
    assert.equal([...(await roofs.get(0)).labels], [0]);
    await rejects(
      openLabelled(labels, { classes: ['rof'], otherClasses: 'drop' }),
      /has no class "rof", only car, roof/,
    );
    await rejects(openLabelled(labels, { classes: ['roof', 'roof'] }), /expected names that differ/);
    assert.equal((await openLabelled(labels, { missingLabels: 'empty' })).ids, ['a.png', 'b.png', 'c.png']);
    const away = {
      ...labels,
      images: [
        {
          file: 'a.png',
          width: null,
          height: null,
          objects: [{ label: 0, box: [30, 0, 40, 9] as const, origin: 'x.json: annotations[3]' }],
        },
      ],
    };
    const outside = await openLabelled(away);
    const message = /x.json: annotations\[3\]: box 30, 0, 40, 9 lies outside a.png of 30 x 20 pixels/;
    await rejects(outside.get(0), message);
    await rejects(outside.describe(0), message);
    await rejects(outside.describe(1), /index 1, expected 0 to 0/);
    await rejects(openLabelled({ ...labels, imagesRoot: `${folder}/none` }), /none does not exist/);
  }),
);

test(
  '16-bit rasters beside CSV, COCO and GeoJSON are stretched over the data set',
  inFolder(async (folder) => {
    const at = { epsg: 32611, x: 600_000, y: 4_000_000, pixel: 0.5 };
    // Levels 1000 to 1039 and 2000 to 2039: percentiles 0 and 100 over both are 1000 and 2039.
    for (const base of ['csv', 'coco', 'geojson']) {
      await write(
        folder,
        `${base}/a.tif`,
        geoTiff(
          raster(40, 30, 3, 16, (_, __, c) => 1000 + c),
          at,
        ),
      );
      await write(
        folder,
        `${base}/b.tif`,
        geoTiff(
          raster(40, 30, 3, 16, (_, __, c) => 2000 + c),
          at,
        ),
      );
    }
    const labels: LabelTable = {
      classes: ['car'],
      images: ['a.tif', 'b.tif'].map((file) => ({
        file,
        width: 40,
        height: 30,
        objects: [{ label: 0, box: [2, 3, 8, 9] }],
      })),
    };
    await writeLabels(labels, `${folder}/csv/x.csv`, 'csv');
    await writeLabels(labels, `${folder}/coco/x.json`, 'coco');
    const ring = corners([2, 3, 8, 9]).map(([x, y]) => [at.x + x * 0.5, at.y - y * 0.5]);
    const json = featureCollection([[ring]], 'urn:ogc:def:crs:EPSG::32611').replace(
      '"properties":{}',
      '"properties":{"label":"car"}',
    );
    for (const name of ['a', 'b']) await write(folder, `geojson/${name}.geojson`, json);
    for (const base of ['csv', 'coco', 'geojson']) {
      const dataset = await openDataset(`${folder}/${base}`, { percentiles: [0, 100] });
      assert.equal(dataset.classes, ['car'], base);
      if (!('stretch' in dataset)) throw new Error('a data set of rasters has a stretch');
      assert.equal(dataset.stretch, { low: [1000, 1000, 1000], high: [2039, 2039, 2039] });
      assert.equal([dataset.report.bits, dataset.report.selectedBands], [16, [1, 2, 3]]);
      const [a, b] = [await dataset.get(0), await dataset.get(1)];
      assert.equal([a.image.get(0, 0, 0), b.image.get(0, 39, 2)], [0, 255]);
      assert.is(b.image.get(5, 0, 1), Math.round((255 * 1000) / 1039));
      assert.equal(boxList(a), [[2, 3, 8, 9]]);
      const part = await dataset.window!(1, 7, 4, 20, 11);
      assert.equal(packedBytes(part), packedBytes(b.image.lo(4, 7, 0).hi(11, 20, 3)));
      assert.equal((await describeSample(dataset, 1)).boxes, a.boxes);
    }
    await write(
      folder,
      'csv/b.tif',
      geoTiff(
        raster(40, 30, 3, 8, () => 9),
        at,
      ),
    );
    const mixed = await openDataset(`${folder}/csv`, { stretch: { low: [0, 0, 0], high: [9, 9, 9] } });
    await rejects(mixed.get(1), /b.tif: 3 bands with 8-bit levels, expected 3 bands with 16-bit levels as in .*a.tif/);
  }),
);

test(
  'SpaceNet trees describe their samples; a summary file is opened itself',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const dataset = await openSpaceNet(path);
    for (let i = 0; i < 3; i++) {
      const { image: pixels, groundResolution, ...sample } = await dataset.get(i);
      assert.ok(groundResolution! > 0.26 && groundResolution! < 0.28, `${groundResolution} m`);
      assert.equal(await dataset.describe?.(i), { ...sample, width: 40, height: 30 });
      assert.equal(pixels.shape, [30, 40, 3]);
    }
    await rejects(describeSample(dataset, 3), /describe: index 3, expected 0 to 2/);
    // Boxes that somebody saved in the tree do not hide its own labels.
    await write(path, 'found.csv', 'image,x1,y1,x2,y2,label,score\na.tif,1,1,2,2,building,0.5\n');
    assert.equal((await openDataset(path)).ids, dataset.ids);
    const file = await openDataset(`${path}/summaryData/AOI_2_Vegas_Train_Building_Solutions.csv`);
    assert.is(file.ids.length, 3);
    // The second footprint reaches beyond the chip: what is seen of it counts.
    assert.equal(boxList(await describeSample(file, 0)), [
      [5, 6, 15, 20],
      [30, 20, 40, 30],
    ]);
  }),
);

test(
  '16-bit PNG files are stretched over the data set as TIFF files are, beside images with bytes',
  inFolder(async (folder) => {
    for (const [name, first] of [
      ['a', 1000],
      ['b', 2000],
    ] as const) {
      const png = new PNG({ width: 8, height: 6, bitDepth: 16 } as object);
      const levels = Uint16Array.from({ length: 8 * 6 * 4 }, (_, i) => (i % 4 === 3 ? 65_535 : first + (i >> 2)));
      png.data = Buffer.from(levels.buffer);
      await write(
        folder,
        `${name}.png`,
        PNG.sync.write(png, { bitDepth: 16, colorType: 6, inputColorType: 6 } as object),
      );
    }
    await write(folder, 'c.png', await encodePng(rgbImage(6, 8, new Uint8Array(144).fill(77))));
    await write(
      folder,
      'boxes.csv',
      'image,x1,y1,x2,y2,label\na.png,1,1,5,5,car\nb.png,1,1,5,5,car\nc.png,1,1,5,5,car\n',
    );
    const dataset = await openDataset(folder, { percentiles: [0, 100] });
    const stretch = { low: [1000, 1000, 1000], high: [2047, 2047, 2047] } as const;
    assert.equal([dataset.decoding, dataset.report.bits], [{ stretch }, 16]);
    const [a, b, c] = [await dataset.get(0), await dataset.get(1), await dataset.get(2)];
    assert.equal([a.image.get(0, 0, 0), b.image.get(5, 7, 2)], [0, 255]);
    assert.is(b.image.get(0, 0, 1), Math.round((255 * 1000) / 1047));
    assert.is(c.image.get(3, 3, 0), 77, 'bytes stay as they are');
    assert.equal((await readImage(`${folder}/b.png`, { stretch })).data, b.image.data, 'as a detector reads it');
    // Without a stretch, 16 bits are scaled to 8.
    assert.is((await readImage(`${folder}/b.png`)).get(0, 0, 0), Math.round(2000 / 257));
  }),
);

test(
  'bands that files do not name are noted, and can be chosen',
  inFolder(async (folder) => {
    const at = { epsg: 32611, x: 0, y: 0, pixel: 1 };
    await write(
      folder,
      'a.tif',
      geoTiff(
        raster(8, 6, 4, 8, (band) => 10 * band + 5),
        at,
      ),
    );
    await write(folder, 'boxes.csv', 'image,x1,y1,x2,y2,label\na.tif,1,1,5,5,car\n');
    const guessed = await openDataset(folder);
    const note =
      '4 bands whose colours the files do not name: 1, 2, 3 are taken as red, green, blue (option bands, or data.bands of train)';
    assert.equal('notes' in guessed.report && guessed.report.notes, [note]);
    const chosen = await openDataset(folder, { bands: [3, 2, 1] });
    assert.equal('notes' in chosen.report && chosen.report.notes, []);
    const { image } = await chosen.get(0);
    assert.equal(
      [0, 1, 2].map((channel) => image.get(0, 0, channel)),
      [25, 15, 5],
    );
    assert.equal(chosen.decoding.bands, [3, 2, 1]);
  }),
);

test.run();
