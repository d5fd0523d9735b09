import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matchDetections } from '../../src/evaluation/match.ts';
import { detectionsOf, refuses, truthOf } from './support.ts';

const matched = (...arguments_: Parameters<typeof matchDetections>) => {
  const { truthOf: forDetections, detectionOf } = matchDetections(...arguments_);
  return [[...forDetections], [...detectionOf]];
};

test('the higher-scoring of two detections of one object is right, the other wrong', () => {
  const truth = truthOf([[0, 0, 10, 10], 0]);
  assert.equal(matched(detectionsOf([[0, 0, 10, 9], 0, 0.3], [[0, 0, 10, 8], 0, 0.9]), truth), [[-1, 0], [1]]);
});

test('equal scores take their turn in the order given', () => {
  const truth = truthOf([[0, 0, 10, 10], 0]);
  assert.equal(matched(detectionsOf([[0, 0, 10, 6], 0, 0.5], [[0, 0, 10, 10], 0, 0.5]), truth), [[0, -1], [0]]);
});

test('a detection takes the best object that is free, not the first that will do', () => {
  const truth = truthOf([[0, 0, 10, 8], 0], [[0, 0, 10, 10], 0]);
  assert.equal(matched(detectionsOf([[0, 0, 10, 10], 0, 0.9]), truth), [[1], [-1, 0]]);
  // The second detection turns to the second best (as COCO, unlike VOC).
  const both = detectionsOf([[0, 0, 10, 10], 0, 0.9], [[0, 0, 10, 10], 0, 0.8]);
  assert.equal(matched(both, truth), [
    [1, 0],
    [1, 0],
  ]);
});

test('of objects with the same IoU the first is taken', () => {
  const truth = truthOf([[0, 0, 4, 2], 0], [[0, 2, 4, 4], 0]);
  assert.equal(matched(detectionsOf([[0, 0, 4, 4], 0, 0.9]), truth), [[0], [0, -1]]);
});

test('an IoU equal to the threshold is enough', () => {
  const truth = truthOf([[0, 0, 10, 10], 0]);
  const half = detectionsOf([[0, 0, 10, 5], 0, 0.9]);
  assert.equal(matched(half, truth), [[0], [0]]);
  assert.equal(matched(half, truth, { iouThreshold: 0.500001 }), [[-1], [-1]]);
  assert.equal(matched(detectionsOf([[0, 0, 10, 10], 0, 0.9]), truth, { iouThreshold: 1 }), [[0], [0]]);
});

test('classes do not match each other', () => {
  const truth = truthOf([[0, 0, 10, 10], 1], [[0, 0, 10, 6], 0]);
  assert.equal(matched(detectionsOf([[0, 0, 10, 10], 0, 0.9], [[0, 0, 10, 10], 2, 0.8]), truth), [
    [1, -1],
    [-1, 0],
  ]);
});

test('no detections and no objects', () => {
  assert.equal(matched(detectionsOf(), truthOf()), [[], []]);
  assert.equal(matched(detectionsOf([[0, 0, 1, 1], 0, 1]), truthOf()), [[-1], []]);
  assert.equal(matched(detectionsOf(), truthOf([[0, 0, 1, 1], 0])), [[], [-1]]);
});

test('input that does not fit is refused', () => {
  const one = detectionsOf([[0, 0, 1, 1], 0, 1]);
  const none = truthOf();
  refuses(
    () => matchDetections({ ...one, scores: new Float32Array(2) }, none),
    'matchDetections: 2 scores for 1 detections, expected the same number',
  );
  refuses(
    () => matchDetections({ ...one, scores: Float32Array.of(NaN) }, none),
    'matchDetections: the score of detection 0 is NaN, expected a finite number',
  );
  refuses(
    () => matchDetections({ ...one, labels: new Int32Array(3) }, none),
    'matchDetections: 1 boxes and 3 labels in detections, expected the same number',
  );
  refuses(
    () => matchDetections(one, truthOf([[0, 0, 1, 1], 0], [[0, 0, Infinity, 1], 0])),
    'matchDetections: box 1 of truth holds Infinity, expected finite coordinates',
  );
  for (const iouThreshold of [0, -1, 1.5, NaN]) {
    refuses(
      () => matchDetections(one, none, { iouThreshold }),
      `matchDetections: iouThreshold is ${iouThreshold}, expected a number > 0 and <= 1`,
    );
  }
});

test('detections of crowds and difficult objects are ignored, however many, unless they find a true object', () => {
  const truth = {
    ...truthOf([[0, 0, 40, 40], 0], [[60, 0, 70, 10], 0], [[10, 10, 20, 20], 0]),
    crowd: Uint8Array.of(1, 0, 0),
    difficult: Uint8Array.of(0, 1, 0),
  };
  const detections = detectionsOf(
    [[10, 10, 20, 20], 0, 0.9], // The object in the crowd.
    [[10, 10, 20, 20], 0, 0.8], // Again: that is a part of the crowd.
    [[35, 0, 45, 10], 0, 0.7], // Half of it lies in the crowd.
    [[36, 0, 46, 10], 0, 0.6], // Less than half.
    [[60, 0, 70, 9], 0, 0.5],
    [[60, 0, 70, 8], 0, 0.4], // The difficult object, twice.
    [[60, 0, 70, 4], 0, 0.3], // Its IoU is too low, as for any object.
    [[0, 0, 40, 40], 1, 0.2], // Another class.
  );
  const { truthOf: found, detectionOf, ignored } = matchDetections(detections, truth);
  assert.equal([...found], [2, -1, -1, -1, -1, -1, -1, -1]);
  assert.equal([...ignored], [0, 1, 1, 0, 1, 1, 0, 0]);
  assert.equal([...detectionOf], [-1, -1, 0]);
  refuses(
    () => matchDetections(detections, { ...truth, crowd: new Uint8Array(2) }),
    'matchDetections: 2 values of crowd for 3 true boxes, expected the same number',
  );
});

test('objects of very different widths are found wherever they begin', () => {
  const truth = truthOf([[0, 0, 1000, 10], 0], [[500, 0, 501, 10], 0], [[990, 0, 1006, 10], 0], [[0, 0, 512, 10], 0]);
  const found = detectionsOf([[500, 0, 501, 9], 0, 0.9], [[5, 0, 1005, 10], 0, 0.8], [[992, 0, 1006, 10], 0, 0.7]);
  assert.equal(matched(found, truth), [
    [1, 0, 2],
    [1, 0, 2, -1],
  ]);
});

test.run();
