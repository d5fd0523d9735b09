import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import type { Box, Polygon, Ring } from '../../src/imagery/geometry.ts';
import { judge } from '../../src/evaluation/judge.ts';
import { loadPolygonGeometry } from '../../src/evaluation/polygon-iou.ts';
import { object, randomTables, tableOf } from './tables.ts';

const polygonGeometry = await loadPolygonGeometry();
const triangle = (x: number): Polygon[] => [
  [
    [
      [x, 0],
      [x + 10, 0],
      [x, 10],
    ],
  ],
];
const counts = ({ truePositives, falsePositives, falseNegatives }: Record<string, number | null>) => [
  truePositives,
  falsePositives,
  falseNegatives,
];

test('footprints are harder to find with boxes than boxes are', () => {
  const truth = tableOf(['building'], {
    '1': [0, 20, 40].map((x) => object(0, [x, 0, x + 10, 10], { polygons: triangle(x) })),
  });
  const predictions = tableOf(['building'], {
    '1': [
      object(0, [0, 0, 10, 10], { score: 0.9 }), // Half of the box is the triangle: an IoU of exactly 0.5 is enough.
      object(0, [20, 0, 30, 11], { score: 0.8 }), // 50 of 110.
      object(0, [40, 0, 50, 11], { score: 0.3, polygons: triangle(40) }), // Its outline fits.
    ],
  });
  const { spaceNet, settings } = judge(truth, predictions, { polygonGeometry, resamples: 0, iouThreshold: 0.99 });
  assert.is(settings.scoreThreshold, 0.9, 'the IoU threshold of the judgement is another one');
  assert.equal(counts({ ...spaceNet.box.all }), [3, 0, 0]);
  assert.equal(counts({ ...spaceNet.box.chosen }), [1, 0, 2]);
  assert.ok(spaceNet.polygon !== null);
  assert.equal(counts({ ...spaceNet.polygon.all }), [2, 1, 1]);
  assert.equal(counts({ ...spaceNet.polygon.chosen }), [1, 0, 2]);
  assert.equal([spaceNet.polygon.best.threshold, spaceNet.polygon.best.f1], [0.3, 4 / 6]);
});

test('a footprint is compared whole, though its box ends at the edge of the image', () => {
  const ring: Ring = [
    [-30, 0],
    [10, 0],
    [10, 10],
    [-30, 10],
  ];
  const truth = tableOf(['building'], { '1': [object(0, [0, 0, 10, 10], { polygons: [[ring]] })] });
  const found = (box: Box) => tableOf(['building'], { '1': [object(0, box, { score: 1 })] });
  const f1 = (box: Box) => {
    const { box: boxes, polygon } = judge(truth, found(box), { polygonGeometry, resamples: 0 }).spaceNet;
    return [boxes.all.f1, polygon?.all.f1];
  };
  assert.equal(f1([0, 0, 10, 10]), [1, 0]);
  assert.equal(f1([-30, 0, -8, 10]), [0, 1], 'the boxes do not even meet');
});

test('the polygon form needs outlines in the truth and the package', () => {
  const plain = tableOf(['building'], { '1': [object(0, [0, 0, 10, 10])] });
  const outlined = tableOf(['building'], { '1': [object(0, [0, 0, 10, 10], { polygons: triangle(0) })] });
  assert.is(judge(plain, tableOf([], {}), { polygonGeometry }).spaceNet.polygon, null);
  assert.is(judge(outlined, tableOf([], {})).spaceNet.polygon, null);
  assert.is(judge(outlined, tableOf([], {}), { polygonGeometry }).spaceNet.polygon?.all.falseNegatives, 1);
});

test('with outlines that are the boxes both forms agree', () => {
  const outlined = (table: LabelTable): LabelTable => ({
    ...table,
    images: table.images.map((image) => ({
      ...image,
      objects: image.objects.map((one) => {
        const [x1, y1, x2, y2] = one.box;
        const [left, right]: Polygon[] = [
          [
            [
              [x1, y1],
              [(x1 + x2) / 2, y1],
              [(x1 + x2) / 2, y2],
              [x1, y2],
            ],
          ],
          [
            [
              [(x1 + x2) / 2, y1],
              [x2, y1],
              [x2, y2],
              [(x1 + x2) / 2, y2],
            ],
          ],
        ];
        return { ...one, polygons: [left!, right!] };
      }),
    })),
  });
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      const { truth, predictions } = randomTables(seed, { images: 4, classes: 2, levels: 10 });
      const { spaceNet } = judge(outlined(truth), outlined(predictions), { polygonGeometry, resamples: 0 });
      if (truth.images.some(({ objects }) => objects.length > 0)) assert.equal(spaceNet.polygon, spaceNet.box);
    }),
    { numRuns: 30 },
  );
});

test.run();
