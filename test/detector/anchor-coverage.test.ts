import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bestIous, coverageOf, placeBoxes } from '../../src/detector/anchor-coverage.ts';
import { visibleBox } from '../../src/detector/visible-box.ts';
import type { Box, Polygon } from '../../src/imagery/geometry.ts';
import { retinaNetSpec, type RetinaNetSpec } from '../../src/index.ts';
import { enumerateIous, imageOf, smallSpec } from './support.ts';

const specs: Record<string, RetinaNetSpec> = {
  torchvision: retinaNetSpec('torchvision', { transform: { minSize: 160, maxSize: 300 } }),
  paper: retinaNetSpec('paper', { transform: { minSize: null } }),
  detectron2: retinaNetSpec('detectron2', { transform: { minSize: 100, maxSize: 300 } }),
  small: smallSpec,
};

for (const [name, spec] of Object.entries(specs)) {
  test(`the best IoU is that of enumerating all anchors: ${name}`, () => {
    // Of any size, anywhere, and at the edges, where the nearest anchor centre would lie outside the grid.
    const side = fc.oneof(
      fc.double({ min: 0.04, max: 0.2, noNaN: true }),
      fc.double({ min: 0.2, max: 1, noNaN: true }),
    );
    const position = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const box = fc.tuple(position, position, side, side);
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 40, max: 300 }), fc.constantFrom(64, 96, 224)),
        fc.oneof(fc.integer({ min: 40, max: 300 }), fc.constantFrom(64, 96, 224)),
        fc.array(box, { minLength: 1, maxLength: 5 }),
        (width, height, fractions) => {
          const boxes = fractions.map(([x, y, w, h]): Box => {
            const [left, top] = [x * (1 - w) * width, y * (1 - h) * height];
            return [left, top, Math.min(width, left + w * width), Math.min(height, top + h * height)];
          });
          const found = bestIous(placeBoxes([imageOf(width, height, boxes)], spec), spec.anchors);
          assert.is(found.length, boxes.length);
          enumerateIous(spec, boxes, width, height).forEach((iou, i) =>
            assert.ok(Math.abs(iou - found[i]!) < 1e-5, `${found[i]}, expected ${iou}`),
          );
        },
      ),
      { numRuns: 80, seed: 1 },
    );
  });
}

test('boxes are clipped to the image before they are matched, as training clips them', () => {
  const square: Polygon = [
    [
      [80, 40],
      [140, 40],
      [140, 60],
      [80, 60],
    ],
  ];
  const image = imageOf(100, 100, [
    [-20, 10, 16, 26],
    [80, 40, 140, 60],
    // Less than a tenth of this box is visible.
    [95, 10, 195, 30],
    [200, 10, 230, 30],
  ]);
  const objects = image.objects.map((object, i) => (i === 1 ? { ...object, polygons: [square] } : object));
  assert.equal(
    objects.map((object) => visibleBox(image, object)),
    [[0, 10, 16, 26], [80, 40, 100, 60], null, null],
  );
  const placed = placeBoxes([{ ...image, objects }], smallSpec);
  assert.equal(
    [Array.from(placed.widths), Array.from(placed.heights)],
    [
      [16, 20],
      [16, 20],
    ],
  );
});

test('crowds, degenerate boxes and images of unknown size are left out', () => {
  const image = imageOf(100, 100, [
    [1, 1, 20, 20],
    [5, 5, 5, 9],
    [0, 0, 16, 16],
  ]);
  const objects = image.objects.map((object, i) => (i === 0 ? { ...object, crowd: true } : object));
  const placed = placeBoxes(
    [
      { ...image, objects },
      { ...image, width: null, height: null },
    ],
    smallSpec,
  );
  assert.equal([Array.from(placed.images), Array.from(placed.objects)], [[0], [2]]);
});

test('coverage counts fractions of boxes by size', () => {
  const boxes: Box[] = [6, 20, 30, 200].map((side) => [0, 0, side, side]);
  const placed = placeBoxes([imageOf(256, 256, boxes)], smallSpec);
  const coverage = coverageOf(placed, Float64Array.of(0.3, 0.45, 0.5, 0.95), { high: 0.5, low: 0.4 });
  assert.equal(coverage, {
    boxes: 4,
    meanIou: (0.3 + 0.45 + 0.5 + 0.95) / 4,
    belowHigh: 0.5,
    belowLow: 0.25,
    high: 0.5,
    low: 0.4,
    bySize: [
      { from: 0, to: 8, boxes: 1, meanIou: 0.3, belowHigh: 1, belowLow: 1 },
      { from: 16, to: 32, boxes: 2, meanIou: 0.475, belowHigh: 0.5, belowLow: 0 },
      { from: 128, to: 256, boxes: 1, meanIou: 0.95, belowHigh: 0, belowLow: 0 },
    ],
  });
});

test.run();
