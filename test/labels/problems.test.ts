import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelFormat } from '../../src/labels/formats.ts';
import { LabelError, originText } from '../../src/labels/problems.ts';
import type { LabelProblem } from '../../src/labels/types.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { inFolder, markedSample, rejects, write } from '../data/support.ts';

/** Reads a file with one problem: it is thrown without `onProblem`, otherwise reported and the rest is read. */
async function broken(
  path: string,
  format: LabelFormat,
  kind: LabelProblem['kind'],
  pattern: RegExp,
  { objects, images, ...options }: { objects: number; images?: string; classes?: string[] },
): Promise<void> {
  const reading = { format, ...options, ...(images === undefined ? {} : { images }) };
  await rejects(readLabels(path, reading), pattern);
  const problems: LabelProblem[] = [];
  const table = await readLabels(path, { ...reading, onProblem: (problem) => problems.push(problem) });
  assert.is(problems.length, 1, JSON.stringify(problems));
  const [problem] = problems as [LabelProblem];
  assert.is(problem.kind, kind);
  assert.match(`${problem.origin}: ${problem.reason}`, pattern);
  assert.is(originText(problem), problem.origin);
  assert.is(
    table.images.reduce((sum, image) => sum + image.objects.length, 0),
    objects,
  );
}

async function problemsOf(path: string): Promise<LabelProblem[]> {
  const problems: LabelProblem[] = [];
  await readLabels(path, { onProblem: (problem) => problems.push(problem) });
  return problems;
}

const GOOD = { id: 7, image_id: 1, category_id: 3, bbox: [1, 2, 3, 4] };
function coco(change: Record<string, unknown>, annotations: unknown[] = [GOOD]): string {
  return JSON.stringify({
    images: [{ id: 1, file_name: 'a.png', width: 30, height: 20 }],
    categories: [{ id: 3, name: 'roof' }],
    annotations,
    ...change,
  });
}

test(
  'COCO: invalid entries are reported with their place',
  inFolder(async (folder) => {
    const at = (text: string): Promise<string> => write(folder, 'x.json', text);
    const bad = (change: Record<string, unknown>): Promise<string> =>
      at(coco({}, [GOOD, { ...GOOD, id: 8, ...change }]));
    const one = { objects: 1 };
    const none = { objects: 0 };
    await broken(await at(''), 'coco', 'syntax', /x.json: the file is empty, expected JSON/, none);
    await broken(await at(coco({}).slice(0, 90)), 'coco', 'syntax', /x.json:?1?: truncated: /, none);
    await broken(await at('{"images": [,]}'), 'coco', 'syntax', /x.json(:1)?: not JSON: /, none);
    await broken(await at('[1]'), 'coco', 'syntax', /x.json: not a COCO file: \[1\]/, none);
    await broken(
      await at('{"images": []}'),
      'coco',
      'syntax',
      /x.json: categories is undefined, expected a list/,
      none,
    );
    const nan = coco({}, [GOOD, { ...GOOD, id: 8, bbox: [0, 1, 2, 5555] }]).replace('5555', 'NaN');
    await broken(
      await at(nan),
      'coco',
      'number',
      /annotations\[1\] \(id 8\): bbox is \[0,1,2,"NaN"\], expected four finite/,
      one,
    );
    await broken(await bad({ bbox: [1, 2, 3] }), 'coco', 'number', /annotations\[1\] \(id 8\): bbox is \[1,2,3\]/, one);
    await broken(
      await bad({ bbox: [1, 2, -3, 4] }),
      'coco',
      'degenerate',
      /\(id 8\): bbox is \[1,2,-3,4\], .*above 0/,
      one,
    );
    await broken(await bad({ image_id: 2 }), 'coco', 'image', /\(id 8\): image_id is 2, but there is no image/, one);
    await broken(await bad({ category_id: 1 }), 'coco', 'class', /\(id 8\): category_id is 1, expected one of 3/, one);
    await broken(await bad({ iscrowd: 'yes' }), 'coco', 'syntax', /\(id 8\): iscrowd is "yes", expected 0 or 1/, one);
    await broken(await bad({ area: -1 }), 'coco', 'number', /\(id 8\): area is -1, expected a number >= 0/, one);
    const unknown = await readLabels(await bad({ iscrowd: null, area: null, score: null, segmentation: null }));
    assert.equal(Object.keys(unknown.images[0]!.objects[1]!), ['label', 'box', 'origin']);
    const image = { id: 1, file_name: 'a.png' };
    await broken(
      await at(coco({ images: [image, { id: 1, file_name: 'b.png' }] })),
      'coco',
      'image',
      /images\[1\] \(id 1\): id 1 of b.png is already that of a.png/,
      one,
    );
    await broken(
      await at(coco({ images: [image, { id: 2, file_name: 'a.png' }] })),
      'coco',
      'image',
      /images\[1\] \(id 2\): a second entry for the image a.png/,
      one,
    );
    await broken(
      await at(coco({ images: [image, { id: 2 }] })),
      'coco',
      'syntax',
      /images\[1\].*expected an image with an id and a file_name/,
      one,
    );
    await broken(
      await at(coco({ images: [image, { id: 2, file_name: '../gone.png' }] })),
      'coco',
      'image',
      /image ..\/gone.png is outside/,
      one,
    );
    await broken(await at(coco({})), 'coco', 'class', /annotations\[0\].*class "roof" is none of tree/, {
      ...none,
      classes: ['tree'],
    });
    await rejects(readLabels(await at('[{"image_id": 1}]')), /COCO results, whose image_id .*give that as `like`/);
    await rejects(readLabels(`${folder}/none.json`), /none.json does not exist/);
    await rejects(
      readLabels(await write(folder, 'notes.md', 'x')),
      /notes.md is not a label file.*Expected one of\n[^]*voc:/,
    );
    await rejects(
      readLabels(
        await write(folder, 'latin.csv', Buffer.from('image,x1,y1,x2,y2,label\na,1,1,2,2,caf\xe9\n', 'latin1')),
      ),
      /latin.csv: the text is not UTF-8/,
    );
  }),
);

function voc(objects: string, head = '<filename>a.png</filename>'): string {
  return `<annotation>\n${head}\n<object><name>roof</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>\n${objects}</annotation>`;
}
const bounds = (x1: string, x2: string): string =>
  `<bndbox><xmin>${x1}</xmin><ymin>1</ymin><xmax>${x2}</xmax><ymax>5</ymax></bndbox>`;

test(
  'Pascal VOC: invalid entries are reported with their line',
  inFolder(async (folder) => {
    const at = (text: string): Promise<string> => write(folder, 'a.xml', text);
    const one = { objects: 1 };
    await broken(await at(''), 'voc', 'syntax', /a.xml: the file is empty, expected XML/, { objects: 0 });
    await broken(await at(voc('').slice(0, 60)), 'voc', 'syntax', /a.xml:\d+: not XML, or truncated: /, { objects: 0 });
    await broken(await at('<kml><a/></kml>'), 'voc', 'syntax', /a.xml: not Pascal VOC: no <annotation>/, {
      objects: 0,
    });
    await broken(
      await at(voc(`<object>${bounds('1', '5')}</object>`)),
      'voc',
      'syntax',
      /a.xml:4: an <object> without a <name>/,
      one,
    );
    await broken(
      await at(voc('<object><name>x</name></object>')),
      'voc',
      'syntax',
      /a.xml:4: an <object> without a <bndbox>/,
      one,
    );
    await broken(
      await at(voc(`<!-- <object>\n --><object><name>x</name>${bounds('one', '5')}</object>`)),
      'voc',
      'number',
      /a.xml:5: xmin is "one", expected a number/,
      one,
    );
    await broken(
      await at(voc(`<object><name>x</name>${bounds('9', '5')}</object>`)),
      'voc',
      'degenerate',
      /a.xml:4: box 8, 0, 5, 5 is empty/,
      one,
    );
    await broken(
      await at(voc(`<object><name>x</name><difficult>7</difficult>${bounds('1', '5')}</object>`)),
      'voc',
      'syntax',
      /<difficult> is "7"/,
      one,
    );
    await broken(
      await at(voc('', '<filename></filename>')),
      'voc',
      'syntax',
      /a.xml: no <filename>, and no image with the same name/,
      { objects: 0 },
    );
    await broken(
      await at(voc('', '<filename>a.png</filename><size><width>1.5</width><height>2</height></size>')),
      'voc',
      'number',
      /width of the image is "1.5"/,
      one,
    );
    await at(voc(''));
    await write(folder, 'b.xml', voc(''));
    await broken(folder, 'voc', 'image', /b.xml: a second file for the image a.png, after .*a.xml/, one);
  }),
);

test(
  'YOLO: invalid entries are reported with their line',
  inFolder(async (folder) => {
    const { image } = markedSample(20, 30, []);
    await write(folder, 'images/a.png', await encodePng(image));
    await write(folder, 'data.yaml', 'names: [roof, tree]\ntrain: images\n');
    const bad = (line: string): Promise<string> =>
      write(folder, 'labels/a.txt', `0 0.5 0.5 0.2 0.2\n${line}\n`).then(() => folder);
    const one = { objects: 1 };
    await broken(await bad('0 0.5 0.5 0.2'), 'yolo', 'syntax', /labels\/a.txt:2: 4 values, expected 5/, one);
    await broken(
      await bad('2 0.5 0.5 0.2 0.2'),
      'yolo',
      'class',
      /a.txt:2: class is 2, expected an integer from 0 to 1/,
      one,
    );
    await broken(
      await bad('roof 0.5 0.5 0.2 0.2'),
      'yolo',
      'number',
      /a.txt:2: value 1 is "roof", expected a number/,
      one,
    );
    await broken(await bad('0.5 0.5 0.5 0.2 0.2'), 'yolo', 'class', /a.txt:2: class is 0.5/, one);
    await broken(await bad('1 0.5 nan 0.2 0.2'), 'yolo', 'number', /a.txt:2: value 3 is "nan"/, one);
    await broken(
      await bad('1 15 10 6 4'),
      'yolo',
      'number',
      /a.txt:2: 15 is not a fraction of the image's size, .*not pixels/,
      one,
    );
    await broken(await bad('1 0.5 0.5 -0.2 0.2'), 'yolo', 'degenerate', /a.txt:2: box .* is empty/, one);
    await broken(await bad('1 0.5 0.5 0.6 0.6 0.7 0.7'), 'yolo', 'degenerate', /a.txt:2: the outline has no area/, one);
    await broken(await bad(''), 'yolo', 'class', /class "roof" is none of tree/, { objects: 0, classes: ['tree'] });
    await write(folder, 'labels/gone.txt', '');
    await broken(await bad(''), 'yolo', 'image', /gone.txt: there is no image gone in /, one);
    await write(folder, 'labels/gone.txt', '').then(() => write(folder, 'images/gone.png', 'text'));
    await broken(await bad(''), 'yolo', 'image', /gone.png: neither a PNG, JPEG, WebP, AVIF, TIFF nor VRT file/, one);
    for (const [yaml, pattern] of [
      ['names: {0: a, 2: b}\ntrain: images', /data.yaml: names has the numbers 0, 2, but no 1/],
      ['names: [a, a]\ntrain: images', /classes 0 and 1 have the same name "a"/],
      ['names: [a]\nnc: 2\ntrain: images', /nc is 2, but there are 1 names/],
      ['names: [a]\ntrain: pictures', /train is pictures, which does not exist there/],
      ['names: [a', /data.yaml: not YAML: /],
    ] as const) {
      await write(folder, 'data.yaml', yaml);
      await rejects(readLabels(`${folder}/data.yaml`), pattern);
    }
    await rejects(readLabels(`${folder}/data.yaml`, { split: 'val' }), /not YAML/);
    await write(folder, 'data.yaml', 'names: [roof, tree]\ntrain: images\n');
    await rejects(readLabels(folder, { split: 'val' }), /no split val in its data.yaml, only train/);
  }),
);

test(
  'CSV: invalid rows are reported with their line',
  inFolder(async (folder) => {
    const csv = (row: string): Promise<string> =>
      write(folder, 'x.csv', `image_path,xmin,ymin,xmax,ymax,label,score\na.png,1,1,5,5,roof,0.5\n${row}\n`);
    const one = { objects: 1 };
    await broken(
      await csv('a.png,1,1,5,5,roof'),
      'deepforest',
      'syntax',
      /x.csv:3: 6 fields, expected 7 as in the header/,
      one,
    );
    await broken(
      await csv('a.png,1,1,5,NaN,roof,1'),
      'deepforest',
      'number',
      /x.csv:3: ymax is "NaN", expected a number/,
      one,
    );
    await broken(
      await csv('a.png,5,1,1,5,roof,1'),
      'deepforest',
      'degenerate',
      /x.csv:3: box 5, 1, 1, 5 is empty/,
      one,
    );
    await broken(await csv('a.png,1,1,5,5,roof,high'), 'deepforest', 'number', /x.csv:3: score is "high"/, one);
    await broken(await csv('a.png,1,1,5,5,,1'), 'deepforest', 'class', /x.csv:3: label is empty/, one);
    await broken(await csv(',1,1,5,5,roof,1'), 'deepforest', 'syntax', /x.csv:3: image is empty/, one);
    await broken(
      await csv('../gone.png,1,1,5,5,roof,1'),
      'deepforest',
      'image',
      /x.csv:3: image ..\/gone.png is outside/,
      one,
    );
    await broken(
      await csv('"a.png,1,1,5,5,roof,1'),
      'deepforest',
      'syntax',
      /x.csv:3: a double quote is not closed/,
      one,
    );
    await broken(await write(folder, 'y.csv', ''), 'csv', 'syntax', /y.csv: the file is empty/, { objects: 0 });
    await broken(
      await write(folder, 'y.csv', 'image,x1,y1,x2,label\n'),
      'csv',
      'syntax',
      /y.csv:1: the header .*missing: y2/,
      { objects: 0 },
    );
    const keras = await write(folder, 'k.csv', 'a.png,1,2,3,4,roof\na.png,1,2,3,4\n');
    await broken(keras, 'keras-retinanet', 'syntax', /k.csv:2: 5 fields, expected 6: path,x1,y1,x2,y2,class/, one);
    await write(folder, 'k.csv', 'a.png,1,2,3,4,roof\na.png,1,2,3,4,tree\n');
    await write(folder, 'classes.csv', 'roof,0\n');
    await broken(keras, 'keras-retinanet', 'class', /k.csv:2: class "tree" is none of roof/, one);
    await write(folder, 'classes.csv', 'roof,1\n');
    await rejects(readLabels(keras), /classes.csv: no class has the number 0/);
    const space = await write(
      folder,
      's.csv',
      'ImageId,BuildingId,PolygonWKT_Pix,Confidence\ni,0,"POLYGON ((0 0,4 0,4 4,0 0))",1\ni,1,"POLYGON ((0 0,4",1\n',
    );
    await broken(space, 'spacenet-csv', 'syntax', /s.csv:3: parseWkt: /, one);
  }),
);

test(
  'a problem has file, line or entry, and box as fields, thrown or reported',
  inFolder(async (folder) => {
    const file = await write(folder, 'x.csv', 'image,x1,y1,x2,y2,label\na.png,5,1,1,5.5,roof\n');
    const expected = {
      kind: 'degenerate',
      file,
      line: 2,
      origin: `${file}:2`,
      reason: 'box 5, 1, 1, 5.5 is empty, expected x2 > x1 and y2 > y1',
      box: [5, 1, 1, 5.5],
    };
    const thrown: unknown = await readLabels(file).catch((error: unknown) => error);
    assert.instance(thrown, LabelError);
    assert.equal((thrown as LabelError).problem, expected);
    assert.equal(await problemsOf(file), [expected]);
    const json = await write(folder, 'x.json', coco({}, [{ ...GOOD, area: 'x' }]));
    const [problem] = await problemsOf(json);
    assert.equal(
      [problem?.file, problem?.entry, problem?.origin],
      [json, 'annotations[0] (id 7)', `${json}: annotations[0] (id 7)`],
    );
    const [broken] = await problemsOf(await write(folder, 'y.json', '{"images":\n[,]}'));
    assert.is(broken?.file, `${folder}/y.json`);
    assert.match(broken!.reason, /^not JSON: /);
  }),
);

test.run();
