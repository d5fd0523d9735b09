import { test } from 'uvu';
import * as assert from 'uvu/assert';
import jpeg from 'jpeg-js';
import { parseCsv } from '../../src/data/csv.ts';
import { packedBytes } from '../../src/data/image.ts';
import { openFolder } from '../../src/data/node/folder.ts';
import { openDataset } from '../../src/data/node/open.ts';
import { encodePng } from '../../src/data/node/png.ts';
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
    assert.equal((dataset as Awaited<ReturnType<typeof openFolder>>).report, {
      csv: `${folder}/boxes.csv`,
      missingLabels: ['c.png'],
    });
    assert.equal((await openFolder(folder, { missingLabels: 'empty' })).ids, ['a.png', 'c.png', 'd.JPG', 'sub/b.png']);
    await rejects(openFolder(folder, { missingLabels: 'error' }), /1 images in .* are not named in .*boxes.csv: c.png/);
    const given = await openFolder(folder, { classes: ['roof', 'tree', 'car, parked'] });
    assert.equal([...(await given.get(0)).labels], [0, 2]);
    await rejects(openFolder(folder, { classes: ['roof'] }), /boxes.csv:5: class "car, parked" is none of roof/);
  }),
);

test(
  'columns may come in another order and with others',
  inFolder(async (folder) => {
    await tiles(folder, 'label,x1,x2,y1,y2,source,image\nroof,1,5,2,6,me,a.png\n');
    assert.equal(boxList(await (await openFolder(folder)).get(0)), [[1, 2, 5, 6]]);
  }),
);

test(
  'errors name file and line',
  inFolder(async (folder) => {
    const open = async (...rows: string[]): Promise<unknown> =>
      openFolder(await tiles(folder, [HEADER, 'a.png,1,1,5,5,roof', ...rows].join('\n')));
    await rejects(open('a.png,1,1,5,5'), /boxes.csv:3: 5 fields, expected 6/);
    await rejects(open('a.png,1,x,5,5,roof'), /boxes.csv:3: y1 is "x", expected a number/);
    await rejects(open('a.png,1,,5,5,roof'), /boxes.csv:3: y1 is "", expected a number/);
    await rejects(open('a.png,1,1,Infinity,5,roof'), /boxes.csv:3: x2 is "Infinity"/);
    await rejects(open('', 'a.png,5,1,1,5,roof'), /boxes.csv:4: box 5, 1, 1, 5 is empty, expected x2 > x1 and y2 > y1/);
    await rejects(open('a.png,1,1,5,5,'), /boxes.csv:3: label is empty/);
    await rejects(open(',1,1,5,5,roof'), /boxes.csv:3: image is empty/);
    await rejects(open('none.png,1,1,5,5,roof'), /boxes.csv:3: there is no image none.png/);
    for (const outside of ['../a.png', '/etc/a.png', 'C:\\a.png', 'sub/../../a.png']) {
      await rejects(open(`${outside},1,1,5,5,roof`), /boxes.csv:3: image .* lies outside the folder/);
    }
    await rejects(open('"a.png,1,1,5,5,roof'), /boxes.csv:3: a double quote is not closed/);
    await rejects(open('a.png,1,1,5,5,"two\nlines"', 'a.png,1,1,5,x,roof'), /boxes.csv:5: y2 is "x"/);
    const beside = (await open('a.png,40,1,50,5,roof')) as Awaited<ReturnType<typeof openFolder>>;
    await rejects(beside.get(0), /boxes.csv:3: box 40, 1, 50, 5 lies outside a.png of 30 x 20 pixels/);
    await rejects(
      openFolder(await tiles(folder, 'a.png,1,1,5,5,roof\n')),
      /boxes.csv:1: the header is .*expected the columns image,x1,y1,x2,y2,label/,
    );
    await rejects(openFolder(await tiles(folder, '')), /boxes.csv: the file is empty/);
    await rejects(openFolder(await tiles(folder, `${HEADER}\n`)), /names no image. Expected\n/);
  }),
);

test(
  'which CSV',
  inFolder(async (folder) => {
    await rejects(openFolder(folder), /no .csv file in .* Expected a folder such as\n/);
    await tiles(folder, `${HEADER}\na.png,1,1,5,5,roof\n`);
    await write(folder, 'other.csv', `${HEADER}\nc.png,,,,,\n`);
    await rejects(openDataset(folder), /2 .csv files in .* \(boxes.csv, other.csv\): choose one with `csv`/);
    assert.equal((await openDataset(folder, { csv: 'other.csv' })).ids, ['c.png']);
    await rejects(
      openDataset(folder, { csv: 'other.csv', labels: 'csv' }),
      /is a folder of images with a CSV, for which there is no option labels/,
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
      /holds 2 files \(0 .tif, 1 .png or .jpg, 0 .geojson, 0 .csv\) in no known layout. Expected SpaceNet's\n[^]*RGB-PanSharpen[^]*or images beside a CSV of boxes\n[^]*image,x1,y1,x2,y2,label/,
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
