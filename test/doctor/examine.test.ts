import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listBoxes, type Box } from '../../src/imagery/geometry.ts';
import type { LabelTable } from '../../src/labels/types.ts';
import { encodePng, readPng } from '../../src/imagery/node/png.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { writeSyntheticSpaceNet } from '../../src/synthetic/node/write-spacenet.ts';
import { Random } from '../../src/common/random.ts';
import { examine } from '../../src/doctor/examine.ts';
import { examineFiles, type ExamineFilesOptions } from '../../src/doctor/node/examine-files.ts';
import { steppedSizes } from '../../src/detector/fit-anchors.ts';
import { examinationText } from '../../src/doctor/text.ts';
import { writeExamination } from '../../src/doctor/node/write.ts';
import { presets, retinaNetSpec } from '../../src/index.ts';
import { inFolder, rejects, write } from '../data/support.ts';
import { randomBoxes, smallSpec } from '../detector/support.ts';
import { blotches, findingOf, inventoryOf, itemOf, kinds, objectAt } from './support.ts';

/** A data set of 12 PNG images of 96 x 64 pixels with three boxes each. */
async function makeData(folder: string): Promise<LabelTable> {
  const random = new Random('examine');
  const images = [];
  for (let i = 0; i < 12; i++) {
    const file = `tiles/${'abcdefghijkl'[i]}.png`;
    await write(folder, file, await encodePng(blotches(i, 96, 64)));
    const objects = randomBoxes(random, 3, 20, 96, 64).map((box, k) => objectAt(box, k % 2));
    images.push({ file, width: 96, height: 64, objects });
  }
  return { classes: ['car', 'house'], images };
}

const base = { format: 'csv', spec: smallSpec } as const;

test(
  'a healthy data set has no findings, and the same examination each time',
  inFolder(async (folder) => {
    const table = await makeData(folder);
    const options: ExamineFilesOptions = { ...base, table, imagesRoot: folder };
    const progress: string[] = [];
    const examination = await examineFiles({
      ...options,
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    assert.equal(examination.findings, []);
    assert.is(examination.worst, null);
    assert.is(progress.at(-1), '12/12');
    assert.equal([examination.images, examination.boxes], [12, 36]);
    assert.is(examination.train + examination.heldOut, 12);
    assert.ok(examination.heldOut > 0);
    assert.equal(await examineFiles(options), examination);
    assert.equal(JSON.parse(JSON.stringify(examination)), examination, 'plain data');
    assert.match(examinationText(examination), 'No problems found.');
  }),
);

test(
  'everything that is wrong is collected, errors first, and is in the text and the files',
  inFolder(async (folder) => {
    const table = await makeData(folder);
    const [first, second, ...rest] = table.images;
    const images = [
      { ...first!, objects: [...first!.objects, objectAt([200, 10, 220, 30]), objectAt([10, 10, 10, 30])] },
      { ...second!, width: 192, height: 128 },
      ...rest,
      { file: 'tiles/gone.png', width: 96, height: 64, objects: [] },
    ];
    const classes = [...table.classes, 'House'];
    await write(folder, 'tiles/new.png', await encodePng(blotches(99, 96, 64)));
    await write(folder, 'tiles/l.png', (await readFile(join(folder, 'tiles/l.png'))).subarray(0, 500));
    const examination = await examineFiles({
      ...base,
      table: { classes, images },
      imagesRoot: folder,
      problems: [{ kind: 'class', file: 'b.csv', origin: 'b.csv:9', reason: 'class "bus" is none of car, house' }],
      pictures: 3,
    });
    const found = kinds(examination.findings);
    for (const kind of [
      'label-class',
      'image-missing',
      'image-truncated',
      'image-size',
      'box-degenerate',
      'box-outside',
      'class-spelling',
      'class-unused',
      'image-unlabelled',
    ])
      assert.ok(found.includes(kind), `${kind} among ${found}`);
    assert.is(examination.worst, 'error');
    const ranks = examination.findings.map(({ severity }) => ['error', 'warning', 'note'].indexOf(severity));
    assert.equal(
      ranks,
      [...ranks].sort((a, b) => a - b),
    );
    assert.ok(
      examination.findings.every(({ message, remedy, where, count }) => message && remedy && where && count > 0),
    );

    const text = examinationText(examination);
    for (const { message, remedy, kind } of examination.findings) {
      assert.ok(text.includes(message) && text.includes(remedy) && text.includes(`[${kind}]`));
    }
    assert.not.match(text, /NaN|undefined|Infinity/);
    const files = await writeExamination(examination, join(folder, 'out'));
    assert.equal(files.length, 5);
    assert.equal(JSON.parse(await readFile(join(folder, 'out/examination.json'), 'utf8')).worst, 'error');
    const sheet = await readPng(join(folder, 'out/anchors.png'));
    const single = await readPng(files[1]!);
    assert.ok(sheet.shape[1]! >= 3 * single.shape[1]!);
  }),
);

test(
  'boxes that were read wrongly hide what only follows from them',
  inFolder(async (folder) => {
    const { classes, images } = await makeData(folder);
    const normalised = images.map((image) => ({
      ...image,
      objects: image.objects.map(({ label, box: [x1, y1, x2, y2] }) =>
        objectAt([x1 / 96, y1 / 64, x2 / 96, y2 / 64], label),
      ),
    }));
    const { findings, recommendations } = await examineFiles({
      ...base,
      table: { classes, images: normalised },
      imagesRoot: folder,
    });
    assert.is(findings[0]?.kind, 'box-normalised');
    assert.not.ok(kinds(findings).some((kind) => kind.startsWith('anchor') || kind.startsWith('object')));
    assert.equal(recommendations, []);
  }),
);

test(
  'a separate validation set is examined and compared',
  inFolder(async (folder) => {
    const table = await makeData(folder);
    const twin = {
      classes: ['house', 'car'],
      images: [{ ...table.images[0]!, objects: [objectAt([500, 5, 520, 25])] }],
    };
    const validation = { table: twin, imagesRoot: folder, format: 'csv' };
    const problems = [{ kind: 'syntax', file: 'b.csv', origin: 'b.csv:3', reason: '4 fields, expected 6' }] as const;
    const { findings, train, heldOut } = await examineFiles({
      ...base,
      table,
      imagesRoot: folder,
      problems,
      validation,
    });
    assert.equal([train, heldOut], [12, 1]);
    assert.equal(kinds(findings), ['label-syntax', 'class-order', 'box-outside', 'leak-identical']);
    assert.match(findingOf(findings, 'box-outside').where, 'validation: tiles/a.png');
  }),
);

test('an inventory is examined without files', async () => {
  const items = Array.from({ length: 4 }, (_, i) => {
    const boxes = randomBoxes(new Random('inventory', i), 5, 20, 96, 64);
    return itemOf(
      `${i}.png`,
      96,
      64,
      boxes.map((box) => objectAt(box)),
    );
  });
  const data = { imagesRoot: 'nowhere', format: 'csv' };
  const split = { train: [0, 1, 2], heldOut: [3] };
  const own = await examine({ ...base, ...data, inventory: inventoryOf(items), split });
  assert.equal([own.findings, own.train, own.heldOut, own.boxes], [[], 3, 1, 20]);
  assert.ok(own.cost?.limitIsAssumed);
  const validation = { ...data, inventory: inventoryOf(items.slice(0, 1)) };
  const { findings } = await examine({ ...base, ...data, inventory: inventoryOf(items), validation });
  assert.equal(
    kinds(findings),
    ['class-few', 'leak-identical'].filter((kind) => kinds(findings).includes(kind)),
  );
  assert.is(findingOf(findings, 'leak-identical').count, 1);
});

test(
  'options that do not fit reject',
  inFolder(async (folder) => {
    const table = await makeData(folder);
    const options = { ...base, table, imagesRoot: folder };
    const split = { train: [0, 12], heldOut: [1] };
    await rejects(examineFiles({ ...options, split }), /an index of the split is 12, expected an integer from 0 to 11/);
    await rejects(examineFiles({ ...options, pictures: 1.5 }), /pictures is 1.5, expected an integer >= 0/);
    await rejects(
      examineFiles({ ...options, split, validation: { table, imagesRoot: folder, format: 'csv' } }),
      /a split and a validation set are given, expected one of the two/,
    );
  }),
);

test(
  'without images, without boxes or without a readable file there is an examination, too',
  inFolder(async (folder) => {
    const none = await examineFiles({
      ...base,
      table: { classes: [], images: [] },
      imagesRoot: join(folder, 'nowhere'),
    });
    assert.equal(kinds(none.findings), ['class-none']);
    assert.equal(
      [none.sizes, none.suggestion, none.cost, none.recommendations, none.pictures],
      [null, null, null, [], []],
    );
    assert.match(examinationText(none), 'The labels contain no boxes');
    assert.equal(await writeExamination(none, join(folder, 'out')), [join(folder, 'out/examination.json')]);
    const images = [{ file: 'a.png', width: null, height: null, objects: [objectAt([1, 1, 9, 9] as Box)] }];
    const gone = await examineFiles({ ...base, table: { classes: ['a'], images }, imagesRoot: folder });
    assert.equal(kinds(gone.findings), ['image-missing', 'class-few']);
    assert.not.match(examinationText(gone), /NaN|undefined|Infinity/);
  }),
);

test(
  "synthetic tiles: the anchors of the example suit them, the paper's miss small roofs",
  inFolder(async (folder) => {
    const path = await writeSyntheticSpaceNet({ out: folder, chips: 24 });
    const dataset = await openSpaceNet(path);
    const images = [];
    for (let i = 0; i < dataset.ids.length; i++) {
      const sample = await dataset.get(i);
      const objects = listBoxes(sample).map((box) => objectAt(box));
      images.push({ file: `RGB-PanSharpen/RGB-PanSharpen_${sample.id}.tif`, width: null, height: null, objects });
    }
    const options = { table: { classes: dataset.classes, images }, imagesRoot: path, format: 'spacenet' };
    const spec = retinaNetSpec('torchvision', {
      backbone: { depth: 18, width: 16, norm: 'batch' },
      anchors: { sizes: steppedSizes(11) },
      transform: { minSize: null },
    });
    const good = await examineFiles({ ...options, spec });
    assert.equal(good.findings, []);
    const bad = await examineFiles({ ...options, spec: { ...spec, anchors: presets.paper.anchors } });
    assert.equal(kinds(bad.findings), ['anchor-unreached', 'anchor-rescued']);
    const { before, after, withSmallestAnchor } = bad.suggestion!;
    assert.ok(after.belowHigh < before.belowHigh / 2 && withSmallestAnchor.belowHigh < before.belowHigh / 2);
    // Images with most unreached boxes come first.
    const missed = bad.pictures.map(({ boxes }) => boxes.filter(({ iou }) => iou < 0.5).length);
    assert.equal(
      missed,
      [...missed].sort((a, b) => b - a),
    );
    assert.ok(missed[0]! > 0);
  }),
);

test.run();
