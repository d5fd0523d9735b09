import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { areaText, judgeArea, loadPolygonGeometry, type JudgeAreaOptions } from '../../src/evaluation.ts';

type Square = readonly [x: number, y: number, label?: number, score?: number];

/** Squares of 10 m by their lower left corners. */
const pack = (squares: readonly Square[]) => ({
  boxes: Float64Array.from(squares.flatMap(([x, y]) => [x, y, x + 10, y + 10])),
  labels: Int32Array.from(squares, ([, , label = 0]) => label),
  scores: Float64Array.from(squares, ([, , , score = 0.5]) => score),
});
const geometry = await loadPolygonGeometry();
const HECTARE = geometry.boxOutline([0, 0, 100, 100]);

function judge(truth: readonly Square[], detections: readonly Square[], options: Partial<JudgeAreaOptions> = {}) {
  return judgeArea(pack(truth), pack(detections), {
    classes: ['building', 'pool'],
    area: HECTARE,
    hectares: 1,
    resamples: 0,
    ...options,
  });
}

test('hits, misses and false alarms, by score and class', () => {
  const truth: Square[] = [
    [10, 10],
    [30, 10],
    [50, 10, 1],
    [70, 10],
  ];
  // IoU 80 / 120 = 0.667, 1 (a second one of the same), 1 of another class, 30 / 170 = 0.176.
  const found: Square[] = [
    [12, 10, 0, 0.9],
    [10, 10, 0, 0.8],
    [50, 10, 0, 0.7],
    [77, 10, 0, 0.6],
    [30, 10, 0, 0.1],
  ];
  const { judgement, outcomeOfTruth, outcomeOfDetection } = judge(truth, found, { scoreThreshold: 0.5 });
  assert.equal(outcomeOfTruth, ['hit', 'miss', 'miss', 'miss']);
  assert.equal(outcomeOfDetection, ['hit', 'false alarm', 'false alarm', 'false alarm', null]);
  assert.is(judgement.chosen.precision, 1 / 4);
  assert.is(judgement.chosen.recall, 1 / 4);
  // All five detections: 2 right of 5, 2 found of 4. The first alone: 2 / (1 + 4) = 0.4 < 4 / 9.
  assert.is(judgement.best.f1, 4 / 9);
  assert.is(judgement.best.threshold, 0.1);
  const [building, pool] = judgement.perClass;
  assert.equal([building?.truths, building?.detections], [3, 5]);
  // Recalls 0.00 to 0.33 at precision 1, to 0.66 at precision 2 / 5.
  assert.ok(Math.abs(building!.averagePrecision! - (34 + 33 * 0.4) / 101) < 1e-12);
  assert.equal([pool?.truths, pool?.detections, pool?.averagePrecision], [1, 0, 0]);
  assert.equal(judgement.perHectare.truths, { estimate: 4, low: null, high: null });
  assert.is(judgement.perHectare.detections.estimate, 4);
});

test('only what lies in the area counts, holes are outside, and no pair is divided by the border', () => {
  const square = (x1: number, y1: number, x2: number, y2: number) =>
    [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ] as const;
  // Two polygons that overlap: their union is the hectare without its hole.
  const area = geometry.outline([[square(0, 0, 60, 100), square(20, 20, 50, 50)], [square(60, 0, 100, 100)]]);
  assert.is(area.area, 9100);
  const truth: Square[] = [
    [2, 2],
    [30, 30], // In the hole.
    [-6, 60], // Its centre is outside.
    [93, 60], // Its centre is inside, that of its detection is not.
  ];
  const found: Square[] = [
    [30, 30, 0, 0.9], // With the object in the hole.
    [-4, 60, 0, 0.8], // Inside, but with an object outside: no false alarm.
    [96, 60, 0, 0.7],
    [35, 22, 0, 0.6], // In the hole, alone: IoU 10 / 190 with the object there.
    [70, 70, 0, 0.5],
  ];
  const { judgement, outcomeOfTruth, outcomeOfDetection } = judge(truth, found, { area });
  assert.equal(outcomeOfTruth, ['miss', null, null, 'hit']);
  assert.equal(outcomeOfDetection, [null, null, 'hit', null, null]);
  assert.equal(judgement.counts, { truths: 2, detections: 2, truthsOutside: 2, detectionsOutside: 3 });
  assert.is(judgement.settings.scoreThreshold, 0.7);
  assert.is(judgement.chosen.precision, 1);
  assert.is(judgement.chosen.recall, 1 / 2);
});

test('figures of nothing are null', () => {
  const none = judge([], []).judgement;
  assert.equal(
    [none.chosen.precision, none.chosen.recall, none.chosen.f1, none.averagePrecision],
    [null, null, null, null],
  );
  const misses = judge([[10, 10]], []).judgement;
  assert.equal([misses.chosen.precision, misses.chosen.recall, misses.chosen.f1], [0, 0, 0]);
  const alarms = judge([], [[10, 10]]).judgement;
  assert.equal([alarms.chosen.precision, alarms.chosen.recall, alarms.averagePrecision], [0, null, null]);
  assert.match(areaText(none, 'nowhere'), /precision +- /);
});

test('intervals resample blocks of ground, with their share of the area', () => {
  // One object in every block, found in the left half.
  const truth = Array.from({ length: 100 }, (_, k): Square => [10 * (k % 10), 10 * Math.floor(k / 10)]);
  const found = truth.filter(([x]) => x < 50).map(([x, y]): Square => [x, y]);
  const { judgement } = judge(truth, found, { resamples: 2000 });
  assert.equal(judgement.bootstrap, {
    confidence: 0.95,
    resamples: 2000,
    seed: 0,
    blocks: 100,
    blocksWithObjects: 100,
    blockSide: 10,
  });
  const { truths } = judgement.perHectare;
  assert.is(truths.estimate, 100);
  assert.ok(Math.abs(truths.low! - 100) < 1e-9 && Math.abs(truths.high! - 100) < 1e-9);
  // Binomial with n = 100, p = 0.5: 0.5 +- 1.96 * 0.05.
  const { estimate, low, high } = judgement.recall;
  assert.is(estimate, 0.5);
  assert.ok(Math.abs(low! - 0.4) <= 0.011 && Math.abs(high! - 0.6) <= 0.011, `${low} to ${high}`);
  assert.ok(Math.abs(judgement.perHectare.detections.low! - 100 * low!) < 1e-9);
  assert.equal(judgement.precision, { estimate: 1, low: 1, high: 1 });
  // A strip of 100 x 25 m has 2.5 rows of blocks: the half blocks count half.
  const strip = judge(truth, [], { area: geometry.boxOutline([0, 0, 100, 25]), hectares: 0.25, resamples: 100 });
  assert.is(strip.judgement.bootstrap.blocks, 30);
  assert.is(strip.judgement.perHectare.truths.estimate, 80);
  const few = judge(
    [
      [10, 10],
      [30, 30],
    ],
    [],
    { resamples: 100 },
  ).judgement;
  assert.equal(few.recall, { estimate: 0, low: null, high: null });
  assert.match(areaText(few, 'a hectare'), /too few places for an interval: 2 blocks of ground have objects/);
});

test('options out of range are refused', () => {
  assert.throws(() => judge([], [], { hectares: 0 }), /judgeArea: hectares is 0, expected a finite number > 0/);
  assert.throws(() => judge([], [], { area: geometry.outline([]) }), /judgeArea: area.area is 0/);
  assert.throws(() => judge([], [], { iouThreshold: 0 }), /judgeArea: iouThreshold is 0/);
  assert.throws(() => judge([[0, 0, 2]], []), /label 2 in image 0, expected 0 to 1/);
});

test.run();
