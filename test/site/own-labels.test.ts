// Own label files of the studio: each format is recognised by its text, images are found by path or name, and what is wrong is named.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejects } from '../support/errors.ts';
import { countBoxed, readOwnLabels } from '../../site/studio/own-labels.ts';

const images = ['set/images/a.png', 'set/images/b.jpg'].map((file) => ({ file, width: 100, height: 50 }));
const BOX = [10, 5, 30, 25];

const coco = JSON.stringify({
  images: [{ id: 1, file_name: 'a.png', width: 100, height: 50 }],
  categories: [{ id: 1, name: 'roof' }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [10, 5, 20, 20] }],
});
const voc =
  '<annotation><filename>a.png</filename><object><name>roof</name><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>25</ymax></bndbox></object></annotation>';
const labelMe = JSON.stringify({
  shapes: [
    {
      label: 'roof',
      points: [
        [10, 5],
        [30, 25],
      ],
      shape_type: 'rectangle',
    },
  ],
  imagePath: 'a.png',
});
const cvat =
  '<annotations><image name="a.png" width="100" height="50"><box label="roof" xtl="10" ytl="5" xbr="30" ybr="25"/></image></annotations>';

for (const [format, files] of Object.entries({
  coco: [{ path: 'set/instances.json', text: coco }],
  csv: [{ path: 'boxes.csv', text: 'image,x1,y1,x2,y2,label\nimages/a.png,10,5,30,25,roof\n' }],
  voc: [{ path: 'set/Annotations/a.xml', text: voc }],
  cvat: [{ path: 'annotations.xml', text: cvat }],
  labelme: [{ path: 'set/images/a.json', text: labelMe }],
  dota: [{ path: 'set/labelTxt/a.txt', text: '10 5 30 5 30 25 10 25 roof 0\n' }],
})) {
  test(`reads ${format}`, async () => {
    const found = await readOwnLabels(files, images);
    assert.equal(found.problems, []);
    assert.is(found.format, format);
    assert.equal(found.classes, ['roof']);
    const [image] = found.images;
    assert.is(found.images.length, 1);
    assert.is(image!.file, 'set/images/a.png');
    assert.equal([...image!.objects[0]!.box], BOX);
    assert.equal(found.notes.at(-1), '1 of 2 images have no labels yet');
  });
}

test('YOLO: classes by data.yaml, otherwise by number; an image without a file has no objects', async () => {
  const labels = { path: 'set/labels/a.txt', text: '1 0.2 0.3 0.2 0.4\n' };
  const named = await readOwnLabels([labels, { path: 'set/data.yaml', text: 'names: [tree, roof]\n' }], images);
  assert.equal(named.classes, ['tree', 'roof']);
  assert.equal(
    named.images.map(({ objects, isNamed }) => [objects.length, isNamed]),
    [
      [1, true],
      [0, false],
    ],
  );
  assert.is(named.images[0]!.objects[0]!.label, 1);
  assert.match(named.notes[0]!, /1 of 2 images have no label file, and so no objects/);
  const numbered = await readOwnLabels([labels], images);
  assert.equal(numbered.classes, ['class 0', 'class 1']);
  assert.match(numbered.notes[0]!, /no data\.yaml or classes\.txt names the classes/);
});

test('labels beside folders of the same names find the image of their own folder', async () => {
  const alike = ['x', 'y'].map((folder) => ({ file: `${folder}/images/1.png`, width: 10, height: 10 }));
  const files = ['x', 'y'].map((folder, i) => ({ path: `${folder}/labels/1.txt`, text: `${i} 0.5 0.5 0.2 0.2\n` }));
  const { images: read, problems } = await readOwnLabels(files, alike);
  assert.equal(problems, []);
  assert.equal(
    read.map(({ file, objects }) => [file, objects[0]!.label]),
    [
      ['x/images/1.png', 0],
      ['y/images/1.png', 1],
    ],
  );
});

test('COCO results have the ids of a COCO file beside them, otherwise positions', async () => {
  const results = (image_id: number, category_id: number) =>
    JSON.stringify([{ image_id, category_id, bbox: [10, 5, 20, 20], score: 0.5 }]);
  const truth = { path: 'instances.json', text: coco.replaceAll('"id":1', '"id":7').replaceAll('_id":1', '_id":7') };
  const beside = await readOwnLabels([truth, { path: 'results.json', text: results(7, 7) }], images);
  assert.equal(
    beside.images[0]!.objects.map(({ score }) => score),
    [undefined, 0.5],
  );
  const alone = await readOwnLabels([{ path: 'results.json', text: results(2, 2) }], images, ['tree', 'roof']);
  assert.equal([alone.images[0]!.file, alone.images[0]!.objects[0]!.label], ['set/images/b.jpg', 1]);
});

test('classes follow those that are known, and those of several files are joined by their names', async () => {
  const csv = (name: string, label: string) => ({
    path: `${name}.csv`,
    text: `image,x1,y1,x2,y2,label\n${name},1,2,3,4,${label}\n`,
  });
  const { classes, images: read } = await readOwnLabels([csv('a', 'roof'), csv('b', 'tree')], images, ['tree']);
  assert.equal(classes, ['tree', 'roof']);
  assert.equal(
    read.map(({ objects }) => objects.map(({ label }) => label)),
    [[1], [0]],
  );
});

test('names what is wrong: entries, images that are not there, and files without labels', async () => {
  const text = 'image,x1,y1,x2,y2,label\na.png,10,5,8,25,roof\nc.png,1,2,3,4,roof\nb.jpg,1,2,3,4,roof\n';
  const { problems, images: read } = await readOwnLabels([{ path: 'boxes.csv', text }], images);
  assert.equal(
    problems.map(({ origin, kind }) => [origin, kind]),
    [
      ['boxes.csv:2', 'degenerate'],
      ['boxes.csv:3', 'image'],
    ],
  );
  assert.match(problems[1]!.reason, /there is no image c\.png here/);
  assert.is(read.filter(({ objects }) => objects.length > 0).length, 1);
  assert.is((await readOwnLabels([{ path: 'x.doc', text: '' }], images)).format, '');
  await rejects(readOwnLabels([{ path: 'x.json', text: '{' }], images), /x\.json/);
});

const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y - side],
  [x, y - side],
  [x, y],
];
const layer = (x: number, y: number): string =>
  JSON.stringify({
    type: 'FeatureCollection',
    crs: { type: 'name', properties: { name: 'EPSG:32616' } },
    features: [
      {
        type: 'Feature',
        properties: { class: 'roof' },
        geometry: { type: 'Polygon', coordinates: [square(x, y, 10)] },
      },
    ],
  });
/** Half a metre per pixel, from 700,000 east and 3,700,000 north on. */
const place = { affine: [0.5, 0, 700_000, 0, -0.5, 3_700_000] as const, epsg: 32616, geographic: false };

test('GeoJSON is placed on images by their coordinates, and one file for each image on that one', async () => {
  const placed = images.map((image) => ({ ...image, place }));
  const text = layer(700_005, 3_699_990);
  const both = await readOwnLabels([{ path: 'roofs.geojson', text }], placed);
  assert.equal(
    both.images.map(({ file, objects }) => [file, ...objects.map(({ box }) => [...box])]),
    images.map(({ file }) => [file, [10, 20, 30, 40]]),
  );
  assert.is(both.format, 'geojson');
  const one = await readOwnLabels([{ path: 'set/labels/a.geojson', text }], placed);
  assert.equal(
    one.images.map(({ file }) => file),
    ['set/images/a.png'],
  );
});

test('GeoJSON without images on the map, elsewhere, or that is none says what is missing', async () => {
  const placed = images.map((image) => ({ ...image, place }));
  const text = layer(800_000, 3_699_990);
  await rejects(
    readOwnLabels([{ path: 'roofs.geojson', text }], images),
    /2 images, none with a georeference, so that roofs\.geojson cannot be placed: GeoJSON has coordinates on the map/,
  );
  await rejects(
    readOwnLabels([{ path: 'roofs.geojson', text }], placed),
    /no feature of roofs\.geojson lies on an image: its bounds are 800000, .* in EPSG:32616, those of set\/images\/a\.png are 700000, .* in EPSG:32616/,
  );
  await rejects(readOwnLabels([{ path: 'roofs.geojson', text: '{"type":' }], placed), /roofs\.geojson: /);
});

test('images that are not annotated, and images without objects, do not count as images with boxes', () => {
  assert.is(countBoxed([{ objects: [1, 2] }, { objects: [3] }, { objects: [] }, { objects: null }]), 2);
});

test.run();
