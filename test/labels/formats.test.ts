import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelProblem, LabelTable } from '../../src/labels/types.ts';
import { writeVoc } from '../../src/labels/voc.ts';
import { unsupportedFields } from '../../src/labels/unsupported-fields.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { detectLabelFormat } from '../../src/labels/node/find-labels.ts';
import { convertLabels, writeLabels } from '../../src/labels/node/write-labels.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import {
  corners,
  featureCollection,
  geoTiff,
  inFolder,
  markedSample,
  raster,
  rejects,
  write,
} from '../data/support.ts';
import { vegas } from '../data/vegas.ts';

const png = (): Promise<Uint8Array> => encodePng(markedSample(20, 30, []).image);
const plain = (table: LabelTable): unknown[] =>
  table.images.map(({ file, objects }) => [file, objects.map(({ label, box }) => [table.classes[label], ...box])]);

test(
  'COCO: sparse ids, crowds, outlines, run lengths, empty images, results',
  inFolder(async (folder) => {
    const truth = {
      info: { description: 'x' },
      images: [
        { id: 397133, file_name: 'a.jpg', width: 640, height: 427 },
        { id: 5, file_name: 'sub/b.jpg' },
      ],
      categories: [
        { id: 90, name: 'toothbrush', supercategory: 'indoor' },
        { id: 1, name: 'person' },
      ],
      annotations: [
        {
          id: 1,
          image_id: 397133,
          category_id: 90,
          bbox: [10.5, 20.25, 30, 40],
          area: 600,
          iscrowd: 0,
          segmentation: [[10.5, 20.25, 40.5, 20.25, 40.5, 60.25]],
        },
        {
          id: 2,
          image_id: 397133,
          category_id: 1,
          bbox: [0, 0, 10, 10],
          area: 55,
          iscrowd: 1,
          segmentation: { counts: [1, 2], size: [427, 640] },
        },
      ],
    };
    const path = await write(folder, 'annotations/instances_val2017.json', JSON.stringify(truth));
    await write(folder, 'val2017/a.jpg', 'x');
    assert.is(await detectLabelFormat(folder), 'coco');
    const table = await readLabels(folder);
    assert.equal(table.classes, ['person', 'toothbrush']);
    assert.is(table.imagesRoot, `${folder}/val2017`);
    assert.equal(table.images[0]?.objects, [
      {
        label: 1,
        box: [10.5, 20.25, 40.5, 60.25],
        area: 600,
        polygons: [
          [
            [
              [10.5, 20.25],
              [40.5, 20.25],
              [40.5, 60.25],
            ],
          ],
        ],
        origin: `${path}: annotations[0] (id 1)`,
      },
      { label: 0, box: [0, 0, 10, 10], crowd: true, area: 55, origin: `${path}: annotations[1] (id 2)` },
    ]);
    assert.equal(table.images[1], { file: 'sub/b.jpg', width: null, height: null, objects: [] });
    assert.match(table.notes.join(), /1 objects have a segmentation in run lengths/);
    const results = await write(
      folder,
      'found.json',
      '[{"image_id": 5, "category_id": 90, "bbox": [1, 2, 3, 4], "score": 0.75}]',
    );
    const found = await readLabels(results, { like: table });
    assert.equal(found.images[1]?.objects, [{ label: 1, box: [1, 2, 4, 6], score: 0.75, origin: `${results}: [0]` }]);
    assert.equal(found.images[0]?.objects, []);
    // When written again, images and classes keep the ids of the file.
    await writeLabels(found, `${folder}/again.json`, 'coco-results', { like: table });
    assert.equal(
      JSON.parse(await readFile(`${folder}/again.json`, 'utf8')),
      JSON.parse(await readFile(results, 'utf8')),
    );
    await rejects(writeLabels(table, `${folder}/c.json`, 'coco-results'), /an object without a score/);
  }),
);

test(
  'Pascal VOC: pixels counted from 1 become edges; folders beside each other',
  inFolder(async (folder) => {
    await write(
      folder,
      'Annotations/a.xml',
      '<?xml version="1.0"?>\n<annotation><folder>VOC2007</folder><filename>a.png</filename><size><width>30</width><height>20</height><depth>3</depth></size>' +
        '<object><name>\n chair </name><pose>Rear</pose><truncated>1</truncated><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>20</ymax></bndbox><part><name>seat</name></part></object></annotation>',
    );
    await write(folder, 'Annotations/b.xml', '<annotation><filename>b.png</filename></annotation>');
    await write(folder, 'JPEGImages/a.png', await png());
    await write(folder, 'JPEGImages/a.png.aux.xml', '<PAMDataset/>');
    const table = await readLabels(folder);
    assert.is(table.format, 'voc');
    assert.is(table.imagesRoot, `${folder}/JPEGImages`);
    assert.equal(table.images[0], {
      file: 'a.png',
      width: 30,
      height: 20,
      objects: [{ label: 0, box: [0, 1.5, 30, 20], difficult: true, origin: `${folder}/Annotations/a.xml:2` }],
    });
    assert.equal(plain(table), [
      ['a.png', [['chair', 0, 1.5, 30, 20]]],
      ['b.png', []],
    ]);
  }),
);

test(
  'YOLO: splits, outlines, scores, bare folders, darknet',
  inFolder(async (folder) => {
    // As Roboflow exports: paths have one ../ too many, labels are next to each split's images.
    for (const split of ['train', 'valid']) await write(folder, `r/${split}/images/${split}.png`, await png());
    await write(folder, 'r/train/labels/train.txt', '1 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.5 0.1 0.5 0.5 0.75\n');
    await write(
      folder,
      'r/data.yaml',
      'train: ../train/images\nval: ../valid/images\nnc: 2\nnames:\n  0: roof\n  1: tree\n',
    );
    const table = await readLabels(`${folder}/r`);
    assert.equal(
      table.images.map(({ file, width, height }) => [file, width, height]),
      [
        ['train/images/train.png', 30, 20],
        ['valid/images/valid.png', 30, 20],
      ],
    );
    const [box, outline] = table.images[0]?.objects ?? [];
    assert.is(box?.label, 1);
    [12, 6, 18, 14].forEach((edge, i) => assert.ok(Math.abs(edge - box!.box[i]!) < 1e-9));
    assert.equal(outline?.box, [3, 2, 15, 10]);
    assert.is(outline?.score, 0.75);
    assert.equal(outline?.polygons, [
      [
        [
          [3, 2],
          [15, 2],
          [15, 10],
        ],
      ],
    ]);
    assert.equal(table.images[1]?.objects, []);
    const valid = await readLabels(`${folder}/r`, { split: 'val' });
    assert.equal(
      valid.images.map(({ file }) => file),
      ['valid/images/valid.png'],
    );

    await write(folder, 'd/a.png', await png());
    await write(folder, 'd/a.txt', '0 0.5 0.5 1 1');
    await rejects(
      readLabels(`${folder}/d`),
      /no data.yaml with names, no classes.txt and no \*\.names; give `classes`/,
    );
    assert.equal(plain(await readLabels(`${folder}/d`, { classes: ['x'] })), [['a.png', [['x', 0, 0, 30, 20]]]]);
    await write(folder, 'd/classes.txt', 'roof\n\n');
    assert.equal(plain(await readLabels(`${folder}/d`)), [['a.png', [['roof', 0, 0, 30, 20]]]]);
  }),
);

test(
  'CSV: synonyms, DeepForest, keras-retinanet, quotes, paths',
  inFolder(async (folder) => {
    const one = async (name: string, text: string): Promise<[string, unknown]> => {
      const table = await readLabels(await write(folder, name, text));
      return [table.format, plain(table)];
    };
    const expected = [
      ['a/b.png', [['oak, "old"\ntree', 1, 2.5, 10, 12]]],
      ['c.png', []],
    ];
    const name = '"oak, ""old""\ntree"';
    assert.equal(
      await one(
        '1.csv',
        `\ufeffFilename,Class,X-Min,X_Max,Y Min,Y Max\r\na\\b.png,${name},1,10,2.5,12\r\nc.png,,,,,\r\n`,
      ),
      ['csv', expected],
    );
    assert.equal(
      await one('2.csv', `image_path,xmin,ymin,xmax,ymax,label\na/b.png,1,2.5,10,12,${name}\nc.png,0,0,0,0,Tree\n`),
      ['deepforest', expected],
    );
    assert.equal(await one('3.csv', `a/b.png,1,2.5,10,12,${name}\nc.png,,,,,\n`), ['keras-retinanet', expected]);
    // As spreadsheets write them: semicolons or tabs, decimal commas, and Excel's line that names the delimiter.
    const rows = [`image;x1;y1;x2;y2;label`, `a/b.png;1;2,5;10;12;${name}`, `c.png;;;;;`];
    assert.equal(await one('semicolons.csv', rows.join('\r\n')), ['csv', expected]);
    assert.equal(await one('excel.csv', ['sep=;', ...rows].join('\n')), ['csv', expected]);
    assert.equal(await one('tabs.tsv', rows.join('\n').replaceAll(';', '\t')), ['csv', expected]);
    const wrong = await write(folder, 'wrong.csv', [...rows, 'd.png;1;q;3;4;x'].join('\n'));
    await rejects(readLabels(wrong), /wrong\.csv:5: y1 is "q", expected a number/);
    // Absolute paths become relative to the folder of the images.
    const absolute = await write(folder, '4.csv', `${folder}/a/b.png,1,2,3,4,x\n`);
    assert.equal(plain(await readLabels(absolute, { images: folder })), [['a/b.png', [['x', 1, 2, 3, 4]]]]);
    await write(folder, 'ids.csv', 'y,0\nx,1\n');
    const mapped = await readLabels(absolute, { images: folder, classes: `${folder}/ids.csv` });
    assert.equal([mapped.classes, mapped.images[0]?.objects[0]?.label], [['y', 'x'], 1]);
  }),
);

test(
  "SpaceNet's CSV and GeoJSON tell the same; GeoJSON is written in the image's coordinates",
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const csv = await readLabels(`${path}/summaryData/AOI_2_Vegas_Train_Building_Solutions.csv`);
    const map = await readLabels(path);
    assert.equal([csv.format, map.format], ['spacenet-csv', 'geojson']);
    assert.equal(
      csv.images.map(({ file }) => file),
      [1, 2, 3].map((n) => `RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img${n}.tif`),
    );
    const same = (a: LabelTable, b: LabelTable): void => {
      assert.is(a.images.length, b.images.length);
      a.images.forEach((image, i) => {
        assert.is(image.file, b.images[i]?.file);
        assert.is(image.objects.length, b.images[i]?.objects.length);
        image.objects.forEach(({ box }, k) => {
          const other = b.images[i]?.objects[k]?.box ?? [];
          box.forEach((edge, e) => assert.ok(Math.abs(edge - other[e]!) < 1e-2, `${box} and ${other}`));
        });
      });
    };
    same(map, csv);
    assert.equal(csv.images[0]?.objects[1]?.box, [30, 20, 60, 50]);
    await writeLabels(csv, `${folder}/out`, 'geojson', { images: csv.imagesRoot });
    const text = await readFile(`${folder}/out/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.geojson`, 'utf8');
    const [x, y] = JSON.parse(text).features[0].geometry.coordinates[0][0];
    assert.ok(Math.abs(x - (-115.29 + 5 * 2.7e-6)) < 1e-9 && Math.abs(y - (36.2 - 6 * 2.7e-6)) < 1e-9);
    same(await readLabels(`${folder}/out`, { images: csv.imagesRoot }), csv);
    await write(folder, 'flat/a.png', await png());
    const flat = { classes: ['x'], images: [{ file: 'a.png', width: 30, height: 20, objects: [] }] };
    await rejects(
      writeLabels(flat, `${folder}/o`, 'geojson', { images: `${folder}/flat` }),
      /GeoJSON needs images with a georeference/,
    );
    // Metres, with a class and a score, next to an image with any name.
    const at = { epsg: 32611, x: 600_000, y: 4_000_000, pixel: 0.5 };
    await write(
      folder,
      'utm/field.tif',
      geoTiff(
        raster(40, 30, 3, 8, () => 9),
        at,
      ),
    );
    const ring = corners([2, 3, 8, 9]).map(([px, py]) => [at.x + px * 0.5, at.y - py * 0.5]);
    const json = featureCollection([[ring]], 'urn:ogc:def:crs:EPSG::32611').replace(
      '"properties":{}',
      '"properties":{"label":"car","score":0.5}',
    );
    await write(folder, 'utm/field.geojson', json);
    const utm = await readLabels(`${folder}/utm`);
    assert.equal(plain(utm), [['field.tif', [['car', 2, 3, 8, 9]]]]);
    assert.is(utm.images[0]?.objects[0]?.score, 0.5);
  }),
);

test(
  'GeoJSON of detections in several folders: images are found from further out or in, others are left out',
  inFolder(async (folder) => {
    // Three images of the same name in different places.
    const pixels = raster(40, 30, 3, 8, () => 9);
    const places = ['a', 'b', 'c/b'].map((name, i) => ({ name, x: 600_000 + 1000 * i }));
    for (const { name, x } of places) {
      await write(folder, `in/${name}/x.tif`, geoTiff(pixels, { epsg: 32611, x, y: 4_000_000, pixel: 0.5 }));
    }
    await write(folder, 'in/a/flat.png', await png());
    const csv = (files: readonly string[]): Promise<string> =>
      write(folder, 'p.csv', ['image,x1,y1,x2,y2,label,score', ...files.map((f) => `${f},2,3,8,9,car,0.5`)].join('\n'));
    const westOf = async (out: string, file: string): Promise<number> => {
      const { features } = JSON.parse(await readFile(`${folder}/${out}/${file}`, 'utf8'));
      return Math.min(...features[0].geometry.coordinates[0].map(([x]: number[]) => x)) - 1;
    };
    const left: string[] = [];
    const onUnwritable = (file: string, error: Error): void => void left.push(`${file}: ${error.message}`);
    const input = await csv(['in/a/x.tif', 'in/c/b/x.tif', 'in/a/flat.png', 'in/a/none.tif']);
    const { files } = await convertLabels(input, `${folder}/o1`, {
      to: 'geojson',
      images: `${folder}/in`,
      onUnwritable,
    });
    assert.equal(files.length, 2);
    assert.equal([await westOf('o1', 'in/a/x.geojson'), await westOf('o1', 'in/c/b/x.geojson')], [600_000, 602_000]);
    assert.match(left[0]!, /^in\/a\/flat\.png: .*GeoJSON needs images with a georeference/);
    assert.match(left[1]!, /^in\/a\/none\.tif: .*there is no image in\/a\/none\.tif in .*give the folder/);
    // From further in; without the option, the first that cannot be written is an error, and nothing is written.
    const inner = await csv(['a/x.tif', 'b/x.tif']);
    await convertLabels(inner, `${folder}/o2`, { to: 'geojson', images: `${folder}/in` });
    assert.equal([await westOf('o2', 'a/x.geojson'), await westOf('o2', 'b/x.geojson')], [600_000, 601_000]);
    const convert = (images: string) =>
      convertLabels(inner, `${folder}/o3`, { to: 'geojson', images: `${folder}/${images}` });
    await rejects(convert('in/a'), /a\/x\.tif and b\/x\.tif would both be x\.tif in .*in\/a/);
    await csv(['x.tif']);
    await rejects(convert('in'), /x\.tif may be each of a\/x\.tif, b\/x\.tif, c\/b\/x\.tif in .*in/);
    await csv(['a/flat.png']);
    const given = { to: 'geojson', images: `${folder}/in`, onUnwritable } as const;
    await rejects(convertLabels(inner, `${folder}/o3`, given), /needs images with a georeference/);
    await rejects(readdir(`${folder}/o3`), /ENOENT/);
  }),
);

test(
  'paths and URLs of other computers lead to the image with their file name',
  inFolder(async (folder) => {
    for (const file of ['images/a.png', 'images/b.png', 'images/x/c.png', 'images/y/c.png']) {
      await write(folder, file, await png());
    }
    const elsewhere = [
      'C:\\data\\a.png',
      '/home/me/b.png',
      'https://host/path/a.png?key=1',
      's3://bucket/b.png',
      '../../b.png',
    ];
    const boxes = (paths: readonly string[]): string =>
      ['image,x1,y1,x2,y2,label', ...paths.map((path, i) => `${path},${i},1,9,9,car`)].join('\n');
    const files = ['images/a.png', 'images/b.png'];
    const firstOf = (table: LabelTable): unknown[] =>
      table.images.map(({ file, objects }) => [file, objects.map(({ box }) => box[0])]);
    const expected = files.map((file, i) => [file, i === 0 ? [0, 2] : [1, 3, 4]]);
    await write(folder, 'boxes.csv', boxes(elsewhere));
    const csv = await readLabels(`${folder}/boxes.csv`);
    assert.equal([firstOf(csv), csv.imagesRoot], [expected, folder]);
    assert.equal(csv.notes, ['the folders of 5 paths that lead elsewhere: the images were found by name']);
    // The labels in a folder of their own, the images beside it.
    await write(folder, 'labels/boxes.csv', boxes(elsewhere));
    const beside = await readLabels(`${folder}/labels/boxes.csv`);
    assert.equal(firstOf(beside), expected);
    assert.is(join(beside.imagesRoot), join(folder));
    // Detections refer to the images of the ground truth, wherever these are.
    await write(folder, 'far/away/boxes.csv', boxes(elsewhere));
    assert.equal(firstOf(await readLabels(`${folder}/far/away/boxes.csv`, { like: csv })), expected);
    const images = elsewhere.slice(0, 2).map((file_name, id) => ({ id, file_name }));
    const annotations = images.map(({ id }) => ({ id, image_id: id, category_id: 1, bbox: [id, 1, 5, 5] }));
    const coco = { images, annotations, categories: [{ id: 1, name: 'car' }] };
    await write(folder, 'images/coco.json', JSON.stringify(coco));
    const own = await readLabels(`${folder}/images/coco.json`);
    assert.equal(firstOf(own), [
      ['a.png', [0]],
      ['b.png', [1]],
    ]);
    const voc = writeVoc({ file: 'a.png', width: 9, height: 9, objects: [{ label: 0, box: [2, 1, 5, 5] }] }, ['car']);
    await write(folder, 'images/a.xml', voc.replace('a.png', 'C:\\img\\a.png'));
    const one = await readLabels(`${folder}/images/a.xml`);
    assert.equal([firstOf(one), one.notes.length], [[['a.png', [2]]], 1]);
    // Of two files with the name, none is taken.
    await write(folder, 'boxes.csv', boxes(['/home/c.png']));
    await rejects(readLabels(`${folder}/boxes.csv`), /boxes.csv:2: image \/home\/c.png is outside the folder/);
  }),
);

test(
  'GeoJSON: points and lines are counted, points take a size, the class property is found or given',
  inFolder(async (folder) => {
    const pixels = raster(40, 30, 3, 8, () => 9);
    await write(folder, 'field.tif', geoTiff(pixels, { epsg: 32611, x: 600_000, y: 4_000_000, pixel: 0.5 }));
    const onMap = ([px, py]: readonly number[]): number[] => [600_000 + px! * 0.5, 4_000_000 - py! * 0.5];
    const polygon = { type: 'Polygon', coordinates: [corners([2, 3, 8, 9]).map(onMap)] };
    const point = { type: 'Point', coordinates: onMap([20, 10]) };
    const points = { type: 'MultiPoint', coordinates: [onMap([30, 10]), onMap([30, 20])] };
    const line = { type: 'LineString', coordinates: [onMap([1, 1]), onMap([9, 9])] };
    const labels = async (
      ...features: (readonly [geometry: object | null, properties?: object])[]
    ): Promise<string> => {
      const crs = { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } };
      const list = features.map(([geometry, properties = {}]) => ({ type: 'Feature', properties, geometry }));
      await write(folder, 'field.geojson', JSON.stringify({ type: 'FeatureCollection', crs, features: list }));
      return `${folder}/field.geojson`;
    };
    const read = (path: string, options = {}) => readLabels(path, options);

    const mixed = await labels([polygon, { Species: 'oak' }], [point], [point], [points], [line], [null]);
    const without = await read(mixed);
    assert.equal(plain(without), [['field.tif', [['oak', 2, 3, 8, 9]]]]);
    assert.equal(
      without.notes.map((note) => note.split(':')[0]),
      ['2 features of type Point', '1 feature of type MultiPoint', '1 feature of type LineString'],
    );
    const sized = await read(mixed, { pointSize: 4 });
    assert.equal(plain(sized), [
      [
        'field.tif',
        [
          ['oak', 2, 3, 8, 9],
          ['building', 18, 8, 22, 12],
          ['building', 18, 8, 22, 12],
          ['building', 28, 8, 32, 12],
          ['building', 28, 18, 32, 22],
        ],
      ],
    ]);
    assert.is(sized.notes.length, 1);
    const problems: LabelProblem[] = [];
    await read(mixed, { onProblem: (problem: LabelProblem) => problems.push(problem) });
    assert.equal(
      problems.map(({ kind, entry }) => `${kind} ${entry}`),
      [1, 2, 3, 4].map((index) => `degenerate feature ${index}`),
    );
    await rejects(read(await labels([point], [line])), /field.geojson: feature 0: a Point has no area.*--point-size/);
    await rejects(read(mixed, { pointSize: 0 }), /readLabels: pointSize is 0, expected a finite number > 0/);

    const ids = await labels([polygon, { id: 7, class_id: 3, genus: 'Quercus' }], [polygon, { id: 8, genus: 'Acer' }]);
    assert.equal((await read(ids)).classes, ['3', 'building']);
    assert.match(
      (await read(ids)).notes.join(),
      /^1 feature without a class \(properties: id, genus\): taken as building/,
    );
    const genus = await read(ids, { classProperty: 'genus' });
    assert.equal([genus.classes, genus.notes], [['Acer', 'Quercus'], []]);
    await rejects(
      read(ids, { classProperty: 'class_id' }),
      /feature 1: property class_id is no text or number \(properties: id, genus\)/,
    );
    await write(folder, 'a.csv', 'image,x1,y1,x2,y2,label\nfield.tif,1,1,4,4,x\n');
    await rejects(read(`${folder}/a.csv`, { classProperty: 'x' }), /only geojson, vector, via have this option/);
  }),
);

test(
  'conversion reports unsupported fields; writing is atomic and overwrites nothing',
  inFolder(async (folder) => {
    const square = [
      [
        [0, 0],
        [4, 0],
        [4, 4],
      ],
    ] as const;
    const table: LabelTable = {
      classes: ['b', 'a', 'unused'],
      images: [
        {
          file: 'x.png',
          width: 9,
          height: 9,
          objects: [{ label: 0, box: [0, 0, 4, 4], score: 0.5, crowd: true, area: 8, polygons: [square] }],
        },
        { file: 'y.png', width: 9, height: 9, objects: [{ label: 1, box: [1, 1, 4, 4], difficult: true }] },
        { file: 'z.png', width: null, height: null, objects: [] },
      ],
    };
    const what = (format: Parameters<typeof unsupportedFields>[1]): string[] =>
      unsupportedFields(table, format).map((field) => `${field.what} ${field.count}`);
    assert.equal(what('coco'), ['difficult 1']);
    assert.equal(what('voc'), ['scores 1', 'crowd 1', 'areas 1', 'polygons 1', 'class order 3']);
    assert.equal(what('csv'), ['crowd 1', 'difficult 1', 'areas 1', 'polygons 1', 'sizes 2', 'class order 3']);
    assert.equal(what('spacenet-csv'), ['crowd 1', 'difficult 1', 'areas 1', 'sizes 2', 'class names 2']);
    assert.equal(what('coco-results').includes('empty images 1'), true);

    const coco = `${folder}/in/t.json`;
    await writeLabels(table, coco, 'coco');
    await rejects(writeLabels(table, coco, 'coco'), /in\/t.json exists already; to replace it, use `overwrite`$/);
    const summary = await convertLabels(coco, `${folder}/v`, { to: 'voc' });
    assert.equal([summary.from, summary.images, summary.objects], ['coco', 3, 2]);
    assert.ok(
      summary.unsupported.some(({ what, message }) => what === 'scores' && message === '1 objects lose their scores'),
    );
    assert.equal((await readdir(`${folder}/v`)).sort(), ['x.xml', 'y.xml', 'z.xml']);
    // The size of z is not known and its image does not exist: nothing is written.
    await rejects(
      convertLabels(coco, `${folder}/yolo`, { to: 'yolo' }),
      /needs the size of z.png: there is no image z.png in .*; give the folder of the images with `images`$/,
    );
    await rejects(readdir(`${folder}/yolo`), /ENOENT/);
    // A file is in the place of a folder: the files before it are removed again.
    await write(folder, 'w/sub', 'a file');
    const deep = { ...table, images: [...table.images, { file: 'sub/q.png', width: 1, height: 1, objects: [] }] };
    await rejects(writeLabels(deep, `${folder}/w`, 'voc'), /EEXIST|ENOTDIR/);
    assert.equal(await readdir(`${folder}/w`), ['sub']);
    const twice = {
      classes: ['a'],
      images: ['p.png', 'p.jpg'].map((file) => ({ file, width: 1, height: 1, objects: [] })),
    };
    await rejects(writeLabels(twice, `${folder}/t`, 'voc'), /p.png and p.jpg would both have their labels in .*p.xml/);
    await rejects(
      writeLabels({ ...table, classes: ['a'] }, `${folder}/t`, 'csv'),
      /y.png: label is 1, expected an integer from 0 to 0/,
    );
    const control = {
      classes: ['\u0001'],
      images: [{ file: 'p.png', width: 1, height: 1, objects: [{ label: 0, box: [0, 0, 1, 1] as const }] }],
    };
    await rejects(
      writeLabels(control, `${folder}/t`, 'voc'),
      /contains the character U\+0001, which XML does not allow/,
    );
  }),
);

test.run();
