import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/imagery/node/png.ts';
import type { LabelFormat } from '../../src/labels/formats.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import type { LabelProblem } from '../../src/labels/types.ts';
import { inFolder, markedSample, rejects, write } from '../data/support.ts';

/**
 * Reads a file of one good object and one invalid entry: that is thrown without `onProblem`, otherwise reported, and the
 * good object is read.
 */
async function broken(path: string, format: LabelFormat, kind: LabelProblem['kind'], pattern: RegExp): Promise<void> {
  await rejects(readLabels(path, { format }), pattern);
  const problems: LabelProblem[] = [];
  const table = await readLabels(path, { format, onProblem: (problem) => problems.push(problem) });
  assert.equal(
    problems.map((problem) => problem.kind),
    [kind],
    JSON.stringify(problems),
  );
  assert.match(`${problems[0]!.origin}: ${problems[0]!.reason}`, pattern);
  assert.is(
    table.images.reduce((sum, { objects }) => sum + objects.length, 0),
    1,
  );
}

/** Reads a file that is invalid as a whole. */
async function unreadable(path: string, format: LabelFormat, pattern: RegExp): Promise<void> {
  await rejects(readLabels(path, { format }), pattern);
  const problems: LabelProblem[] = [];
  const table = await readLabels(path, { format, onProblem: (problem) => problems.push(problem) });
  assert.equal([table.images, problems.length], [[], 1], JSON.stringify(problems));
}

test(
  'VIA',
  inFolder(async (folder) => {
    const good = { shape_attributes: { name: 'rect', x: 1, y: 2, width: 3, height: 4 }, region_attributes: { c: 'x' } };
    const image = { filename: 'a.png', size: 1, regions: [good] };
    const at = (json: unknown): Promise<string> => write(folder, 'v/via.json', JSON.stringify(json));
    const bad = (shape: unknown, attributes: unknown = { c: 'x' }): Promise<string> =>
      at({ k: { ...image, regions: [good, { shape_attributes: shape, region_attributes: attributes }] } });
    const rect = good.shape_attributes;
    await broken(
      await bad({ ...rect, width: 'q' }),
      'via',
      'number',
      /via.json: k regions\[1\]: width is "q", expected a/,
    );
    await broken(await bad({ ...rect, width: 0 }), 'via', 'degenerate', /k regions\[1\]: box 1, 2, 1, 6 is empty/);
    await broken(
      await bad({ ...rect, name: 'box' }),
      'via',
      'syntax',
      /name of the shape is "box", expected rect, circle/,
    );
    await broken(await bad(null), 'via', 'syntax', /k regions\[1\]: .*expected shape_attributes and region_attributes/);
    await broken(await bad(rect, {}), 'via', 'class', /attribute "c" is undefined, expected the name of one class/);
    const line = { name: 'polygon', all_points_x: [1, 2, 3], all_points_y: [1, 2, 3] };
    await broken(await bad(line), 'via', 'degenerate', /k regions\[1\]: the outline has no area/);
    await broken(
      await bad({ ...line, all_points_y: [1] }),
      'via',
      'syntax',
      /all_points_y is \[1\], expected lists of the same/,
    );
    await broken(
      await bad({ name: 'polygon', all_points_x: [1, 2], all_points_y: [1, 2] }),
      'via',
      'syntax',
      /an outline of 2 points, expected at least 3/,
    );
    await broken(
      await at({ k: image, l: { size: 2 } }),
      'via',
      'syntax',
      /via.json: l: .*expected an image with a filename/,
    );
    await broken(
      await at({ k: image, l: { ...image, filename: '../b.png' } }),
      'via',
      'image',
      /l: image ..\/b.png is outside/,
    );
    await unreadable(await at([]), 'via', /via.json: not of VGG Image Annotator: \[\], expected an object/);
    await unreadable(await write(folder, 'v/via.json', '{"k": '), 'via', /via.json.*truncated/);

    const header = 'filename,file_attributes,region_count,region_id,region_shape_attributes,region_attributes';
    const row = 'a.png,{},1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{""c"":""x""}"';
    const csv = (last: string): Promise<string> => write(folder, 'via.csv', [header, row, last].join('\n'));
    await broken(
      await csv(row.replace('{""name', '{name')),
      'via',
      'syntax',
      /via.csv:3: region_shape_attributes is .*in JSON/,
    );
    await broken(await csv('a.png,{}'), 'via', 'syntax', /via.csv:3: 2 fields, expected 6/);
    await unreadable(
      await write(folder, 'via.csv', 'a,b\n'),
      'via',
      /via.csv:1: the header is "a,b", expected filename,/,
    );
  }),
);

test(
  'LabelMe',
  inFolder(async (folder) => {
    const image = await encodePng(markedSample(20, 30, []).image);
    for (const file of ['a.png', 'b.png']) await write(folder, `m/${file}`, image);
    const good = {
      label: 'x',
      shape_type: 'rectangle',
      points: [
        [1, 2],
        [3, 4],
      ],
    };
    const at = (json: unknown): Promise<string> => write(folder, 'm/a.json', JSON.stringify(json));
    const bad = (change: object): Promise<string> => at({ imagePath: 'a.png', shapes: [good, { ...good, ...change }] });
    await broken(
      await bad({ label: '' }),
      'labelme',
      'class',
      /m\/a.json: shapes\[1\]: label is "", expected the name/,
    );
    await broken(
      await bad({ shape_type: 'blob' }),
      'labelme',
      'syntax',
      /shapes\[1\]: shape_type is blob, expected rectangle/,
    );
    await broken(await bad({ points: [[1, 2]] }), 'labelme', 'syntax', /a box with 1 point, expected 2 corners/);
    await broken(
      await bad({
        points: [
          [1, 2],
          [1, 4],
        ],
      }),
      'labelme',
      'degenerate',
      /box 1, 2, 1, 4 is empty/,
    );
    await broken(
      await bad({
        points: [
          [1, 2],
          [null, 4],
        ],
      }),
      'labelme',
      'number',
      /points has \[null,4\], expected \[x, y\]/,
    );
    await broken(
      await bad({ shape_type: 'circle', points: [[1, 2]] }),
      'labelme',
      'syntax',
      /a circle with 1 points, expected/,
    );
    await unreadable(await at([]), 'labelme', /m\/a.json: not of LabelMe: \[\], expected an object with shapes/);
    await unreadable(
      await at({ imagePath: 'q.png', shapes: [good] }),
      'labelme',
      /there is no image q.png in .*m, or more/,
    );
    await at({ imagePath: 'a.png', shapes: [good] });
    await write(folder, 'm/b.json', JSON.stringify({ imagePath: 'a.png', shapes: [good] }));
    await broken(`${folder}/m`, 'labelme', 'image', /m\/b.json: a second file for the image a.png, after .*m\/a.json/);
    await write(folder, 'm/b.json', '');
    await broken(`${folder}/m`, 'labelme', 'syntax', /m\/b.json: the file is empty, expected JSON/);
    await write(folder, 'm/b.json', '{"shapes": [');
    await broken(`${folder}/m`, 'labelme', 'syntax', /m\/b.json.*truncated/);
  }),
);

test(
  'CVAT',
  inFolder(async (folder) => {
    const at = (text: string): Promise<string> => write(folder, 'v/cvat.xml', text);
    const box = '<box label="x" xtl="1" ytl="2" xbr="3" ybr="4"/>';
    const bad = (element: string, image = 'name="a.png"'): Promise<string> =>
      at(`<annotations>\n<image ${image}>\n${box}\n${element}\n</image>\n</annotations>`);
    await broken(await bad(box.replace('"1"', '"q"')), 'cvat', 'number', /cvat.xml:4: xtl is "q", expected a number/);
    await broken(await bad(box.replace('"1"', '"9"')), 'cvat', 'degenerate', /cvat.xml:4: box 9, 2, 3, 4 is empty/);
    await broken(await bad(box.replace('label="x"', '')), 'cvat', 'class', /cvat.xml:4: a <box> without a label/);
    await broken(await bad('<blob label="x"/>'), 'cvat', 'syntax', /cvat.xml:4: <blob>, expected box, polygon/);
    await broken(
      await bad('<polygon label="x" points="1,2;3"/>'),
      'cvat',
      'number',
      /cvat.xml:4: points has "3", expected x,y/,
    );
    await broken(
      await bad('', 'name="a.png" width="1.5"'),
      'cvat',
      'number',
      /cvat.xml:2: width of the image is "1.5"/,
    );
    await broken(
      await bad('</image><image name="/x/b.png">'),
      'cvat',
      'image',
      /cvat.xml:4: image \/x\/b.png is outside/,
    );
    await unreadable(await at(''), 'cvat', /cvat.xml: the file is empty, expected XML/);
    await unreadable(await at('<annotations><image>'), 'cvat', /cvat.xml:1: not XML, or truncated/);
    await unreadable(await at('<kml/>'), 'cvat', /cvat.xml: not of CVAT: no <annotations> at the top/);
  }),
);

test(
  'Label Studio',
  inFolder(async (folder) => {
    const value = { x: 1, y: 2, width: 3, height: 4, rectanglelabels: ['x'] };
    const good = { type: 'rectanglelabels', original_width: 100, original_height: 100, value };
    const task = (...result: object[]): object => ({ data: { image: 'a.png' }, annotations: [{ result }] });
    const at = (json: unknown): Promise<string> => write(folder, 'ls.json', JSON.stringify(json));
    const bad = (change: object): Promise<string> => at([task(good, { ...good, ...change })]);
    const place = 'tasks\\[0\\] annotations\\[0\\] result\\[1\\]';
    const error = (reason: string): RegExp => new RegExp(`ls.json: ${place}: ${reason}`);
    await broken(
      await bad({ value: { ...value, x: null } }),
      'label-studio',
      'number',
      error('x is undefined|x is null'),
    );
    await broken(
      await bad({ value: { ...value, width: 0 } }),
      'label-studio',
      'degenerate',
      error('box 1, 2, 1, 6 is empty'),
    );
    await broken(await bad({ value: null }), 'label-studio', 'syntax', error('value is null, expected an object'));
    await broken(await bad({ original_width: 0 }), 'label-studio', 'number', error('a side of the image is 0'));
    await broken(
      await bad({ image_rotation: 90 }),
      'label-studio',
      'syntax',
      error('image_rotation is 90, expected 0'),
    );
    const two = { ...value, rectanglelabels: ['x', 'y'] };
    await broken(
      await bad({ value: two }),
      'label-studio',
      'class',
      error('the labels are \\["x","y"\\], expected the name of one'),
    );
    await broken(
      await at([task(good), { ...task(), data: { a: 'a.png', b: 'b.png' } }]),
      'label-studio',
      'image',
      /tasks\[1\]: data is .*expected one value with the name of an image/,
    );
    await broken(await at([task(good), 3]), 'label-studio', 'syntax', /ls.json: tasks\[1\]: 3, expected an object/);
    await unreadable(await at({}), 'label-studio', /ls.json: not of Label Studio: {}, expected a list of tasks/);
  }),
);

test(
  'DOTA and Open Images',
  inFolder(async (folder) => {
    const image = await encodePng(markedSample(20, 30, []).image);
    for (const file of ['images/a.png', 'images/b.png']) await write(folder, file, image);
    const good = '1 1 5 1 5 5 1 5 x 0';
    const dota = (line: string): Promise<string> => write(folder, 'labelTxt/a.txt', `gsd:1\n${good}\n${line}\n`);
    await broken(
      await dota('1 1 5 1 5 5 1 5'),
      'dota',
      'syntax',
      /labelTxt\/a.txt:3: 8 values, expected 10: the x and y/,
    );
    await broken(await dota('1 1 5 q 5 5 1 5 x 0'), 'dota', 'number', /a.txt:3: value 4 is "q", expected a number/);
    await broken(await dota('1 1 2 2 3 3 4 4 x 0'), 'dota', 'degenerate', /a.txt:3: the outline has no area/);
    await broken(await dota('1 1 5 1 5 5 1 5 x no'), 'dota', 'syntax', /a.txt:3: difficult is "no", expected 0 or 1/);
    await dota('');
    const lost = await write(folder, 'labelTxt/q.txt', good);
    await broken(`${folder}/labelTxt`, 'dota', 'image', /labelTxt\/q.txt: there is no image q in .*images/);
    await unreadable(lost, 'dota', /labelTxt\/q.txt: there is no image q in /);

    // Text with the name of an image is not skipped, whatever it is.
    await write(folder, 'flat/a.png', image);
    await write(folder, 'flat/b.png', image);
    await write(folder, 'flat/a.txt', good);
    await write(folder, 'flat/b.txt', 'Notes');
    await broken(`${folder}/flat`, 'dota', 'syntax', /flat\/b.txt:1: 1 values, expected 10/);

    const header = 'ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf';
    const open = (row: string): Promise<string> =>
      write(folder, 'o.csv', [header, 'a,x,0,0.5,0,0.5,0', row].join('\n'));
    await broken(
      await open('a,x,0,50,0,0.5,0'),
      'openimages',
      'number',
      /o.csv:3: XMax is "50", expected a fraction of the/,
    );
    await broken(await open('a,x,0.5,0.5,0,0.5,0'), 'openimages', 'degenerate', /o.csv:3: box 15, 0, 15, 10 is empty/);
    await broken(await open('a,,0,0.5,0,0.5,0'), 'openimages', 'class', /o.csv:3: LabelName is empty/);
    await broken(await open('a,x,0'), 'openimages', 'syntax', /o.csv:3: 3 fields, expected 7/);
    await write(folder, 'images/b.png', 'x');
    await broken(await open('b,x,0,0.5,0,0.5,0'), 'openimages', 'image', /images\/b.png: /);
    await write(folder, 'class-descriptions.csv', '/m/1,Car,2\n');
    await unreadable(
      await open(''),
      'openimages',
      /class-descriptions.csv:1: "\/m\/1,Car,2", expected LabelName,DisplayName/,
    );
  }),
);

test.run();
