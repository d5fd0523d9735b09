import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bestIous, coverageOf, placeBoxes, type PlacedBoxes } from '../../src/detector/anchor-coverage.ts';
import { fitAnchors, fitSmallestAnchor, steppedSizes, type AnchorShapes } from '../../src/detector/fit-anchors.ts';
import { retinaNetSpec } from '../../src/index.ts';
import { refuses } from '../evaluation/support.ts';
import { enumerateIous, imageOf, smallObjects, smallSpec } from './support.ts';

/** torchvision's anchors, from 32 pixels upwards, on images that are not resized. */
const spec = retinaNetSpec('torchvision', { transform: { minSize: null } });
const { anchors } = spec;

const place = (side: number, squash = 1): PlacedBoxes =>
  placeBoxes(
    smallObjects(side, squash).map((boxes) => imageOf(256, 200, boxes)),
    spec,
  );
const coverage = (boxes: PlacedBoxes, shapes: Partial<AnchorShapes> = {}) =>
  coverageOf(boxes, bestIous(boxes, { ...anchors, ...shapes }), spec.matcher);

test('anchors fitted to small objects overlap them', () => {
  const boxes = place(14);
  const fitted = fitAnchors(boxes, anchors);
  const smallest = fitSmallestAnchor(boxes, anchors);
  const [before, after, stepped] = [
    coverage(boxes),
    coverage(boxes, fitted),
    coverage(boxes, { sizes: steppedSizes(smallest) }),
  ];
  assert.ok(before.belowHigh > 0.9);
  // The others lie between the cells: 4 pixels off in x and y, two squares of 14 overlap by a third.
  assert.ok(after.belowHigh < 0.25, `${after.belowHigh}`);
  assert.ok(stepped.belowHigh < 0.3);
  assert.ok(after.meanIou >= stepped.meanIou - 0.02);
  assert.ok(smallest >= 8 && smallest <= 14, `${smallest}`);
  // Checked by enumerating the anchors.
  const better = { ...spec, anchors: { ...anchors, ...fitted } };
  const ious = bestIous(boxes, better.anchors);
  enumerateIous(better, smallObjects(14)[0]!, 256, 200).forEach((iou, i) => assert.ok(Math.abs(iou - ious[i]!) < 1e-5));
});

test('flat objects: fitted ratios match where no size does', () => {
  const boxes = place(48, 0.2);
  const fitted = fitAnchors(boxes, anchors);
  const stepped = { sizes: steppedSizes(fitSmallestAnchor(boxes, anchors)) };
  const others = Math.max(coverage(boxes).meanIou, coverage(boxes, stepped).meanIou);
  assert.ok(coverage(boxes, fitted).meanIou > others + 0.1);
  assert.ok(fitted.ratios[0]! < 0.4, `${fitted.ratios}`);
});

test('fitted anchors are the same for the same seed, keep the number of anchors, and are never worse', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 120 }), fc.constantFrom(1, 2, 3), (side, perLevel) => {
      const boxes = place(side);
      const given = { ...anchors, sizes: steppedSizes(side / 2).map((sizes) => sizes.slice(0, perLevel)) };
      const once = fitAnchors(boxes, given, { maxBoxes: 100 });
      assert.equal(fitAnchors(boxes, given, { maxBoxes: 100 }), once);
      assert.equal(
        once.sizes.map((sizes) => sizes.length),
        [0, 0, 0, 0, 0].fill(perLevel),
      );
      assert.is(once.ratios.length, 3);
      const cost = (shapes: AnchorShapes): number =>
        bestIous(boxes, { ...anchors, ...shapes }).reduce(
          (sum, iou) => sum - (1 - iou) ** 2 * Math.log(Math.max(iou, 1e-4)),
          0,
        );
      assert.ok(cost(once) <= cost(given));
    }),
    { numRuns: 6, seed: 2 },
  );
  // Anchors that fit a few boxes may fit all of them worse; then the given anchors are kept.
  const boxes = place(20);
  const best = fitAnchors(boxes, anchors);
  assert.equal(fitAnchors(boxes, { ...anchors, ...best }, { maxBoxes: 3 }), best);
});

test('the smallest anchor is the one that fits best of all integers', () => {
  const boxes = place(20);
  const cost = (side: number): number =>
    bestIous(boxes, { ...anchors, sizes: steppedSizes(side) }).reduce(
      (sum, iou) => sum - (1 - iou) ** 2 * Math.log(Math.max(iou, 1e-4)),
      0,
    );
  const best = fitSmallestAnchor(boxes, anchors);
  for (let side = 4; side <= 160; side++) assert.ok(cost(best) <= cost(side), `${side} is better than ${best}`);
});

test('anchors cannot be fitted without boxes', () => {
  refuses(
    () => fitAnchors(placeBoxes([], smallSpec), smallSpec.anchors),
    'fitAnchors: the number of boxes is 0, expected an integer >= 1',
  );
});

test.run();
