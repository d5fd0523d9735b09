import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box, Polygon } from '../../src/imagery/geometry.ts';
import { Random } from '../../src/common/random.ts';
import { checkAnchors } from '../../src/doctor/anchor-checks.ts';
import { bestIous, coverageOf, iousOfImage, placeBoxes } from '../../src/detector/anchor-coverage.ts';
import { anchorColours, anchorPicture } from '../../src/doctor/anchor-pictures.ts';
import { steppedSizes, suggestAnchors } from '../../src/detector/fit-anchors.ts';
import { boxIou } from '../../src/imagery/boxes.ts';
import { makeAnchors, presets, resizedSize, retinaNetSpec, type RetinaNetSpec, type Size } from '../../src/index.ts';
import { scaleBoxes } from '../../src/retinanet/transform.ts';
import { blotches, inventoryOf, itemOf, kinds, objectAt, randomBoxes, smallSpec } from './support.ts';
import { refuses } from '../evaluation/support.ts';

/** Best IoU of each box over all anchors of its image, one by one. */
function enumerate(spec: RetinaNetSpec, boxes: readonly Box[], width: number, height: number): number[] {
  const before: Size = [height, width];
  const after = resizedSize(before, spec.transform);
  const image = after.map((side) => Math.ceil(side / 32) * 32) as unknown as Size;
  const levels = [3, 4, 5, 6, 7].map((n) => image.map((side) => Math.ceil(side / 2 ** n)) as unknown as Size);
  const anchors = makeAnchors(spec.anchors, image, levels);
  const scaled = scaleBoxes(Float32Array.from(boxes.flat()), before, after);
  return boxes.map((_, i) => {
    let best = 0;
    for (let k = 0; k < anchors.length / 4; k++) best = Math.max(best, boxIou(scaled, i, anchors, k));
    return best;
  });
}

const specs: Record<string, RetinaNetSpec> = {
  torchvision: retinaNetSpec('torchvision', { transform: { minSize: 160, maxSize: 300 } }),
  paper: retinaNetSpec('paper', { transform: { minSize: null } }),
  detectron2: retinaNetSpec('detectron2', { transform: { minSize: 100, maxSize: 300 } }),
  small: smallSpec,
};

for (const [name, spec] of Object.entries(specs)) {
  test(`the best IoU is that of enumerating all anchors: ${name}`, () => {
    // Of any size, anywhere, and at the edges, where the nearest place on a grid may lie outside it.
    const side = fc.oneof(
      fc.double({ min: 0.04, max: 0.2, noNaN: true }),
      fc.double({ min: 0.2, max: 1, noNaN: true }),
    );
    const place = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const box = fc.tuple(place, place, side, side);
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 40, max: 300 }), fc.constantFrom(64, 96, 224)),
        fc.oneof(fc.integer({ min: 40, max: 300 }), fc.constantFrom(64, 96, 224)),
        fc.array(box, { minLength: 1, maxLength: 5 }),
        (width, height, shares) => {
          const boxes = shares.map(([x, y, w, h]): Box => {
            const [left, top] = [x * (1 - w) * width, y * (1 - h) * height];
            return [left, top, Math.min(width, left + w * width), Math.min(height, top + h * height)];
          });
          const placed = placeBoxes(
            inventoryOf([
              itemOf(
                'a.png',
                width,
                height,
                boxes.map((b) => objectAt(b)),
              ),
            ]),
            spec,
          );
          const expected = enumerate(spec, boxes, width, height);
          const found = bestIous(placed, spec.anchors);
          assert.is(found.length, boxes.length);
          expected.forEach((iou, i) => assert.ok(Math.abs(iou - found[i]!) < 1e-5, `${found[i]}, expected ${iou}`));
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
  const objects = [
    objectAt([-20, 10, 16, 26]),
    objectAt([80, 40, 140, 60], 0, { polygons: [square] }),
    // Less than a tenth of it is seen.
    objectAt([95, 10, 195, 30]),
    objectAt([200, 10, 230, 30]),
  ];
  const placed = placeBoxes(inventoryOf([itemOf('a.png', 100, 100, objects)]), smallSpec);
  assert.equal(
    [Array.from(placed.widths), Array.from(placed.heights)],
    [
      [16, 20],
      [16, 20],
    ],
  );
  const [first] = iousOfImage(inventoryOf([itemOf('a.png', 100, 100, objects)]), placed, Float64Array.of(0.5, 0.6), 0);
  assert.equal(first, { box: [0, 10, 16, 26], iou: 0.5 });
});

test('crowds, degenerate boxes and images of unknown size are no part of the coverage', () => {
  const items = [
    itemOf('a.png', 100, 100, [
      objectAt([1, 1, 20, 20], 0, { crowd: true }),
      objectAt([5, 5, 5, 9]),
      objectAt([0, 0, 16, 16]),
    ]),
    itemOf('b.png', 100, 100, [objectAt([0, 0, 16, 16])], { size: null }),
  ];
  const placed = placeBoxes(inventoryOf(items), smallSpec);
  assert.equal([Array.from(placed.images), Array.from(placed.objects)], [[0], [2]]);
});

test('coverage counts shares by size', () => {
  const placed = placeBoxes(
    inventoryOf([
      itemOf(
        'a.png',
        256,
        256,
        [
          [0, 0, 6, 6],
          [0, 0, 20, 20],
          [0, 0, 30, 30],
          [0, 0, 200, 200],
        ].map((b) => objectAt(b as unknown as Box)),
      ),
    ]),
    smallSpec,
  );
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

/** Many small boxes, as in overhead imagery, for torchvision's anchors from 32 pixels. */
function smallObjects(side: number, squash = 1): { inventory: ReturnType<typeof inventoryOf>; spec: RetinaNetSpec } {
  const random = new Random('small', side);
  const items = Array.from({ length: 10 }, (_, i) => {
    const boxes = randomBoxes(random, 20, side, 256, 200).map(([x1, y1, x2, y2]): Box => [
      x1,
      y1,
      x2,
      y1 + (y2 - y1) * squash,
    ]);
    return itemOf(
      `${i}.png`,
      256,
      200,
      boxes.map((box) => objectAt(box)),
    );
  });
  return { inventory: inventoryOf(items), spec: retinaNetSpec('torchvision', { transform: { minSize: null } }) };
}

test('small objects: anchors of 32 pixels are found to miss them, those suggested reach them', () => {
  const { inventory, spec } = smallObjects(14);
  const placed = placeBoxes(inventory, spec);
  const suggestion = suggestAnchors(placed, spec.anchors, spec.matcher);
  assert.ok(suggestion.before.belowHigh > 0.9);
  // The rest lies between the cells: 4 pixels off in x and y, two squares of 14 overlap by a third.
  assert.ok(suggestion.after.belowHigh < 0.25, `${suggestion.after.belowHigh}`);
  assert.ok(suggestion.withSmallestAnchor.belowHigh < 0.3);
  assert.ok(suggestion.after.meanIou >= suggestion.withSmallestAnchor.meanIou - 0.02);
  assert.ok(suggestion.smallestAnchor >= 8 && suggestion.smallestAnchor <= 14, `${suggestion.smallestAnchor}`);
  // What is reported is what these numbers give: checked by enumeration.
  const better: RetinaNetSpec = {
    ...spec,
    anchors: { ...spec.anchors, sizes: suggestion.sizes, ratios: suggestion.ratios },
  };
  const first = inventory.items[0]?.image.objects.map(({ box }) => box) ?? [];
  const ious = bestIous(placed, better.anchors);
  enumerate(better, first, 256, 200).forEach((iou, i) => assert.ok(Math.abs(iou - ious[i]!) < 1e-5));
  assert.is(coverageOf(placed, ious, spec.matcher).meanIou, suggestion.after.meanIou);

  const findings = checkAnchors(inventory, spec, placed, bestIous(placed, spec.anchors), suggestion);
  assert.equal(kinds(findings), ['anchor-unreached', 'anchor-rescued']);
  assert.is(findings[0]?.severity, 'error');
  assert.match(findings[0]?.remedy ?? '', `smallest anchor of ${suggestion.smallestAnchor} pixels`);
});

test('flat objects: ratios are found that fit, though no size does', () => {
  const { inventory, spec } = smallObjects(48, 0.2);
  const placed = placeBoxes(inventory, spec);
  const { before, after, withSmallestAnchor, ratios } = suggestAnchors(placed, spec.anchors, spec.matcher);
  assert.ok(after.meanIou > Math.max(before.meanIou, withSmallestAnchor.meanIou) + 0.1);
  assert.ok(ratios[0]! < 0.4, `${ratios}`);
});

test('suggestions are the same for the same seed, keep the number of anchors, and are never worse', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 120 }), fc.constantFrom(1, 2, 3), (side, perLevel) => {
      const { inventory, spec } = smallObjects(side);
      const anchors = {
        ...spec.anchors,
        sizes: steppedSizes(side / 2).map((sizes) => sizes.slice(0, perLevel)),
      };
      const placed = placeBoxes(inventory, { ...spec, anchors });
      const options = { maxBoxes: 100 };
      const once = suggestAnchors(placed, anchors, spec.matcher, options);
      assert.equal(suggestAnchors(placed, anchors, spec.matcher, options), once);
      assert.equal(
        once.sizes.map((sizes) => sizes.length),
        [0, 0, 0, 0, 0].fill(perLevel),
      );
      assert.is(once.ratios.length, 3);
      const cost = (sizes: typeof once.sizes, ratios: readonly number[]): number =>
        bestIous(placed, { ...anchors, sizes, ratios }).reduce(
          (sum, iou) => sum - (1 - iou) ** 2 * Math.log(Math.max(iou, 1e-4)),
          0,
        );
      assert.ok(cost(once.sizes, once.ratios) <= cost(anchors.sizes, anchors.ratios));
    }),
    { numRuns: 6, seed: 2 },
  );
  // What fits a handful of boxes may fit all of them worse; the anchors given stay then.
  const { inventory, spec } = smallObjects(20);
  const placed = placeBoxes(inventory, spec);
  const best = suggestAnchors(placed, spec.anchors, spec.matcher);
  const again = suggestAnchors(placed, { ...spec.anchors, ...best }, spec.matcher, { maxBoxes: 3 });
  assert.equal([again.sizes, again.ratios], [best.sizes, best.ratios]);
  refuses(
    () => suggestAnchors(placeBoxes(inventoryOf([]), smallSpec), smallSpec.anchors, smallSpec.matcher),
    'suggestAnchors: 0 boxes, expected at least one',
  );
});

test('objects that are small at the trained size, and more than are reported of an image, are findings', () => {
  const random = new Random('many');
  const boxes = randomBoxes(random, 12, 12, 200, 200);
  const inventory = inventoryOf([
    itemOf(
      'a.png',
      200,
      200,
      boxes.map((box) => objectAt(box)),
    ),
  ]);
  const spec = retinaNetSpec('torchvision', {
    anchors: { sizes: smallSpec.anchors.sizes },
    transform: { minSize: 100 },
    postprocess: { maxDetections: 10 },
  });
  const placed = placeBoxes(inventory, spec);
  const found = kinds(checkAnchors(inventory, spec, placed, new Float64Array(12).fill(0.9), null));
  assert.equal(found, ['object-small', 'object-many']);
  const whole = {
    ...spec,
    transform: { ...spec.transform, minSize: 200 },
    postprocess: presets.torchvision.postprocess,
  };
  assert.equal(checkAnchors(inventory, whole, placeBoxes(inventory, whole), new Float64Array(12).fill(0.9), null), []);
});

test('the picture shows each box in the colour of its reach', () => {
  const picture = anchorPicture(
    blotches(1, 64, 64),
    [
      { box: [4, 4, 20, 20], iou: 0.7 },
      { box: [24, 4, 40, 20], iou: 0.45 },
      { box: [4, 40, 60, 60], iou: 0.1 },
    ],
    { high: 0.5, low: 0.4 },
    'a.png',
  );
  assert.is(picture.shape[1], 512);
  const at = (x: number, y: number): number[] => [0, 1, 2].map((c) => picture.get(y * 8, x * 8, c));
  assert.equal(
    [at(4, 4), at(24, 4), at(4, 40)],
    [[...anchorColours.reached], [...anchorColours.rescued], [...anchorColours.unreached]],
  );
  // A large image is thinned out, and its boxes with it.
  const thin = anchorPicture(
    blotches(2, 3000, 500),
    [{ box: [300, 90, 900, 270], iou: 0.1 }],
    { high: 0.5, low: 0.4 },
    'b.png',
  );
  assert.is(thin.shape[1], 1000);
  assert.equal(
    [0, 1, 2].map((c) => thin.get(30, 100, c)),
    [...anchorColours.unreached],
  );
});

test.run();
