// Own label files of the studio: each format is recognised by its text, images are found by path or name, and what is wrong is named.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOwnLabels } from '../../site/studio/own-labels.ts';

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
  test(`reads ${format}`, () => {
    const found = readOwnLabels(files, images);
    assert.equal(found.problems, []);
    assert.is(found.format, format);
    assert.equal(found.table.classes, ['roof']);
    const [image] = found.table.images;
    assert.is(found.table.images.length, 1);
    assert.is(image!.file, 'set/images/a.png');
    assert.equal([image!.width, image!.height], [100, 50]);
    assert.equal([...image!.objects[0]!.box], BOX);
    assert.equal(found.notes.at(-1), '1 of 2 images have no labels and are left out');
  });
}

test('reads YOLO with the names of its classes; images without a file are empty', () => {
  const labels = { path: 'set/labels/a.txt', text: '1 0.2 0.3 0.2 0.4\n' };
  const { table } = readOwnLabels([labels, { path: 'set/data.yaml', text: 'names: [tree, roof]\n' }], images);
  assert.equal(table.classes, ['tree', 'roof']);
  assert.equal(
    table.images.map(({ objects }) => objects.length),
    [1, 0],
  );
  assert.is(table.images[0]!.objects[0]!.label, 1);
  assert.throws(
    () => readOwnLabels([labels], images),
    /set\/labels\/a\.txt is YOLO's text.*add data\.yaml or classes\.txt/,
  );
});

test('classes of several files are joined by their names', () => {
  const csv = (name: string, label: string) => ({
    path: `${name}.csv`,
    text: `image,x1,y1,x2,y2,label\n${name},1,2,3,4,${label}\n`,
  });
  const { table } = readOwnLabels([csv('a', 'roof'), csv('b', 'tree')], images);
  assert.equal(table.classes, ['roof', 'tree']);
  assert.equal(
    table.images.map(({ objects }) => objects.map(({ label }) => label)),
    [[0], [1]],
  );
});

test('names what is wrong: entries, images that are not there, and files without labels', () => {
  const text = 'image,x1,y1,x2,y2,label\na.png,10,5,8,25,roof\nc.png,1,2,3,4,roof\nb.jpg,1,2,3,4,roof\n';
  const { problems, table } = readOwnLabels([{ path: 'boxes.csv', text }], images);
  assert.equal(
    problems.map(({ origin, kind }) => [origin, kind]),
    [
      ['boxes.csv:2', 'degenerate'],
      ['boxes.csv:3', 'image'],
    ],
  );
  assert.match(problems[1]!.reason, /there is no image c\.png among the files/);
  assert.is(table.images.filter(({ objects }) => objects.length > 0).length, 1);
  assert.throws(() => readOwnLabels([], images), /there is no label file among these files: expected COCO/);
});

test.run();
