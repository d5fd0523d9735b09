import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { invertAffine, projectionOf, type Affine } from '../../src/imagery/georeference.ts';
import type { LabelledObject } from '../../src/labels/types.ts';
import { Random } from '../../src/common/random.ts';
import { checkBoxes } from '../../src/doctor/box-checks.ts';
import { checkClasses, classTable } from '../../src/doctor/class-checks.ts';
import { checkProblems } from '../../src/doctor/label-checks.ts';
import { checkPlacement } from '../../src/doctor/placement-checks.ts';
import type { ImageFacts } from '../../src/doctor/types.ts';
import { pairwiseIou } from '../../src/imagery/boxes.ts';
import { randomBoxes } from '../detector/support.ts';
import { findingOf, inventoryOf, itemOf, kinds, objectAt } from './support.ts';

/** Boxes of a healthy image of 300 x 100 pixels. */
const healthy = (seed: number): Box[] => randomBoxes(new Random('healthy', seed), 8, 16, 300, 100);

/** An image of 300 x 100 pixels. */
const imageWith = (boxes: readonly Box[]) =>
  inventoryOf([
    itemOf(
      'a.png',
      300,
      100,
      boxes.map((box) => objectAt(box)),
    ),
  ]);

/** Images of 300 x 100 pixels with healthy boxes, written in another way. */
const rewritten = (write: (box: Box) => Box) =>
  inventoryOf(
    Array.from({ length: 5 }, (_, i) =>
      itemOf(
        `${i}.png`,
        300,
        100,
        healthy(i).map((box) => objectAt(write(box))),
      ),
    ),
  );

test('healthy boxes give no finding', () => {
  assert.equal(checkBoxes(rewritten((box) => box)), []);
});

test('boxes that are degenerate, outside, partly outside, tiny and as large as the image', () => {
  const boxes: Record<string, Box[]> = {
    'box-degenerate': [
      [10, 10, 10, 20],
      [10, 10, 5, 20],
      [NaN, 0, 5, 5],
    ],
    'box-outside': [
      [300, 10, 320, 30],
      [10, -30, 30, -5],
    ],
    'box-partly-outside': [[290, 10, 310, 30]],
    'box-tiny': [[50, 50, 53, 70]],
    'box-whole-image': [[0, 0, 300, 100]],
  };
  const objects = [
    ...healthy(1).map((box) => objectAt(box)),
    ...Object.values(boxes)
      .flat()
      .map((box) => objectAt(box)),
  ];
  const findings = checkBoxes(inventoryOf([itemOf('a.png', 300, 100, objects)]));
  assert.equal(kinds(findings).sort(), Object.keys(boxes).sort());
  for (const [kind, own] of Object.entries(boxes)) assert.is(findingOf(findings, kind).count, own.length, kind);
  assert.is(findingOf(findings, 'box-degenerate').severity, 'error');
  assert.match(findingOf(findings, 'box-outside').examples[0] ?? '', 'a.png: [300, 10, 320, 30]');
  // Some tools count one pixel more.
  assert.equal(checkBoxes(inventoryOf([itemOf('a.png', 300, 100, [objectAt([280, 80, 301, 101])])])), []);
});

test('outlines in map coordinates may extend beyond their tile, unless most lie elsewhere', () => {
  const outline = ([x1, y1, x2, y2]: Box): LabelledObject => {
    const ring = [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ] as const;
    return objectAt([x1, y1, x2, y2], 0, { polygons: [[ring]] });
  };
  const tile = (boxes: Box[]) =>
    inventoryOf([itemOf('a.tif', 300, 100, boxes.map(outline), { affine: [1, 0, 0, 0, -1, 0] })]);
  const cut: Box = [280, 20, 330, 60];
  const far: Box = [400, 20, 430, 60];
  assert.equal(checkBoxes(tile([...healthy(1), cut])), []);
  const one = checkBoxes(tile([...healthy(1), far]));
  assert.equal(
    one.map(({ kind, severity }) => [kind, severity]),
    [['footprint-outside', 'note']],
  );
  assert.is(findingOf(checkBoxes(tile([cut, far, far])), 'footprint-outside').severity, 'error');
});

test('degenerate boxes that the reader dropped are counted once', () => {
  const place = { file: 'b.csv', line: 7, origin: 'b.csv:7' };
  const dropped = { kind: 'degenerate', ...place, reason: 'box 5, 5, 5, 9 is empty' } as const;
  const objects = [...healthy(1).map((box) => objectAt(box)), objectAt([5, 5, 5, 9], 0, { origin: 'b.csv:7' })];
  const kept = checkBoxes(inventoryOf([itemOf('a.png', 300, 100, objects)]), [dropped]);
  assert.is(findingOf(kept, 'box-degenerate').count, 1);
  const gone = checkBoxes(inventoryOf([itemOf('a.png', 300, 100, objects.slice(0, -1))]), [dropped]);
  assert.is(findingOf(gone, 'box-degenerate').count, 1);
});

test('boxes drawn twice and boxes of two classes', () => {
  const [a, b] = [objectAt([10, 10, 110, 60]), objectAt([150, 10, 250, 60])];
  const objects: LabelledObject[] = [a, b, objectAt([10.2, 10, 110, 60]), objectAt([152, 10, 250, 60], 1)];
  const findings = checkBoxes(inventoryOf([itemOf('a.png', 300, 100, objects)], ['car', 'van']));
  assert.equal(kinds(findings), ['box-duplicate', 'box-two-classes']);
  // A crowd covers its objects.
  const crowd = [a, objectAt(a.box, 0, { crowd: true })];
  assert.equal(checkBoxes(inventoryOf([itemOf('a.png', 300, 100, crowd)])), []);
});

test('pairs are those that comparing all boxes gives', () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new Random('pairs', seed);
    const boxes = Array.from({ length: 30 }, (): Box => {
      const [x, y] = [random.int(3) * 40, random.int(2) * 40];
      return [
        x + random.uniform(0, 1.5),
        y + random.uniform(0, 1.5),
        x + 36 + random.uniform(0, 1.5),
        y + 36 + random.uniform(0, 1.5),
      ];
    });
    const packed = Float32Array.from(boxes.flat());
    const ious = pairwiseIou(packed, packed);
    let expected = 0;
    for (let i = 0; i < 30; i++) for (let j = 0; j < i; j++) if (ious[i * 30 + j]! > 0.98) expected++;
    const rounded = boxes.map((_, i) => Array.from(packed.subarray(i * 4, i * 4 + 4)) as unknown as Box);
    const findings = checkBoxes(
      inventoryOf([
        itemOf(
          'a.png',
          200,
          100,
          rounded.map((box) => objectAt(box)),
        ),
      ]),
    );
    assert.is(findings.find(({ kind }) => kind === 'box-duplicate')?.count ?? 0, expected, `seed ${seed}`);
  }
});

test('coordinates that were read in another way than they were written', () => {
  const readings: Record<string, (box: Box) => Box> = {
    'box-normalised': ([x1, y1, x2, y2]) => [x1 / 300, y1 / 100, x2 / 300, y2 / 100],
    'box-swapped-axes': ([x1, y1, x2, y2]) => [y1, x1, y2, x2],
    'box-corners-as-size': ([x1, y1, x2, y2]) => [x1, y1, x1 + x2, y1 + y2],
    'box-size-as-corners': ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1],
    'box-inverted': ([x1, y1, x2, y2]) => [x2, y2, x1, y1],
  };
  for (const [kind, write] of Object.entries(readings)) {
    const explanations = kinds(checkBoxes(rewritten(write))).filter((found) => found in readings);
    assert.equal(explanations, [kind]);
  }
  // The reader drops boxes with x2 < x1, but quotes them.
  for (const kind of ['box-size-as-corners', 'box-inverted']) {
    const written = [0, 1, 2, 3, 4].flatMap((i) => healthy(i).map(readings[kind]!));
    const isKept = ([x1, y1, x2, y2]: Box): boolean => x2 > x1 && y2 > y1;
    const problems = written
      .filter((box) => !isKept(box))
      .map((box, i) => ({
        kind: 'degenerate' as const,
        file: 'b.csv',
        line: i,
        origin: `b.csv:${i}`,
        reason: `box ${box.join(', ')} is empty, expected x2 > x1 and y2 > y1`,
        box,
      }));
    const kept = itemOf(
      'a.png',
      300,
      100,
      written.filter(isKept).map((box) => objectAt(box)),
    );
    assert.ok(problems.length > 10);
    const findings = checkBoxes(inventoryOf([kept]), problems);
    assert.is(findings[0]?.kind, kind);
    assert.match(findings[0]!.examples[0]!, /^b\.csv:0: box /);
    // Each cause is reported once.
    assert.not.ok(findings.some((finding) => finding.kind === 'box-degenerate'));
  }
  // Boxes without a width do not suggest another reading.
  const flat = [1, 2, 3, 4].map((x): Box => [x, x, x, x + 9]);
  assert.equal(kinds(checkBoxes(imageWith(flat))), ['box-degenerate']);
  // Boxes that extend beyond the lower edge would fit with x and y swapped, but are not swapped.
  const over = [1, 2, 3, 4].map((x): Box => [x, 90, x + 20, 104]);
  assert.equal(kinds(checkBoxes(imageWith(over))).slice(0, 1), ['box-partly-outside']);
  // An image on its side explains swapped axes by itself.
  const side = rewritten(([x1, y1, x2, y2]) => [y1, x1, y2, x2]).items.map((item) => ({
    ...item,
    facts: { ...item.facts, orientation: 6 },
  }));
  assert.not.ok(kinds(checkBoxes(inventoryOf(side))).includes('box-swapped-axes'));
});

/** A georeferenced image of 200 x 200 pixels. */
const georeferenced = (affine: Affine, epsg: number): Partial<ImageFacts> => ({
  kind: 'tiff',
  affine,
  epsg,
  geographic: epsg === 4326,
});

test('labels in other coordinates than their image: swapped, in degrees, in degrees and swapped', () => {
  const degrees: Affine = [1e-5, 0, 2.3, 0, -1e-5, 48.9];
  const [x, y] = projectionOf(32631)?.(2.3, 48.9) ?? [0, 0];
  const metres: Affine = [0.5, 0, x, 0, -0.5, y];
  /** Boxes around points on the map, placed by a reader that takes their coordinates for those of the image. */
  const placed = (affine: Affine, points: readonly (readonly [number, number])[]): LabelledObject[] =>
    points.map(([px, py]) => {
      const [column, row] = invertAffine(affine)(px, py);
      return objectAt([column - 5, row - 5, column + 5, row + 5]);
    });
  const lonLat = [
    [2.3002, 48.8998],
    [2.3005, 48.8995],
  ] as const;
  const latLon = lonLat.map(([lon, lat]) => [lat, lon] as const);
  const find = (affine: Affine, epsg: number, points: readonly (readonly [number, number])[]): string[] =>
    kinds(
      checkPlacement(inventoryOf([itemOf('a.tif', 200, 200, placed(affine, points), georeferenced(affine, epsg))])),
    );
  assert.equal(find(degrees, 4326, lonLat), []);
  assert.equal(find(degrees, 4326, latLon), ['crs-swapped-axes']);
  assert.equal(find(metres, 32631, lonLat), ['crs-degrees']);
  assert.equal(find(metres, 32631, latLon), ['crs-degrees-swapped']);
  // A reader that knows about degrees projects them to the metres of the image, swapped or not.
  for (const [epsg, lon, lat] of [
    [32631, 2.3, 48.9],
    [32735, 28, -26],
    [3857, -70, 40],
  ] as const) {
    const project = projectionOf(epsg)!;
    const [east, north] = project(lon, lat);
    const own: Affine = [0.5, 0, east - 50, 0, -0.5, north + 50];
    const at = [0, 1, 2].map((i) => [lon + i * 1e-4, lat - i * 1e-4] as const);
    assert.equal(
      find(
        own,
        epsg,
        at.map(([x, y]) => project(x, y)),
      ),
      [],
      `${epsg}`,
    );
    assert.equal(
      find(
        own,
        epsg,
        at.map(([x, y]) => project(y, x)),
      ),
      ['crs-swapped-axes'],
      `${epsg}, swapped`,
    );
  }
  // No reading explains labels of another place.
  assert.equal(find(metres, 32631, [[x + 5000, y]]), []);
  assert.equal(find(degrees, 4326, [[7, 50]]), []);
});

test('the table of classes, and classes that are spelled in two ways, background, unused, small, rare', () => {
  const labels = [...Array.from({ length: 1100 }, () => 0), ...Array.from({ length: 12 }, () => 1), 2, 3];
  const items = [
    itemOf(
      'a.png',
      100,
      100,
      labels.map((label) => objectAt([1, 1, 9, 9], label)),
    ),
    itemOf('b.png', 100, 100, [objectAt([1, 1, 9, 9], 1), objectAt([1, 1, 9, 9], 0, { crowd: true })]),
  ];
  const classes = ['Car', 'light-pole', 'car ', 'Light Pole', 'background'];
  const { table } = inventoryOf(items, classes);
  const rows = classTable(table);
  assert.equal(
    rows.map(({ boxes }) => boxes),
    [1100, 13, 1, 1, 0],
  );
  assert.equal(
    rows.map(({ images }) => images),
    [1, 2, 1, 1, 0],
  );
  assert.ok(Math.abs(rows.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-12);
  const findings = checkClasses(table);
  assert.equal(kinds(findings), ['class-spelling', 'class-background', 'class-unused', 'class-few', 'class-imbalance']);
  assert.equal(findingOf(findings, 'class-spelling').examples, ['"Car" and "car "', '"light-pole" and "Light Pole"']);
  assert.is(findingOf(findings, 'class-few').count, 2);
  assert.is(findingOf(findings, 'class-imbalance').count, 2);

  assert.equal(kinds(checkClasses(inventoryOf([itemOf('a.png', 9, 9, [])]).table)), ['class-none']);
  const wild = inventoryOf([
    itemOf('a.png', 99, 99, [...labels.slice(0, 20).map(() => objectAt([1, 1, 9, 9])), objectAt([1, 1, 9, 9], 1)]),
  ]);
  assert.equal(kinds(checkClasses(wild.table)), ['class-label']);
});

test('what the reader reported becomes findings, by kind', () => {
  const problem = (kind: 'syntax' | 'number' | 'class' | 'image', line: number) => ({
    kind,
    file: 'b.csv',
    line,
    origin: `b.csv:${line}`,
    reason: `wrong ${kind}`,
  });
  const findings = checkProblems([
    problem('class', 3),
    problem('syntax', 4),
    problem('class', 5),
    problem('image', 6),
    problem('number', 7),
  ]);
  assert.equal(kinds(findings), ['label-syntax', 'label-number', 'label-class', 'label-image']);
  assert.is(findingOf(findings, 'label-class').count, 2);
  assert.is(findingOf(findings, 'label-class').where, 'b.csv:3');
});

test.run();
