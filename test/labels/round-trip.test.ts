import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { parseClassMapping, writeClassMapping, writeLabelCsv } from '../../src/labels/csv.ts';
import { csvLines } from '../../src/labels/csv-rows.ts';
import type { WritableFormat } from '../../src/labels/formats.ts';
import type { LabelledObject, LabelTable } from '../../src/labels/types.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { writeLabels } from '../../src/labels/node/write-labels.ts';
import { inFolder, write } from '../data/support.ts';

/** What each format can express by its own documentation, independently of the code. */
const CAN: Record<string, string> = {
  coco: 'score crowd area rings size name empty',
  'coco-results': 'score name',
  voc: 'difficult size name empty',
  yolo: 'score ring size name empty',
  csv: 'score name empty',
  deepforest: 'score name empty',
  'keras-retinanet': 'name empty',
  'spacenet-csv': 'score rings empty',
};
const FORMATS = Object.keys(CAN) as WritableFormat[];
const ENDING: Partial<Record<WritableFormat, string>> = { coco: '.json', 'coco-results': '.json', voc: '', yolo: '' };

/** Text with characters that break careless formats; XML and YAML drop spaces around names. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 4 }),
      fc.constantFrom(',', '"', '\n', "'", '&', '<', ';', ': ', ' #', 'é', '樹'),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) =>
    parts
      .join('')
      .replaceAll(/[/\\]|\p{Cc}(?<!\n)/gu, '')
      .trim(),
  )
  .filter((name) => name !== '');

const object = (classes: number, width: number, height: number): fc.Arbitrary<LabelledObject> => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .record({
      label: fc.nat(classes - 1),
      at: fc.tuple(share, share, share, share),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom('plain', 'crowd', 'difficult', 'area'),
      outline: fc.constantFrom(0, 1, 2),
    })
    .map(({ label, at, score, kind, outline }) => {
      const x1 = at[0] * (width - 1);
      const y1 = at[1] * (height - 1);
      const [x2, y2] = [x1 + 0.01 + at[2] * (width - x1 - 0.01), y1 + 0.01 + at[3] * (height - y1 - 0.01)];
      const box: Box = [x1, y1, x2, y2];
      const middle = x1 + (x2 - x1) / 3;
      const ring = [
        [
          [x1, y1],
          [x2, y1],
          [x2, y2],
          [middle, y2],
        ],
      ] as const;
      const other = [
        [
          [x1, y1],
          [middle, y1],
          [x1, y2],
        ],
      ] as const;
      return {
        label,
        box,
        score,
        ...(kind === 'crowd' ? { crowd: true } : {}),
        ...(kind === 'difficult' ? { difficult: true } : {}),
        ...(kind === 'area' ? { area: (x2 - x1) * (y2 - y1) * 0.5 } : {}),
        ...(outline === 0 ? {} : { polygons: outline === 1 ? [ring] : [ring, other] }),
      };
    });
};

const tables: fc.Arbitrary<LabelTable> = fc
  .record({
    classes: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }),
    sizes: fc.array(fc.tuple(fc.integer({ min: 2, max: 3000 }), fc.integer({ min: 2, max: 3000 }), text), {
      minLength: 1,
      maxLength: 3,
    }),
  })
  .chain(({ classes, sizes }) =>
    fc
      .tuple(
        ...sizes.map(([width, height], i) =>
          fc.array(object(classes.length, width, height), { minLength: i === 0 ? 1 : 0, maxLength: 3 }),
        ),
      )
      .map((objects) => ({
        classes,
        images: sizes.map(([width, height, name], i) => ({
          // File names have at most 255 bytes.
          file: `${i === 1 ? 'sub folder/' : ''}${i}-${Array.from(name).slice(0, 12).join('')}.png`,
          width,
          height,
          objects: objects[i]!,
        })),
      })),
  );

/** The first bytes of a PNG file, enough to read its size. */
function pngHeader(width: number, height: number): Uint8Array {
  const bytes = Buffer.alloc(33);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  bytes.writeUInt32BE(13, 8);
  bytes.write('IHDR', 12, 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

function near(actual: readonly number[], expected: readonly number[], scale: number): void {
  assert.is(actual.length, expected.length);
  actual.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]!) <= 1e-9 * scale)) assert.equal(actual, expected);
  });
}

function compare(actual: LabelTable, expected: LabelTable, can: (what: string) => boolean): void {
  const images = new Map(actual.images.map((image) => [image.file, image]));
  for (const image of expected.images) {
    const other = images.get(image.file);
    if (other === undefined) {
      assert.ok(!can('empty') && image.objects.length === 0, `${image.file} is missing`);
      continue;
    }
    if (can('size')) assert.equal([other.width, other.height], [image.width, image.height]);
    assert.is(other.objects.length, image.objects.length);
    const scale = Math.max(image.width!, image.height!);
    image.objects.forEach((object, i) => {
      const found = other.objects[i]!;
      near(found.box, object.box, scale);
      if (can('name')) assert.is(actual.classes[found.label], expected.classes[object.label]);
      if (can('score')) assert.is(found.score, object.score);
      if (can('crowd')) assert.is(found.crowd === true, object.crowd === true);
      if (can('difficult')) assert.is(found.difficult === true, object.difficult === true);
      if (can('area')) near([found.area ?? -1], [object.area ?? -1], scale * scale);
      const rings = object.polygons ?? [];
      if (rings.length > 0 && (can('rings') || (rings.length === 1 && can('ring')))) {
        near((found.polygons ?? []).flat(3), rings.flat(3), scale);
      }
    });
  }
  assert.ok(actual.images.length <= expected.images.length);
}

test(
  'every format to every other: fields that both can express are the same',
  inFolder(async (folder) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(tables, async (table) => {
        const base = `${folder}/${run++}`;
        const images = `${base}/images`;
        for (const { file, width, height } of table.images) {
          await write(images, file, pngHeader(width!, height!));
        }
        for (const first of FORMATS) {
          const a = `${base}/${first}${ENDING[first] ?? '.csv'}`;
          await writeLabels(table, a, first);
          const through = await readLabels(a, { format: first, images, like: table });
          compare(through, table, (what) => capable(first, what));
          for (const second of FORMATS) {
            // Results need scores, and SpaceNet's class is not one of the ground truth's.
            if (second === 'coco-results' && !capable(first, 'score')) continue;
            if (second === 'coco-results' && first === 'spacenet-csv') continue;
            const b = `${base}/${first}-${second}${ENDING[second] ?? '.csv'}`;
            await writeLabels({ ...through }, b, second, { images, like: table });
            const back = await readLabels(b, { format: second, images, like: table });
            compare(back, table, (what) => capable(first, what) && capable(second, what));
          }
        }
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }),
);

for (const name of [';: x;', '\t\tx\t,', 'a;;\nb;;', 'sep=;', '1,5']) {
  test(`CSV: ${JSON.stringify(name)} is not taken for several fields`, () => {
    assert.equal(parseClassMapping(writeClassMapping([name]), 'classes.csv'), [name]);
    const table: LabelTable = {
      classes: [name],
      images: [
        {
          file: `${name.replaceAll('\t', ' ').trim()}.png`,
          width: 9,
          height: 9,
          objects: [{ label: 0, box: [1, 2, 3, 4] }],
        },
      ],
    };
    for (const flavour of ['csv', 'keras-retinanet', 'deepforest'] as const) {
      assert.equal([...csvLines(writeLabelCsv(table, flavour), flavour)].at(-1)?.values.slice(0, 6), [
        table.images[0]!.file,
        '1',
        '2',
        '3',
        '4',
        name,
      ]);
    }
  });
}

/** Whether a format expresses something; a list of rings is more than one ring. */
function capable(format: WritableFormat, what: string): boolean {
  const all = CAN[format]!.split(' ');
  return all.includes(what) || (what === 'ring' && all.includes('rings'));
}

test.run();
