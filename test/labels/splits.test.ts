import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/imagery/node/png.ts';
import { splitsOf } from '../../src/labels/node/find-splits.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { splitOfPath, splitOfWord, splitWordIn } from '../../src/labels/splits.ts';
import type { LabelProblem } from '../../src/labels/types.ts';
import { featureCollection, inFolder, markedSample, rejects, write } from '../data/support.ts';

const png = await encodePng(markedSample(20, 30, []).image);

/** COCO's JSON with a box in each image. */
const coco = (files: readonly string[], categories: readonly object[] = [{ id: 1, name: 'car' }]): string =>
  JSON.stringify({
    images: files.map((file_name, id) => ({ id, file_name })),
    categories,
    annotations: files.map((_, id) => ({ id, image_id: id, category_id: 1, bbox: [2, 3, 10 + id, 12] })),
  });
const voc = (file: string, [x1, y1, x2, y2] = [3, 4, 12, 15], name = 'car'): string =>
  `<annotation><filename>${file}</filename><object><name>${name}</name><bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin>` +
  `<xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox></object></annotation>`;

/** What is read of a folder: what divides it, and the images of each split as they are read alone. */
async function splitsIn(folder: string): Promise<Record<string, unknown>> {
  const found = await splitsOf(folder);
  const entries: [string, unknown][] = [['by', found?.by]];
  for (const split of found?.names ?? []) {
    const { images, imagesRoot, splits, otherSplits } = await readLabels(folder, { split });
    const files = images.map(({ file }) => file);
    assert.is(imagesRoot, folder);
    assert.equal(splits, { [split]: files });
    assert.not.ok(otherSplits!.some((file) => files.includes(file)));
    entries.push([split, [...files, ...images.flatMap(({ objects }) => objects.map(({ box }) => box.join(' ')))]]);
  }
  return Object.fromEntries(entries);
}

test('words of splits, in folders and in names of files', () => {
  assert.equal(['train', 'Valid', 'val2017', 'TEST', 'training'].map(splitOfWord), [
    'train',
    'val',
    'val',
    'test',
    'train',
  ]);
  assert.equal(['trains', 'train2', 'evaluation', 'testimony'].map(splitOfWord), [null, null, null, null]);
  const files = ['train/a.png', 'images/val/a.png', 'valid/images/a.png', 'a/test/b.png', 'train.png'];
  assert.equal(files.map(splitOfPath), ['train', 'val', 'val', null, null]);
  const names = ['a/instances_train2017.json', 'val.json', 'train_test.csv', 'trainval.json', 'boxes.csv'];
  assert.equal(names.map(splitWordIn), ['train2017', 'val', null, null, null]);
});

test(
  "Roboflow's exports: a folder for each split, with images of the same names",
  inFolder(async (folder) => {
    const labels: Record<string, (path: string) => Promise<unknown>> = {
      coco: (path) => write(path, '_annotations.coco.json', coco(['a.png'])),
      voc: (path) => write(path, 'a.xml', voc('a.png')),
      csv: (path) =>
        write(path, '_annotations.csv', 'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,30,20,car,2,3,12,15\n'),
      'keras-retinanet': async (path) => {
        await write(path, '_annotations.csv', 'a.png,2,3,12,15,car\n');
        await write(path, '_classes.csv', 'car,0\n');
      },
    };
    for (const [format, add] of Object.entries(labels)) {
      const path = `${folder}/${format}`;
      for (const split of ['train', 'valid', 'test']) {
        await write(path, `${split}/a.png`, png);
        await add(`${path}/${split}`);
      }
      assert.equal(await splitsIn(path), {
        by: 'the folders train, valid, test',
        train: ['train/a.png', '2 3 12 15'],
        val: ['valid/a.png', '2 3 12 15'],
        test: ['test/a.png', '2 3 12 15'],
      });
      const all = await readLabels(path);
      assert.is(all.format, format);
      assert.equal(all.splits, { train: ['train/a.png'], val: ['valid/a.png'], test: ['test/a.png'] });
      assert.equal(all.otherSplits, []);
      assert.equal(all.classes, ['car']);
      // A label file is read whole, and alone.
      assert.is(await splitsOf(`${path}/train`), null);
    }
    // Ids of results are those of one COCO file.
    const results = await write(folder, 'results.json', '[{"image_id":0,"category_id":1,"bbox":[1,2,3,4],"score":1}]');
    const one = await readLabels(`${folder}/coco`, { split: 'val' });
    assert.is((await readLabels(results, { like: one })).images[0]!.file, 'valid/a.png');
    await rejects(
      readLabels(`${folder}/coco`).then((like) => readLabels(results, { like })),
      /several COCO files, each with ids of its own.*give that file as `like`/,
    );
    await write(folder, 'coco/test/b.xml', voc('a.png'));
    await rejects(readLabels(`${folder}/coco`), /2 kinds of labels in .*test/);
  }),
);

test(
  'COCO: a label file for each split, with images in folders of the same name',
  inFolder(async (folder) => {
    await write(folder, 'annotations/instances_train2017.json', coco(['a.png', 'b.png']));
    await write(folder, 'annotations/instances_val2017.json', coco(['c.png']));
    await write(folder, 'annotations/captions_train2017.json', '{"images": [], "annotations": []}');
    for (const file of ['train2017/a', 'train2017/b', 'train2017/extra', 'val2017/c', 'test2017/d']) {
      await write(folder, `${file}.png`, png);
    }
    assert.equal(await splitsIn(folder), {
      by: 'instances_train2017.json, instances_val2017.json',
      train: ['train2017/a.png', 'train2017/b.png', '2 3 12 15', '2 3 13 15'],
      val: ['val2017/c.png', '2 3 12 15'],
    });
    // Only an image of the split itself may lack labels.
    const { otherSplits } = await readLabels(folder, { split: 'train' });
    assert.equal(otherSplits, ['test2017/d.png', 'val2017/c.png']);
    await rejects(readLabels(folder, { split: 'test' }), /no labels of a split test, only of train, val/);
    // Images in another folder.
    const { imagesRoot, images } = await readLabels(`${folder}/annotations`, { images: folder, split: 'val' });
    assert.equal([imagesRoot, images[0]!.file], [folder, 'val2017/c.png']);
    // One folder for all images: an image in two files is in two splits.
    await write(folder, 'one/instances_train.json', coco(['a.png', 'b.png']));
    await write(folder, 'one/instances_val.json', coco(['b.png']));
    for (const file of ['a', 'b']) await write(folder, `one/images/${file}.png`, png);
    await rejects(readLabels(`${folder}/one`), /instances_val\.json: image images\/b\.png is in train and in val/);
  }),
);

test(
  "Pascal VOC's ImageSets",
  inFolder(async (folder) => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await write(folder, `JPEGImages/${name}.png`, png);
      if (name !== 'b') await write(folder, `Annotations/${name}.xml`, voc(`${name}.png`));
    }
    await write(folder, 'ImageSets/Main/trainval.txt', 'a\nb\nc\n');
    await write(folder, 'ImageSets/Main/car_val.txt', 'c 1\n');
    await write(folder, 'ImageSets/Main/val.txt', 'c\n');
    await write(folder, 'ImageSets/Main/test.txt', 'd  1\r\n');
    // Without train.txt, those of trainval that are not in val; b has no labels, e is in no list.
    assert.equal(await splitsIn(folder), {
      by: 'ImageSets/Main',
      train: ['JPEGImages/a.png', '2 3 12 15'],
      val: ['JPEGImages/c.png', '2 3 12 15'],
      test: ['JPEGImages/d.png', '2 3 12 15'],
    });
    const { otherSplits, notes } = await readLabels(folder, { split: 'train' });
    assert.equal(otherSplits, ['JPEGImages/c.png', 'JPEGImages/d.png', 'JPEGImages/e.png']);
    assert.equal(notes, ['1 image is in no split of ImageSets/Main']);
    await write(folder, 'ImageSets/Main/train.txt', 'a\nd\nzebra\n');
    await rejects(readLabels(folder, { split: 'train' }), /train\.txt:3: there is no image zebra/);
    const problems: LabelProblem[] = [];
    await readLabels(folder, { onProblem: (problem) => problems.push(problem) });
    assert.equal(
      problems.map(({ origin, reason }) => `${origin.slice(folder.length)}: ${reason}`),
      [
        '/ImageSets/Main/train.txt:3: there is no image zebra',
        '/ImageSets/Main/test.txt:1: image d is in the lists of train and test',
      ],
    );
    await write(folder, 'other/ImageSets/Main/train.txt', 'a\n');
    await rejects(readLabels(folder), /several data sets with ImageSets\/Main/);
  }),
);

test(
  'one set of labels for images in folders of splits',
  inFolder(async (folder) => {
    for (const [split, name] of [
      ['train', 'a'],
      ['val', 'b'],
      ['test', 'c'],
    ] as const) {
      await write(folder, `yolo/images/${split}/${name}.png`, png);
      await write(folder, `yolo/labels/${split}/${name}.txt`, '0 0.5 0.5 0.2 0.4\n');
      if (split !== 'test') await write(folder, `csv/${split}/${name}.png`, png);
    }
    await write(folder, 'yolo/classes.txt', 'car\n');
    assert.equal(await splitsIn(`${folder}/yolo`), {
      by: 'the folders of the images (train, val, test)',
      train: ['images/train/a.png', '12 6 18 14'],
      val: ['images/val/b.png', '12 6 18 14'],
      test: ['images/test/c.png', '12 6 18 14'],
    });
    const rows = ['image,x1,y1,x2,y2,label', 'train/a.png,1,2,3,4,car', 'val/b.png,1,2,3,4,bus'];
    await write(folder, 'csv/boxes.csv', rows.join('\n'));
    assert.equal(await splitsIn(`${folder}/csv`), {
      by: 'the folders of the images (train, val)',
      train: ['train/a.png', '1 2 3 4'],
      val: ['val/b.png', '1 2 3 4'],
    });
    await write(folder, 'csv/test/c.png', png);
    await rejects(readLabels(`${folder}/csv`, { split: 'test' }), /no image of the split test has labels/);
    assert.is(await splitsOf(`${folder}/csv/boxes.csv`), null);
    await rejects(readLabels(`${folder}/csv/boxes.csv`, { split: 'val' }), /has no splits, so that no split val/);
    await write(folder, 'csv/boxes.geojson', featureCollection([]));
    assert.is(await splitsOf(`${folder}/csv`), null, 'labels of two formats have no splits');
  }),
);

test(
  'data.yaml: splits that do not exist, and images of train in another split',
  inFolder(async (folder) => {
    for (const name of ['a', 'b', 'c']) await write(folder, `images/${name}.png`, png);
    await write(folder, 'train.txt', 'images/a.png\nimages/b.png\n');
    await write(folder, 'val.txt', 'images/c.png\n');
    const yaml = (lines: readonly string[]) => write(folder, 'data.yaml', `${lines.join('\n')}\nnames: [car]\n`);
    await yaml(['train: train.txt', 'val: val.txt', 'test: val.txt']);
    assert.equal((await splitsOf(folder))?.names, ['train', 'val', 'test']);
    assert.equal((await readLabels(folder)).splits, { train: ['a.png', 'b.png'], val: ['c.png'], test: ['c.png'] });
    await yaml(['train: train.txt', 'val: missing']);
    assert.equal((await splitsOf(folder))?.names, ['train', 'val']);
    await rejects(
      readLabels(folder, { split: 'val' }),
      /val is missing, which does not exist there; correct data\.yaml/,
    );
    await write(folder, 'val.txt', 'images/b.png\n');
    await yaml(['train: train.txt', 'val: val.txt']);
    await rejects(readLabels(folder, { split: 'train' }), /image b\.png is in train and in val/);
  }),
);

test(
  'classes of several splits; pixels of Pascal VOC that count from 0 in one of them',
  inFolder(async (folder) => {
    for (const split of ['train', 'val']) await write(folder, `${split}/a.png`, png);
    await write(folder, 'train/a.xml', voc('a.png', [0, 4, 12, 15], 'car'));
    await write(folder, 'val/a.xml', voc('a.png', [5, 6, 12, 15], 'bus'));
    const { classes, images, notes } = await readLabels(folder);
    assert.equal(classes, ['bus', 'car']);
    assert.equal(
      images.map(({ objects }) => [classes[objects[0]!.label], objects[0]!.box]),
      [
        ['car', [0, 4, 12, 15]],
        ['bus', [5, 6, 12, 15]],
      ],
    );
    const note = `xmin or ymin is 0 in ${folder}/train/a.xml: corners count from 0, not from 1 as Pascal VOC's do`;
    assert.equal(notes, [note]);
    // All splits count alike, whichever is read.
    const val = await readLabels(folder, { split: 'val' });
    assert.equal([val.images[0]!.objects[0]!.box, val.notes], [[5, 6, 12, 15], [note]]);
    assert.equal((await readLabels(`${folder}/val`)).images[0]!.objects[0]!.box, [4, 5, 12, 15]);
  }),
);

test(
  "Roboflow's category 0, which only groups the others, is left out",
  inFolder(async (folder) => {
    const group = { id: 0, name: 'cars-1', supercategory: 'none' };
    const file = await write(
      folder,
      'a.json',
      coco(['a.png'], [group, { id: 1, name: 'car', supercategory: 'cars-1' }]),
    );
    const { classes, notes, coco: ids } = await readLabels(file);
    assert.equal([classes, [...ids!.categories]], [['car'], [[1, 'car']]]);
    assert.match(
      notes.join(),
      /a\.json: category 0, "cars-1", is left out: no annotation has it, and it is the supercategory/,
    );
    assert.equal((await readLabels(file, { classes: ['cars-1', 'car'] })).classes, ['cars-1', 'car']);
    // A class that only this data set lacks, and one that is annotated.
    const other = await write(folder, 'b.json', coco(['a.png'], [group, { id: 1, name: 'car', supercategory: 'x' }]));
    assert.equal((await readLabels(other)).classes, ['cars-1', 'car']);
    const used = [
      { id: 1, name: 'car' },
      { id: 2, name: 'bus', supercategory: 'car' },
    ];
    assert.equal((await readLabels(await write(folder, 'c.json', coco(['a.png'], used)))).classes, ['car', 'bus']);
  }),
);

test.run();
