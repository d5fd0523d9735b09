import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/common/errors.ts';
import { writableFormats } from '../../src/labels/formats.ts';
import { labelTexts } from '../../src/labels/label-texts.ts';
import type { LabelTable } from '../../src/labels/types.ts';

// Which files a table is written to, without writing them: the content of each is the business of its format.

const table: LabelTable = {
  classes: ['roof'],
  images: ['a/one.png', 'two.tif'].map((file) => ({
    file,
    width: 20,
    height: 10,
    objects: [{ label: 0, box: [1, 2, 5, 6], score: 0.5 }],
  })),
};
const placeOf = () => ({ affine: [1, 0, 100, 0, -1, 200], epsg: 32611, geographic: false }) as const;

test('each format has its usual files, or those that the caller names', () => {
  const usual = {
    coco: ['instances.json'],
    'coco-results': ['results.json'],
    csv: ['boxes.csv'],
    deepforest: ['boxes.csv'],
    'keras-retinanet': ['boxes.csv', 'boxes-classes.csv'],
    'spacenet-csv': ['summary.csv'],
    voc: ['Annotations/a/one.xml', 'Annotations/two.xml'],
    yolo: ['labels/a/one.txt', 'labels/two.txt', 'data.yaml'],
    geojson: ['a/one.geojson', 'two.geojson'],
  };
  const named = {
    coco: ['out/x'],
    'coco-results': ['out/x'],
    csv: ['out/x'],
    deepforest: ['out/x'],
    'keras-retinanet': ['out/x', 'out/x-classes.csv'],
    'spacenet-csv': ['out/x'],
    voc: ['out/x/a/one.xml', 'out/x/two.xml'],
    yolo: ['out/x/labels/a/one.txt', 'out/x/labels/two.txt', 'out/x/data.yaml'],
    geojson: ['out/x/a/one.geojson', 'out/x/two.geojson'],
  };
  for (const format of writableFormats) {
    const pathsOf = (options: object) => labelTexts(table, format, { placeOf, ...options }).map(({ path }) => path);
    assert.equal(pathsOf({}), usual[format], format);
    assert.equal(pathsOf({ out: 'out/x' }), named[format], format);
  }
});

test('GeoJSON is in the coordinates of the map', () => {
  const [, { text }] = labelTexts(table, 'geojson', { placeOf }) as unknown as [unknown, { text: string }];
  const { crs, features } = JSON.parse(text);
  assert.is(crs.properties.name, 'urn:ogc:def:crs:EPSG::32611');
  assert.equal(features[0].properties, { label: 'roof', score: 0.5 });
  assert.equal(features[0].geometry.coordinates[0][0], [101, 198]);
});

test('names what cannot be written', () => {
  const unsized = { ...table, images: table.images.map((image) => ({ ...image, width: null })) };
  const alike = { ...table, images: ['a.png', 'a.jpg'].map((file) => ({ ...table.images[0]!, file })) };
  const input = (message: RegExp) => (error: unknown) => error instanceof InputError && message.test(error.message);
  assert.throws(() => labelTexts(unsized, 'yolo'), input(/YOLO needs the size of a\/one\.png/));
  assert.throws(() => labelTexts(table, 'geojson'), input(/a\/one\.png has no georeference/));
  assert.throws(() => labelTexts(alike, 'voc'), input(/a\.png and a\.jpg would both have .* Annotations\/a\.xml/));
  assert.throws(() => labelTexts(table, 'xml' as 'voc'), /format is "xml", expected one of/);
  const degenerate = {
    ...table,
    images: [{ ...table.images[0]!, objects: [{ label: 1, box: [1, 2, 5, 6] as const }] }],
  };
  assert.throws(() => labelTexts(degenerate, 'csv'), /label is 1, expected an integer from 0 to 0/);
});

test.run();
