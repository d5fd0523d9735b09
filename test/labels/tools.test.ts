import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box, Point } from '../../src/imagery/geometry.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { labelFormats, writableFormats, type LabelFormat, type WritableFormat } from '../../src/labels/formats.ts';
import { detectLabelFormat } from '../../src/labels/node/find-labels.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { convertLabels, writeLabels } from '../../src/labels/node/write-labels.ts';
import type { LabelTable } from '../../src/labels/types.ts';
import { inFolder, markedSample, rejects, write } from '../data/support.ts';

const png = (): Promise<Uint8Array> => encodePng(markedSample(80, 100, []).image); // 100 x 80 pixels.
const images = async (folder: string, ...files: string[]): Promise<void> => {
  for (const file of files) await write(folder, file, await png());
};
/** Each image with the class and the corners of its objects, to a millionth of a pixel. */
const plain = (table: LabelTable): unknown[] =>
  table.images.map(({ file, objects }) => [
    file,
    objects.map(({ label, box }) => [table.classes[label], ...box.map(rounded)]),
  ]);
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
const outlinesOf = ({ images: [image] }: LabelTable): unknown[] =>
  image!.objects.map(({ polygons }) => polygons?.[0]?.[0]?.map((point) => point.map(rounded)) ?? null);

const region = (shape_attributes: object, region_attributes: object = {}): object => ({
  shape_attributes,
  region_attributes,
});
const rect = (x: number, y: number, width: number, height: number): object => ({ name: 'rect', x, y, width, height });
const VIA_HEADER =
  'filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes';
const viaRow = (file: string, shape: object, attributes: object): string =>
  [file, 1, '{}', 1, 0, ...[shape, attributes].map((value) => `"${JSON.stringify(value).replaceAll('"', '""')}"`)].join(
    ',',
  );

test(
  'VIA: project, annotations and CSV have the same boxes; points take a size',
  inFolder(async (folder) => {
    const shapes: [object, object][] = [
      [rect(10, 12, 30, 20), { class: 'car', colour: 'red' }],
      [{ name: 'circle', cx: 50, cy: 40, r: 10.5 }, { class: 'tree' }],
      // Turned by a right angle, in radians.
      [{ name: 'ellipse', cx: 50, cy: 40, rx: 20, ry: 10, theta: Math.PI / 2 }, { class: { tree: true, car: false } }],
      [{ name: 'polygon', all_points_x: [1, 20, 20], all_points_y: [2, 2, 30] }, { class: 7 }],
      [{ name: 'polyline', all_points_x: [1, 20], all_points_y: [2, 2] }, { class: 'car' }],
      [{ name: 'point', cx: 5, cy: 6 }, { class: 'car' }],
    ];
    const entries = {
      'a.png1': { filename: 'a.png', size: 1, regions: shapes.map((pair) => region(...pair)), file_attributes: {} },
      'b.png2': { filename: 'b.png', size: 2, regions: [], file_attributes: {} },
    };
    const rows = [...shapes.map((pair) => viaRow('a.png', ...pair)), viaRow('b.png', {}, {})];
    await write(folder, 'p/via_project.json', JSON.stringify({ _via_settings: {}, _via_img_metadata: entries }));
    await write(folder, 'j/via_region_data.json', JSON.stringify(entries));
    await write(folder, 'c/via.csv', `${[VIA_HEADER, ...rows].join('\n')}\n`);
    // Version 1 numbers the regions, and its CSV begins with #.
    const [old] = Object.values(entries);
    await write(
      folder,
      'o/via.json',
      JSON.stringify({ ...entries, 'a.png1': { ...old, regions: Object.fromEntries(old!.regions.entries()) } }),
    );
    await write(folder, 'h/via.csv', `#${[VIA_HEADER, ...rows].join('\n')}\n`);
    const expected = [
      [
        'a.png',
        [
          ['car', 10, 12, 40, 32],
          ['tree', 39.5, 29.5, 60.5, 50.5],
          ['tree', 40, 20, 60, 60],
          ['7', 1, 2, 20, 30],
        ],
      ],
      ['b.png', []],
    ];
    for (const name of ['p', 'j', 'c', 'o', 'h']) {
      await images(folder, `${name}/images/a.png`, `${name}/images/b.png`);
      assert.is(await detectLabelFormat(`${folder}/${name}`), 'via', name);
      const table = await readLabels(`${folder}/${name}`);
      assert.equal(plain(table), expected, name);
      assert.is(table.imagesRoot, `${folder}/${name}/images`);
      assert.equal(outlinesOf(table), [
        null,
        null,
        null,
        [
          [1, 2],
          [20, 2],
          [20, 30],
        ],
      ]);
      assert.equal(
        table.notes.map((note) => note.split(':')[0]),
        ['1 shape of type polyline', '1 shape of type point'],
      );
    }
    const sized = await readLabels(`${folder}/c`, { pointSize: 4 });
    assert.equal((plain(sized)[0] as unknown[][])[1]!.at(-1), ['car', 3, 4, 7, 8]);
    assert.is(sized.notes.length, 1);
    const [first] = (await readLabels(`${folder}/j`)).images[0]!.objects;
    assert.is(first!.origin, `${folder}/j/via_region_data.json: a.png1 regions[0]`);
    assert.is((await readLabels(`${folder}/c`)).images[0]!.objects[0]!.origin, `${folder}/c/via.csv:2`);
  }),
);

test(
  'VIA: the attribute with the class is the only one, a known one or the one given',
  inFolder(async (folder) => {
    const read = async (
      attributes: readonly object[],
      options = {},
    ): Promise<LabelTable & { notes: readonly string[] }> => {
      const regions = attributes.map((own) => region(rect(1, 2, 3, 4), own));
      const text = JSON.stringify({ a: { filename: 'a.png', size: 1, regions } });
      return readLabels(await write(folder, 'via.json', text), options);
    };
    assert.equal((await read([{ kind: 'x' }, { kind: 'y' }])).classes, ['x', 'y']);
    assert.equal((await read([{ colour: 'red', Type: 'x' }])).classes, ['x']);
    assert.equal((await read([{ colour: 'red', size: 'x' }], { classProperty: 'size' })).classes, ['x']);
    const none = await read([{}, {}]);
    assert.equal(
      [none.classes, none.notes],
      [['object'], ['the class of 2 regions without attributes: taken as "object"']],
    );
    await rejects(
      read([{ colour: 'red', size: 'x' }]),
      /via.json: which attribute has the class is unknown \(attributes: colour, size\); .*--class-property/,
    );
    await rejects(
      read([{ kind: 'x' }], { classProperty: 'k' }),
      /no region has the attribute "k" \(attributes: kind\)/,
    );
    await rejects(
      read([{ kind: 'x' }, { kind: '' }]),
      /via.json: a regions\[1\]: attribute "kind" is "", expected the name/,
    );
    await rejects(
      read([{ kind: { x: true, y: true } }]),
      /attribute "kind" is \{"x":true,"y":true\}, expected the name of one/,
    );
  }),
);

const labelMe = (imagePath: string | undefined, ...shapes: object[]): string =>
  JSON.stringify({
    version: '5.2.1',
    imageData: 'x'.repeat(100_000),
    flags: {},
    shapes,
    imagePath,
    imageHeight: 80,
    imageWidth: 100,
  });
const shape = (label: string, shape_type: string | undefined, points: readonly Point[], more: object = {}): object => ({
  label,
  shape_type,
  points,
  group_id: null,
  ...more,
});

test(
  'LabelMe: all shapes, foreign folders, a folder of labels beside that of images',
  inFolder(async (folder) => {
    await images(folder, 'x/a.png', 'x/b.png', 'x/deep/c.png', 'y/images/t/a.png', 'y/images/v/a.png');
    const shapes = [
      shape(
        'car',
        'rectangle',
        [
          [40, 60],
          [10, 12.5],
        ],
        { difficult: true },
      ),
      shape('roof', undefined, [
        [1, 2],
        [20, 2],
        [20, 30],
      ]),
      shape('tree', 'circle', [
        [50, 40],
        [53, 44],
      ]),
      shape('ship', 'rotation', [
        [10, 10],
        [20, 20],
        [15, 25],
        [5, 15],
      ]),
      shape(
        'pond',
        'mask',
        [
          [1, 2],
          [3, 4],
        ],
        { mask: 'iVBO' },
      ),
      shape('road', 'linestrip', [
        [1, 1],
        [2, 2],
      ]),
      shape('well', 'point', [[7, 8]]),
    ];
    await write(folder, 'x/a.json', labelMe('C:\\photos\\a.png', ...shapes));
    await write(folder, 'x/b.json', labelMe('b.png'));
    await write(
      folder,
      'x/deep/c.json',
      labelMe(
        undefined,
        shape('car', 'rectangle', [
          [1, 2],
          [3, 4],
        ]),
      ),
    );
    await write(folder, 'x/settings.json', '{"a": 1}');
    assert.is(await detectLabelFormat(`${folder}/x`), 'labelme');
    const table = await readLabels(`${folder}/x`);
    assert.equal(plain(table), [
      [
        'a.png',
        [
          ['car', 10, 12.5, 40, 60],
          ['roof', 1, 2, 20, 30],
          ['tree', 45, 35, 55, 45],
          ['ship', 5, 10, 20, 25],
          ['pond', 1, 2, 4, 5],
        ],
      ],
      ['b.png', []],
      ['deep/c.png', [['car', 1, 2, 3, 4]]],
    ]);
    assert.equal([table.imagesRoot, table.images[0]!.width, table.images[0]!.height], [`${folder}/x`, 100, 80]);
    assert.equal(
      table.images[0]!.objects.map(({ difficult }) => difficult),
      [true, ...new Array(4).fill(undefined)],
    );
    assert.equal(outlinesOf(table)[3], [
      [10, 10],
      [20, 20],
      [15, 25],
      [5, 15],
    ]);
    assert.equal(
      table.notes.map((note) => note.split(':')[0]),
      [
        '1 shape of type linestrip',
        '1 shape of type point',
        'the outlines of 1 mask, of which the box is kept',
        'the folders of 1 path that lead elsewhere',
      ],
    );
    // Images of the same name are told apart by their folders.
    for (const split of ['t', 'v']) {
      const own = shape(split, 'rectangle', [
        [1, 2],
        [3, 4],
      ]);
      await write(folder, `y/labels/${split}/a.json`, labelMe(`../../images/${split}/a.png`, own));
    }
    const two = await readLabels(`${folder}/y`);
    assert.equal(plain(two), [
      ['images/t/a.png', [['t', 1, 2, 3, 4]]],
      ['images/v/a.png', [['v', 1, 2, 3, 4]]],
    ]);
    assert.equal(
      plain(await readLabels(`${folder}/y/labels`)),
      plain({ ...two, images: two.images.map((image) => ({ ...image, file: image.file.slice(7) })) }),
    );
    // Without images, the labels alone are read.
    const alone = await write(folder, 'z/z/a.json', labelMe('a.png', ...shapes.slice(0, 1)));
    assert.equal(plain(await readLabels(alone)), [['a.png', [['car', 10, 12.5, 40, 60]]]]);
  }),
);

test(
  'CVAT: rotation is applied, in its XML and in its COCO files',
  inFolder(async (folder) => {
    await images(folder, 'c/images/a.png', 'c/images/b.png');
    const corners = 'xtl="10.00" ytl="20.00" xbr="50.00" ybr="40.00"';
    await write(
      folder,
      'c/annotations.xml',
      `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><name>t</name><labels><label><name>car</name></label></labels></task></meta>
  <image id="0" name="a.png" width="100" height="80">
    <box label="car" source="manual" occluded="0" ${corners} z_order="0"><attribute name="Difficult">true</attribute></box>
    <box label="car" ${corners} rotation="90.00"></box>
    <box label="car" ${corners} rotation="30.00"/>
    <polygon label="roof" points="1.5,2;20,2;20,30"/>
    <ellipse label="tree" cx="50" cy="40" rx="20" ry="10" rotation="90"/>
    <mask label="pond" rle="1, 3" left="4" top="5" width="6" height="7"/>
    <polyline label="road" points="1.5,2;20,2"/>
    <points label="well" points="7,8;9,10"/>
    <tag label="sunny"/>
  </image>
  <image id="1" name="b.png" width="100" height="80"></image>
</annotations>`,
    );
    // About the centre (30, 30), with half sides of 20 and 10: their projections on the axes.
    const [dx, dy] = [20 * Math.cos(Math.PI / 6) + 10 * 0.5, 20 * 0.5 + 10 * Math.cos(Math.PI / 6)];
    const turned = [30 - dx, 30 - dy, 30 + dx, 30 + dy].map(rounded);
    assert.is(await detectLabelFormat(`${folder}/c`), 'cvat');
    const table = await readLabels(`${folder}/c`);
    assert.equal(plain(table), [
      [
        'a.png',
        [
          ['car', 10, 20, 50, 40],
          ['car', 20, 10, 40, 50],
          ['car', ...turned],
          ['roof', 1.5, 2, 20, 30],
          ['tree', 40, 20, 60, 60],
          ['pond', 4, 5, 10, 12],
        ],
      ],
      ['b.png', []],
    ]);
    assert.equal([table.imagesRoot, table.images[1]!.width], [`${folder}/c/images`, 100]);
    assert.equal(outlinesOf(table).slice(0, 2), [
      null,
      [
        [40, 10],
        [40, 50],
        [20, 50],
        [20, 10],
      ],
    ]);
    const [first] = table.images[0]!.objects;
    assert.equal([first!.difficult, first!.origin], [true, `${folder}/c/annotations.xml:6`]);
    assert.equal(
      table.notes.map((note) => note.split(':')[0]),
      [
        '1 shape of type polyline',
        '1 shape of type points',
        'the outlines of 1 mask, of which the box is kept',
        '1 tag of whole images',
      ],
    );
    assert.is((await readLabels(`${folder}/c`, { pointSize: 2 })).images[0]!.objects.length, 8);

    const annotation = (id: number, rotation: unknown, segmentation: number[][] = []): object => ({
      id,
      image_id: 1,
      category_id: 1,
      bbox: [10, 20, 40, 20],
      area: 800,
      segmentation,
      iscrowd: 0,
      attributes: { occluded: false, rotation },
    });
    const ring = [10, 20, 50, 20, 50, 40];
    const coco = {
      images: [{ id: 1, file_name: 'a.png', width: 100, height: 80 }],
      categories: [{ id: 1, name: 'car' }],
      annotations: [annotation(1, 0), annotation(2, 30), annotation(3, 30, [ring]), annotation(4, 'left')],
    };
    const read = await readLabels(await write(folder, 'instances.json', JSON.stringify(coco)));
    assert.equal(plain(read), [
      [
        'a.png',
        [
          ['car', 10, 20, 50, 40],
          ['car', ...turned],
          ['car', 10, 20, 50, 40],
          ['car', 10, 20, 50, 40],
        ],
      ],
    ]);
    assert.equal(
      read.images[0]!.objects.map(({ area }) => area),
      [undefined, 800, undefined, undefined],
    );
    assert.equal(outlinesOf(read)[1], outlinesOf(table)[2]);

    const video =
      '<annotations>\n<track id="0" label="car"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2"/></track></annotations>';
    await rejects(
      readLabels(await write(folder, 'video.xml', video)),
      /video.xml:2: 1 track of a video, expected images: export the task again, as "CVAT for images 1.1"/,
    );
  }),
);

const result = (id: string, type: string, value: object, more: object = {}): object => ({
  id,
  type,
  value,
  original_width: 100,
  original_height: 80,
  image_rotation: 0,
  ...more,
});

test(
  'Label Studio: percent, rotation about the corner, uploaded and remote images, cancelled annotations',
  inFolder(async (folder) => {
    await images(folder, 'images/a.png', 'images/b c.png', 'images/d.png');
    const box = { x: 50, y: 20, width: 30, height: 25 };
    const results = [
      result('1', 'rectanglelabels', { ...box, rotation: 0, rectanglelabels: ['car'] }),
      result('2', 'rectanglelabels', { ...box, rotation: 90, rectanglelabels: ['car'] }),
      result('3', 'polygonlabels', {
        points: [
          [10, 10],
          [20, 10],
          [20, 50],
        ],
        polygonlabels: ['roof'],
      }),
      result('4', 'ellipselabels', { x: 50, y: 50, radiusX: 20, radiusY: 10, rotation: 0, ellipselabels: ['tree'] }),
      // A shape and its labels apart.
      result('5', 'rectangle', { x: 0, y: 0, width: 5, height: 5 }),
      result('5', 'labels', { x: 0, y: 0, width: 5, height: 5, labels: ['ship'] }),
      result('6', 'brushlabels', { format: 'rle', rle: [1, 2], brushlabels: ['pond'] }),
      result('7', 'keypointlabels', { x: 10, y: 10, width: 1, keypointlabels: ['well'] }),
      { id: '8', type: 'choices', value: { choices: ['sunny'] } },
    ];
    const tasks = [
      {
        id: 1,
        annotations: [{ was_cancelled: true, result: [] }, { was_cancelled: false, result: results }, { result: [] }],
        data: { image: '/data/upload/1/1a2b3c4d-a.png' },
      },
      { id: 2, annotations: [{ result: [] }], data: { photo: 's3://bucket/folder/b%20c.png', note: 'x' } },
      { id: 3, annotations: [], data: { image: '/data/local-files/?d=folder/d.png' } },
      { id: 4, annotations: [{ result: [] }], data: { image: '/data/local-files/?d=folder%2Fd.png' } },
    ];
    await write(folder, 'project.json', JSON.stringify(tasks));
    assert.is(await detectLabelFormat(folder), 'label-studio');
    const table = await readLabels(folder);
    assert.equal(plain(table), [
      [
        'images/a.png',
        [
          ['car', 50, 16, 80, 36],
          // The corner (50, 16) stays; 30 pixels to the right become 30 pixels down, 20 down become 20 to the left.
          ['car', 30, 16, 50, 46],
          ['roof', 10, 8, 20, 40],
          ['tree', 30, 32, 70, 48],
          ['ship', 0, 0, 5, 4],
        ],
      ],
      ['images/b c.png', []],
      ['images/d.png', []],
    ]);
    assert.equal(outlinesOf(table)[1], [
      [50, 16],
      [50, 46],
      [30, 46],
      [30, 16],
    ]);
    assert.equal(table.images[0]!.objects[0]!.origin, `${folder}/project.json: tasks[0] annotations[1] result[0]`);
    assert.equal(
      table.notes.map((note) => note.split(':')[0]),
      [
        '1 shape of type brush',
        '1 shape of type keypoint',
        '1 task without an annotation that is not cancelled',
        'further annotations of 1 task',
        '1 result other than labelled regions',
        'the folders of 3 paths that lead elsewhere',
      ],
    );
    const min = [{ image: 'a.png', label: [{ ...box, rectanglelabels: ['car'], original_width: 100 }] }];
    await rejects(
      readLabels(await write(folder, 'min.json', JSON.stringify(min))),
      /min.json: tasks\[0\]: .*export the project as JSON \(not JSON_MIN\)/,
    );
  }),
);

test(
  'DOTA: folders of labels and of images, difficult objects, no YOLO',
  inFolder(async (folder) => {
    const text =
      'imagesource:GoogleEarth\ngsd:0.146\n10.0 12.5 40 12.5 40 60 10 60 building 0\n20 10 30 20 20 30 10 20 ship 1\n';
    await images(
      folder,
      'd/images/a.png',
      'd/images/b.png',
      'flat/a.png',
      'flat/b.png',
      's/train/images/a.png',
      's/val/images/a.png',
    );
    const expected = (place = ''): unknown[] => [
      [
        `${place}a.png`,
        [
          ['building', 10, 12.5, 40, 60],
          ['ship', 10, 10, 30, 30],
        ],
      ],
      [`${place}b.png`, []],
    ];
    for (const place of ['d/labelTxt', 'flat']) {
      await write(folder, `${place}/a.txt`, text);
      await write(folder, `${place}/b.txt`, '');
    }
    await write(folder, 'flat/README.txt', 'Vehicles');
    const table = await readLabels(`${folder}/d`);
    assert.equal([table.format, table.imagesRoot, plain(table)], ['dota', `${folder}/d/images`, expected()]);
    assert.equal(outlinesOf(table)[1], [
      [20, 10],
      [30, 20],
      [20, 30],
      [10, 20],
    ]);
    assert.equal(
      table.images[0]!.objects.map(({ difficult }) => difficult),
      [undefined, true],
    );
    assert.is(table.images[0]!.objects[1]!.origin, `${folder}/d/labelTxt/a.txt:4`);
    assert.equal(plain(await readLabels(`${folder}/d/labelTxt`)), expected());
    assert.equal(plain(await readLabels(`${folder}/flat`)), expected());
    assert.equal(plain(await readLabels(`${folder}/d/labelTxt/a.txt`)), expected().slice(0, 1));
    for (const split of ['train', 'val'])
      await write(folder, `s/${split}/labelTxt-v1.5/a.txt`, `0 0 9 0 9 9 0 9 ${split}`);
    assert.equal(plain(await readLabels(`${folder}/s`)), [
      ['train/images/a.png', [['train', 0, 0, 9, 9]]],
      ['val/images/a.png', [['val', 0, 0, 9, 9]]],
    ]);
    await write(folder, 'd/labelTxt/gone.txt', text);
    await rejects(readLabels(`${folder}/d`), /labelTxt\/gone.txt: there is no image gone in .*d\/images/);
  }),
);

const OPEN_IMAGES =
  'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside';

test(
  'Open Images: fractions, groups, names of classes, images that were not downloaded',
  inFolder(async (folder) => {
    await images(folder, 'train/a.png', 'train/b.png');
    const path = await write(
      folder,
      'train-annotations-bbox.csv',
      [
        OPEN_IMAGES,
        'a,xclick,/m/0k4j,1,0.1,0.4,0.25,0.5,0,0,0,0,0',
        'a,xclick,/m/07j7r,1,0.5,0.9,0.25,0.5,0,0,1,0,0',
        'far,xclick,/m/0k4j,1,0.1,0.4,0.25,0.5,0,0,0,0,0',
      ].join('\n'),
    );
    assert.is(await detectLabelFormat(folder), 'openimages');
    const ids = await readLabels(folder);
    assert.equal(plain(ids), [
      [
        'train/a.png',
        [
          ['/m/0k4j', 10, 20, 40, 40],
          ['/m/07j7r', 50, 20, 90, 40],
        ],
      ],
    ]);
    assert.equal(
      ids.images[0]!.objects.map(({ crowd, score }) => [crowd, score]),
      [
        [undefined, undefined],
        [true, undefined],
      ],
    );
    assert.is(ids.images[0]!.objects[1]!.origin, `${path}:3`);
    assert.match(ids.notes.join('\n'), /boxes of 1 image that are not in .*\n.*names of 2 classes, such as \/m\/07j7r/);
    await write(folder, 'oidv7-class-descriptions-boxable.csv', 'LabelName,DisplayName\n/m/0k4j,Car\n/m/07j7r,Tree\n');
    const named = await readLabels(folder);
    assert.equal([named.classes, named.notes.length], [['Car', 'Tree'], 1]);
    await rejects(
      readLabels(path, { images: await write(folder, 'other/c.png', await png()).then(() => `${folder}/other`) }),
      /none of its 2 images is in .*other, and the boxes are fractions .*`images`/,
    );
  }),
);

test(
  "DeepForest: a geometry column instead of corners, darknet's list of names",
  inFolder(async (folder) => {
    await images(folder, 'a.png', 'b.png');
    const polygon = '"POLYGON ((10 12.5, 40 12.5, 40 60, 10 12.5))"';
    const rows = [',image_path,label,geometry', `0,a.png,Tree,${polygon}`, '1,a.png,Tree,POINT (20 30)', '2,b.png,,'];
    const path = await write(folder, 'trees.csv', rows.join('\n'));
    assert.is(await detectLabelFormat(folder), 'deepforest-geometry');
    const table = await readLabels(folder);
    assert.equal(plain(table), [
      ['a.png', [['Tree', 10, 12.5, 40, 60]]],
      ['b.png', []],
    ]);
    assert.equal(outlinesOf(table), [
      [
        [10, 12.5],
        [40, 12.5],
        [40, 60],
      ],
    ]);
    assert.match(table.notes.join(), /^1 shape of type POINT: no area, .*--point-size/);
    const sized = await readLabels(path, { pointSize: 10 });
    assert.equal(plain(sized)[0], [
      'a.png',
      [
        ['Tree', 10, 12.5, 40, 60],
        ['Tree', 15, 25, 25, 35],
      ],
    ]);
    // With corners, these are the boxes: the geometry may be in map coordinates.
    const both = 'image_path,xmin,ymin,xmax,ymax,label,geometry\na.png,1,2,3,4,Tree,POINT (500000 4000000)\n';
    assert.equal(plain(await readLabels(await write(folder, 'both.csv', both))), [['a.png', [['Tree', 1, 2, 3, 4]]]]);
    await rejects(
      readLabels(await write(folder, 'points.csv', rows.filter((_, i) => i !== 1).join('\n'))),
      /points.csv:2: a shape of type POINT: no area/,
    );
    await rejects(
      readLabels(await write(folder, 'w.csv', rows.join('\n').replace('40 60', 'x'))),
      /w.csv:2: geometry: parseWkt: .*found "X"/,
    );

    await images(folder, 'yolo/a.png');
    await write(folder, 'yolo/a.txt', '0 0.5 0.5 0.2 0.5');
    await write(folder, 'yolo/data/aerial.names', 'car\n');
    assert.equal(plain(await readLabels(`${folder}/yolo`)), [['a.png', [['car', 40, 20, 60, 60]]]]);
    await write(folder, 'yolo/coco.names', 'person\n');
    await rejects(
      readLabels(`${folder}/yolo`),
      /has several lists of classes: coco.names, data\/aerial.names; give `classes`/,
    );
    assert.equal((await readLabels(`${folder}/yolo`, { classes: ['car'] })).classes, ['car']);
  }),
);

/** A table in the format of each tool, as its own documentation describes it. */
const WRITERS: Readonly<Record<string, (file: string, boxes: readonly Box[]) => string>> = {
  'via.json': (file, boxes) => {
    const regions = boxes.map(([x1, y1, x2, y2]) => region(rect(x1, y1, x2 - x1, y2 - y1), { label: 'x' }));
    return JSON.stringify({ [`${file}1`]: { filename: file, size: 1, regions } });
  },
  'via.csv': (file, boxes) => {
    const rows = boxes.map(([x1, y1, x2, y2]) => viaRow(file, rect(x1, y1, x2 - x1, y2 - y1), { label: 'x' }));
    return [VIA_HEADER, ...rows].join('\n');
  },
  'labelme.json': (file, boxes) =>
    labelMe(
      file,
      ...boxes.map(([x1, y1, x2, y2]) =>
        shape('x', 'rectangle', [
          [x2, y1],
          [x1, y2],
        ]),
      ),
    ),
  'cvat.xml': (file, boxes) => {
    const list = boxes.map(([x1, y1, x2, y2]) => `<box label="x" xtl="${x1}" ytl="${y1}" xbr="${x2}" ybr="${y2}"/>`);
    return `<annotations><image name="${file}" width="100" height="80">${list.join('')}</image></annotations>`;
  },
  'studio.json': (file, boxes) => {
    const results = boxes.map(([x1, y1, x2, y2], i) => {
      const value = { x: x1, y: y1 / 0.8, width: x2 - x1, height: (y2 - y1) / 0.8, rectanglelabels: ['x'] };
      return result(String(i), 'rectanglelabels', value);
    });
    return JSON.stringify([{ data: { image: file }, annotations: [{ result: results }] }]);
  },
  'a.txt': (_, boxes) =>
    ['gsd:1', ...boxes.map(([x1, y1, x2, y2]) => `${x1} ${y1} ${x2} ${y1} ${x2} ${y2} ${x1} ${y2} x 0`)].join('\n'),
  'open.csv': (_, boxes) => {
    const rows = boxes.map(([x1, y1, x2, y2]) => [x1 / 100, x2 / 100, y1 / 80, y2 / 80].join(','));
    return [OPEN_IMAGES, ...rows.map((row) => `a,xclick,x,1,${row},0,0,0,0,0`)].join('\n');
  },
  'geometry.csv': (file, boxes) => {
    const rows = boxes.map(([x1, y1, x2, y2]) => `"POLYGON ((${x1} ${y1}, ${x2} ${y1}, ${x2} ${y2}, ${x1} ${y2}))"`);
    return ['image_path,label,geometry', ...rows.map((row) => `${file},x,${row}`)].join('\n');
  },
};

test(
  'the same boxes in the format of every tool are the same table',
  inFolder(async (folder) => {
    await images(folder, 'a.png');
    const side = fc.tuple(fc.nat(3000), fc.nat(3000)).filter(([a, b]) => a !== b);
    const box = fc.tuple(side, side).map(([xs, ys]): Box => {
      const [x1, x2] = [Math.min(...xs) / 32, Math.max(...xs) / 32];
      return [x1, Math.min(...ys) / 40, x2, Math.max(...ys) / 40];
    });
    await fc.assert(
      fc.asyncProperty(fc.array(box, { minLength: 1, maxLength: 5 }), async (boxes) => {
        for (const [name, text] of Object.entries(WRITERS)) {
          const table = await readLabels(await write(folder, name, text('a.png', boxes)));
          assert.equal(plain(table), [['a.png', boxes.map((own) => ['x', ...own.map(rounded)])]], name);
        }
      }),
      { numRuns: 10 },
    );
  }),
);

test(
  'formats of tools are only read, and count where there is no other',
  inFolder(async (folder) => {
    const readOnly = labelFormats.filter((format) => !(writableFormats as readonly LabelFormat[]).includes(format));
    assert.is(readOnly.length, 8);
    const table = { classes: ['x'], images: [] };
    for (const format of readOnly) {
      const expected = new RegExp(`format is "${format}", expected one of coco, coco-results, voc, .*geojson$`);
      await rejects(writeLabels(table, `${folder}/out`, format as WritableFormat), expected);
    }
    await images(folder, 'a.png');
    const via = await write(folder, 'via.json', WRITERS['via.json']!('a.png', [[1, 2, 3, 4]]));
    await rejects(convertLabels(via, `${folder}/out`, { to: 'via' as WritableFormat }), /to is "via", expected one of/);
    assert.is(await detectLabelFormat(folder), 'via');
    const cvat = await write(folder, 'cvat.xml', WRITERS['cvat.xml']!('a.png', [[1, 2, 3, 4]]));
    await rejects(
      detectLabelFormat(folder),
      /2 kinds of labels in .*via.json \(via\), .*cvat.xml \(cvat\): give one of them/,
    );
    // What was converted is read instead of its source, with all formats.
    for (const [name, text] of Object.entries(WRITERS)) await write(folder, name, text('a.png', [[1, 2, 3, 4]]));
    await convertLabels(cvat, `${folder}/boxes.csv`, { to: 'csv' });
    assert.is(await detectLabelFormat(folder), 'csv');
    await rejects(readLabels(cvat, { classProperty: 'x' }), /is cvat: only geojson, vector, via have this option/);
    await rejects(
      readLabels(`${folder}/boxes.csv`, { pointSize: 3 }),
      /is csv: only geojson, vector, via, labelme, cvat/,
    );
  }),
);

test.run();
