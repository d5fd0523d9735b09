import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { bestIous, placeBoxes } from '../../src/detector/anchor-coverage.ts';
import { checkAnchors } from '../../src/doctor/anchor-checks.ts';
import { anchorColours, anchorPicture } from '../../src/doctor/anchor-pictures.ts';
import { suggestAnchors } from '../../src/doctor/anchor-suggestion.ts';
import { choosePictures, reachedBoxes } from '../../src/doctor/picture-choice.ts';
import { sizedImage, type Inventory } from '../../src/doctor/types.ts';
import { presets, retinaNetSpec, type RetinaNetSpec } from '../../src/index.ts';
import { randomBoxes, smallObjects, smallSpec } from '../detector/support.ts';
import { blotches, inventoryOf, itemOf, kinds, objectAt } from './support.ts';

const place = ({ items }: Inventory, spec: RetinaNetSpec) => placeBoxes(items.map(sizedImage), spec);

test('small objects: anchors from 32 pixels miss them, those that are suggested reach them', () => {
  const inventory = inventoryOf(
    smallObjects(14).map((boxes, i) =>
      itemOf(
        `${i}.png`,
        256,
        200,
        boxes.map((box) => objectAt(box)),
      ),
    ),
  );
  const spec = retinaNetSpec('torchvision', { transform: { minSize: null } });
  const placed = place(inventory, spec);
  const suggestion = suggestAnchors(placed, spec);
  const { before, after, withSmallestAnchor, smallestAnchor } = suggestion;
  assert.ok(after.belowHigh < before.belowHigh / 2 && withSmallestAnchor.belowHigh < before.belowHigh / 2);
  const findings = checkAnchors(inventory, spec, placed, bestIous(placed, spec.anchors), suggestion);
  assert.equal(kinds(findings), ['anchor-unreached', 'anchor-rescued']);
  assert.is(findings[0]?.severity, 'error');
  assert.match(findings[0]?.remedy ?? '', `smallest anchor of ${smallestAnchor} pixels`);
});

test('boxes of a picture are clipped, in pixels of the image, each with its IoU', () => {
  const objects = [objectAt([-20, 10, 16, 26]), objectAt([200, 10, 230, 30]), objectAt([40, 40, 60, 60])];
  const inventory = inventoryOf([itemOf('a.png', 100, 100, objects)]);
  const placed = place(inventory, smallSpec);
  assert.equal(reachedBoxes(inventory.items, placed, Float64Array.of(0.5, 0.6), 0), [
    { box: [0, 10, 16, 26], iou: 0.5 },
    { box: [40, 40, 60, 60], iou: 0.6 },
  ]);
});

test('pictures show images with most unreached boxes first, then those with the lowest mean IoU', () => {
  const object = objectAt([10, 10, 30, 30]);
  const unreadable = { problem: { kind: 'unreadable', message: 'damaged' } } as const;
  const { items } = inventoryOf([
    itemOf('good.png', 100, 100, [object]),
    itemOf('empty.png', 100, 100, []),
    itemOf('two.png', 100, 100, [object, object]),
    itemOf('poor.png', 100, 100, [object]),
    itemOf('damaged.png', 100, 100, [object], unreadable),
  ]);
  const placed = placeBoxes(items.map(sizedImage), smallSpec);
  const ious = Float64Array.of(0.9, 0.4, 0.4, 0.6, 0.1);
  const files = (count: number) => choosePictures(items, placed, ious, 0.5, count).map(({ facts }) => facts.file);
  assert.equal(files(9), ['two.png', 'poor.png', 'good.png']);
  assert.equal(files(1), ['two.png']);
});

test('objects that are small after resizing, and more objects than detections are kept, are findings', () => {
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
  const placed = place(inventory, spec);
  const found = kinds(checkAnchors(inventory, spec, placed, new Float64Array(12).fill(0.9), null));
  assert.equal(found, ['object-small', 'object-many']);
  const whole = {
    ...spec,
    transform: { ...spec.transform, minSize: 200 },
    postprocess: presets.torchvision.postprocess,
  };
  assert.equal(checkAnchors(inventory, whole, place(inventory, whole), new Float64Array(12).fill(0.9), null), []);
});

test('the picture shows each box in the colour of how well anchors reach it', () => {
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
  // A large image is subsampled, and its boxes are scaled with it.
  const large = anchorPicture(
    blotches(2, 3000, 500),
    [{ box: [300, 90, 900, 270], iou: 0.1 }],
    { high: 0.5, low: 0.4 },
    'b.png',
  );
  assert.is(large.shape[1], 1000);
  assert.equal(
    [0, 1, 2].map((c) => large.get(30, 100, c)),
    [...anchorColours.unreached],
  );
});

test.run();
