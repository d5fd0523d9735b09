import { test } from 'uvu';
import * as assert from 'uvu/assert';
import jpeg from 'jpeg-js';
import { parseCsv } from '../../src/labels/csv-rows.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { describeSample } from '../../src/data/types.ts';
import { boxList, inFolder, markedSample, rejects, write } from './support.ts';

const { image } = markedSample(20, 30, []);
const HEADER = 'image,x1,y1,x2,y2,label';

async function tiles(folder: string, csv: string): Promise<string> {
  for (const name of ['a.png', 'sub/b.png', 'c.png']) await write(folder, name, await encodePng(image));
  await write(folder, 'd.JPG', jpeg.encode({ width: 30, height: 20, data: Buffer.alloc(30 * 20 * 4, 90) }, 90).data);
  await write(folder, 'boxes.csv', csv);
  return folder;
}

test(
  'images, boxes, classes, empty and unlisted images',
  inFolder(async (folder) => {
    await tiles(
      folder,
      `${HEADER}\r\na.png,1,2.5,10,12,roof\r\nsub\\b.png,,,,,\r\n\r\n"a.png", 20 ,10,40.5,15,"car, parked"\r\n./d.JPG,0,0,30,20,roof\r\n`,
    );
    const dataset = await openDataset(folder);
    assert.equal(dataset.classes, ['car, parked', 'roof']);
    assert.equal(dataset.ids, ['a.png', 'd.JPG', 'sub/b.png']);
    const a = await dataset.get(0);
    assert.equal(boxList(a), [
      [1, 2.5, 10, 12],
      [20, 10, 30, 15],
    ]);
    assert.equal([...a.labels], [1, 0]);
    assert.equal(packedBytes(a.image), packedBytes(image));
    assert.equal((await dataset.get(1)).image.shape, [20, 30, 3]);
    assert.equal(boxList(await dataset.get(2)), []);
    await rejects(dataset.get(3), /index 3, expected 0 to 2/);
    assert.equal(dataset.report, {
      format: 'csv',
      labels: `${folder}/boxes.csv`,
      images: folder,
      missingLabels: ['c.png'],
      objects: 3,
      dropped: { crowd: 0, difficult: 0, otherClasses: 0, outsideArea: 0 },
      bits: 8,
      notes: [],
    });
    const { width, height, ...described } = await describeSample(dataset, 0);
    assert.equal([width, height], [30, 20]);
    assert.equal(described, { id: 'a.png', boxes: a.boxes, labels: a.labels });
    assert.equal((await openDataset(folder, { missingLabels: 'empty' })).ids, ['a.png', 'c.png', 'd.JPG', 'sub/b.png']);
    await rejects(
      openDataset(folder, { missingLabels: 'error' }),
      /1 image in .* without labels in .*boxes.csv: c.png/,
    );
    const given = await openDataset(folder, { classes: ['roof', 'tree', 'car, parked'] });
    assert.equal([...(await given.get(0)).labels], [0, 2]);
    await rejects(openDataset(folder, { classes: ['roof'] }), /boxes.csv:5: class "car, parked" is none of roof/);
  }),
);

test(
  'columns may come in another order and with others',
  inFolder(async (folder) => {
    await tiles(folder, 'label,x1,x2,y1,y2,source,image\nroof,1,5,2,6,me,a.png\n');
    assert.equal(boxList(await (await openDataset(folder)).get(0)), [[1, 2, 5, 6]]);
  }),
);

test(
  'errors name file and line',
  inFolder(async (folder) => {
    const open = async (...rows: string[]): Promise<unknown> =>
      openDataset(await tiles(folder, [HEADER, 'a.png,1,1,5,5,roof', ...rows].join('\n')));
    await rejects(open('a.png,1,1,5,5'), /boxes.csv:3: 5 fields, expected 6/);
    await rejects(open('a.png,1,x,5,5,roof'), /boxes.csv:3: y1 is "x", expected a number/);
    await rejects(open('a.png,1,,5,5,roof'), /boxes.csv:3: y1 is "", expected a number/);
    await rejects(open('a.png,1,1,Infinity,5,roof'), /boxes.csv:3: x2 is "Infinity"/);
    await rejects(open('', 'a.png,5,1,1,5,roof'), /boxes.csv:4: box 5, 1, 1, 5 is empty, expected x2 > x1 and y2 > y1/);
    await rejects(open('a.png,1,1,5,5,'), /boxes.csv:3: label is empty/);
    await rejects(open(',1,1,5,5,roof'), /boxes.csv:3: image is empty/);
    await rejects(open('none.png,1,1,5,5,roof'), /boxes.csv:3: there is no image none.png in [^;]*$/);
    await rejects(
      open('sub/A.jpg,1,1,5,5,roof'),
      /no image sub\/A.jpg in .*; there is a.png, which differs in folder and ext/,
    );
    for (const outside of ['../x.png', '/etc/x.png', 'C:\\x.png', 'sub/../../x.png', 's3://bucket/x.png']) {
      await rejects(open(`${outside},1,1,5,5,roof`), /boxes.csv:3: image .* is outside the folder of the images/);
    }
    await rejects(open('"a.png,1,1,5,5,roof'), /boxes.csv:3: a double quote is not closed/);
    await rejects(open('a.png,1,1,5,5,"two\nlines"', 'a.png,1,1,5,x,roof'), /boxes.csv:5: y2 is "x"/);
    const beside = (await open('a.png,40,1,50,5,roof')) as Awaited<ReturnType<typeof openDataset>>;
    await rejects(beside.get(0), /boxes.csv:3: box 40, 1, 50, 5 lies outside a.png of 30 x 20 pixels/);
    await rejects(
      openDataset(await tiles(folder, 'picture,x1,y1,x2,y2,label\na.png,1,1,5,5,roof\n')),
      /boxes.csv:1: the header is .*expected the columns image,x1,y1,x2,y2,label/,
    );
    await rejects(openDataset(await tiles(folder, '')), /boxes.csv: the file is empty/);
    await rejects(openDataset(await tiles(folder, `${HEADER}\n`)), /boxes.csv names no image/);
  }),
);

test(
  'which CSV',
  inFolder(async (folder) => {
    await rejects(openDataset(folder, { format: 'csv' }), /no csv labels in .* \(0 files: 0 images/);
    await tiles(folder, `${HEADER}\na.png,1,1,5,5,roof\n`);
    await write(folder, 'other.csv', `${HEADER}\nc.png,,,,,\n`);
    await rejects(
      openDataset(folder),
      /2 kinds of labels in .*boxes.csv \(csv\), .*other.csv \(csv\): give one of them/,
    );
    assert.equal((await openDataset(`${folder}/other.csv`)).ids, ['c.png']);
    await rejects(
      openDataset(`${folder}/other.csv`, { labels: 'csv' }),
      /is no SpaceNet tree, so these options do not apply: labels/,
    );
  }),
);

test(
  'a folder in no known layout says what was looked for',
  inFolder(async (folder) => {
    await rejects(openDataset(`${folder}/none`), /openDataset: .*none does not exist/);
    await write(folder, 'readme.txt', 'x');
    await write(folder, 'deep/a.png', await encodePng(image));
    await rejects(
      openDataset(folder),
      /holds 2 files \(1 images, 0 .json, 0 .xml, 1 .txt, 0 .csv, 0 .geojson\) in no known layout. Expected SpaceNet's\n[^]*RGB-PanSharpen[^]*or images with labels in one of these formats\n[^]*coco: [^]*voc: [^]*image,x1,y1,x2,y2,label/,
    );
  }),
);

test('CSV: quotes, line ends, long fields', () => {
  const long = `POLYGON ((${'1 2,'.repeat(200_000)}1 2))`;
  const rows = parseCsv(`a,b\n"x ""y"", z","${long}"\r\n1,`, 'n.csv', ['a', 'b']);
  assert.equal(
    rows.map((row) => row.line),
    [2, 3],
  );
  assert.is(rows[0]?.fields['a'], 'x "y", z');
  assert.is(rows[0]?.fields['b'], long);
  assert.equal({ ...rows[1]?.fields }, { a: '1', b: '' });
  assert.throws(() => parseCsv('a\nx"y\n', 'n.csv', ['a']), /n.csv:2: a double quote/);
});

test.run();
