import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cocoMetrics } from '../../src/evaluation/coco.ts';
import { evaluateDetections } from '../../src/evaluation/detection-metrics.ts';
import type { EvaluatedImage } from '../../src/evaluation/match.ts';
import { averagePrecisions, countsAt, distinctScores } from './oracle.ts';
import { detectionsOf, randomImages, refuses, truthOf } from './support.ts';

const building = { classes: ['building'] };
const close = (got: number | null, expected: number | null, what?: string) => {
  if (got === null || expected === null) assert.is(got, expected, what);
  else assert.ok(Math.abs(got - expected) < 1e-12, `${what ?? 'value'}: got ${got}, expected ${expected}`);
};

/** Two images with three objects; scores .9 right, .8 wrong, .7 right, .6 a duplicate; one object is missed. */
const worked: EvaluatedImage[] = [
  {
    truth: truthOf([[0, 0, 10, 10], 0], [[20, 0, 30, 10], 0]),
    detections: detectionsOf([[0, 0, 10, 9], 0, 0.9], [[0, 0, 9, 10], 0, 0.6], [[50, 50, 60, 60], 0, 0.8]),
  },
  { truth: truthOf([[5, 5, 15, 15], 0]), detections: detectionsOf([[5, 5, 15, 14], 0, 0.7]) },
];

test('a case worked out by hand', () => {
  const result = evaluateDetections(worked, building);
  assert.equal([...result.curve.scores], [0.9, 0.8, 0.7, 0.6].map(Math.fround));
  assert.equal([...result.curve.truePositives], [1, 1, 2, 2]);
  assert.equal([...result.curve.falsePositives], [0, 1, 1, 2]);
  assert.equal([result.images, result.truths, result.detections, result.iouThreshold], [2, 3, 4, 0.5]);
  const counts = { truePositives: 2, falsePositives: 2, falseNegatives: 1 };
  assert.equal(result.total, { ...counts, threshold: Math.fround(0.6), precision: 1 / 2, recall: 2 / 3, f1: 4 / 7 });
  // F1 is 2/4, 2/5, 4/6, 4/7 in turn.
  assert.is(result.best.threshold, Math.fround(0.7));
  assert.is(result.best.f1, 4 / 6);
  // Recall rises by 1/3 at precision 1 and by 1/3 at precision 2/3.
  close(result.meanAveragePrecision, (1 + 2 / 3) / 3);
  // Of the recalls 0, .01, .. 1 there are 34 up to 1/3 and 33 more up to 2/3.
  close(result.meanAveragePrecision101, (34 + (33 * 2) / 3) / 101);
  assert.is(result.classes[0]?.name, 'building');
  assert.is(result.classes[0]?.detections, 4);
});

test('an operating point at any score threshold', () => {
  const { curve } = evaluateDetections(worked, building);
  const counts = (t: number) => {
    const { threshold, truePositives, falsePositives, falseNegatives } = curve.atThreshold(t);
    assert.is(threshold, t);
    return [truePositives, falsePositives, falseNegatives];
  };
  assert.equal(counts(0.95), [0, 0, 3]);
  assert.equal(counts(Infinity), [0, 0, 3]);
  assert.equal(counts(0.9), [1, 0, 2], 'a score equal to the threshold counts, though 0.9 is not a float32');
  assert.equal(counts(0.75), [1, 1, 2]);
  assert.equal(counts(0.7), [2, 1, 1]);
  assert.equal(counts(0.61), [2, 1, 1]);
  assert.equal(counts(-1), [2, 2, 1]);
  refuses(() => curve.atThreshold(NaN), 'PrecisionRecallCurve.atThreshold: threshold is NaN, expected a number');
  refuses(() => curve.at(4), 'PrecisionRecallCurve.at: k is 4, expected an integer from 0 to 3');
});

test('equal scores enter the curve together, in whatever order the images are', () => {
  const images: EvaluatedImage[] = [
    { truth: truthOf([[0, 0, 4, 4], 0]), detections: detectionsOf([[0, 0, 4, 4], 0, 0.5]) },
    { truth: truthOf(), detections: detectionsOf([[0, 0, 4, 4], 0, 0.5]) },
  ];
  for (const order of [images, [...images].reverse()]) {
    const { curve, meanAveragePrecision } = evaluateDetections(order, building);
    assert.equal([...curve.truePositives], [1]);
    assert.equal([...curve.falsePositives], [1]);
    close(meanAveragePrecision, 0.5);
  }
});

test('without objects, figures are not defined, never 1', () => {
  const something = detectionsOf([[0, 0, 4, 4], 0, 0.5]);
  const object = truthOf([[9, 9, 12, 12], 0]);
  const undefinedFigures = [null, null, null];
  const cases: [EvaluatedImage[], (number | null)[], number | null][] = [
    [[], undefinedFigures, null],
    [[{ truth: truthOf(), detections: detectionsOf() }], undefinedFigures, null],
    [[{ truth: truthOf(), detections: something }], [0, null, 0], null],
    [[{ truth: object, detections: detectionsOf() }], [0, 0, 0], 0],
    [[{ truth: object, detections: something }], [0, 0, 0], 0],
  ];
  for (const [images, figures, ap] of cases) {
    const result = evaluateDetections(images, building);
    for (const { precision, recall, f1 } of [result.total, result.best]) {
      assert.equal([precision, recall, f1], figures);
    }
    assert.is(result.meanAveragePrecision, ap);
    assert.is(result.meanAveragePrecision101, ap);
    const coco = cocoMetrics(images, building);
    assert.equal([coco.ap, coco.ap50, coco.ap75], [ap, ap, ap]);
  }
  assert.is(evaluateDetections([], building).best.threshold, 0);
});

test('a class without objects is left out of the mean but its detections are wrong', () => {
  const images: EvaluatedImage[] = [
    {
      truth: truthOf([[0, 0, 4, 4], 0], [[8, 8, 12, 12], 2]),
      detections: detectionsOf([[0, 0, 4, 4], 0, 0.9], [[0, 0, 4, 4], 1, 0.8]),
    },
  ];
  const result = evaluateDetections(images, { classes: ['house', 'shed', 'pool'] });
  assert.equal(
    result.classes.map(({ averagePrecision }) => averagePrecision),
    [1, null, 0],
  );
  assert.equal(
    result.classes.map(({ truths }) => truths),
    [1, 0, 1],
  );
  assert.is(result.meanAveragePrecision, 0.5);
  assert.equal([result.total.truePositives, result.total.falsePositives, result.total.falseNegatives], [1, 1, 1]);
});

test('a detector without errors scores 1 in everything', () => {
  const truth = truthOf([[0, 0, 4, 4], 0], [[8, 8, 12, 12], 0]);
  const images = [{ truth, detections: { ...truth, scores: Float32Array.of(0.2, 0.9) } }];
  const result = evaluateDetections(images, { ...building, iouThreshold: 1 });
  assert.is(result.total.f1, 1);
  assert.is(result.meanAveragePrecision, 1);
  assert.is(result.meanAveragePrecision101, 1);
  assert.is(cocoMetrics(images, building).ap, 1);
});

test('agrees with a slow independent evaluation', () => {
  for (let seed = 0; seed < 150; seed++) {
    const classes = 1 + (seed % 3);
    const names = ['a', 'b', 'c'].slice(0, classes);
    const iouThreshold = [0.5, 0.25, 0.75][seed % 3]!;
    const images = randomImages(seed, classes);
    const what = `seed ${seed}`;
    const result = evaluateDetections(images, { classes: names, iouThreshold });
    for (const label of [undefined, ...names.keys()]) {
      const curve = label === undefined ? result.curve : result.classes[label]?.curve;
      const scores = distinctScores(images, label);
      assert.equal([...(curve?.scores ?? [])], scores, what);
      scores.forEach((score, k) => {
        const point = curve?.at(k);
        const expected = countsAt(images, iouThreshold, score, label);
        const { tp, fp, fn } = expected;
        assert.equal([point?.truePositives, point?.falsePositives, point?.falseNegatives], [tp, fp, fn], what);
        close(point?.precision ?? null, tp / (tp + fp), what);
        close(point?.recall ?? null, tp + fn === 0 ? null : tp / (tp + fn), what);
        close(point?.f1 ?? null, (2 * tp) / (2 * tp + fp + fn), what);
      });
    }
    const f1 = Array.from({ length: result.curve.length }, (_, k) => result.curve.at(k).f1!);
    if (f1.length > 0) {
      assert.is(result.best.f1, Math.max(...f1), what);
      assert.is(result.best.threshold, result.curve.scores[f1.indexOf(result.best.f1!)], what);
    }
    for (const [label, entry] of result.classes.entries()) {
      const expected = averagePrecisions(images, iouThreshold, label);
      close(entry.averagePrecision, expected.area, what);
      close(entry.averagePrecision101, expected.coco, what);
    }
  }
});

test('a hundred thousand detections', () => {
  const truth = truthOf(...Array.from({ length: 10 }, (_, i) => [[i * 10, 0, i * 10 + 8, 8], 0] as const));
  const images = Array.from({ length: 1000 }, (_, image) => ({
    truth,
    detections: detectionsOf(
      ...Array.from(
        { length: 100 },
        (_, i) => [[i, 0, i + 8, 8], 0, ((i * 7919 + image * 31) % 99991) / 99991] as const,
      ),
    ),
  }));
  const { total, curve } = evaluateDetections(images, building);
  // Each object has a detection that fits exactly and eight others that overlap it; only one may take it.
  assert.equal([total.truePositives, total.falsePositives, total.falseNegatives], [10_000, 90_000, 0]);
  assert.is(curve.truePositives.at(-1), 10_000);
});

test('input that does not fit is refused with the image that holds it', () => {
  const fine = { truth: truthOf(), detections: detectionsOf() };
  refuses(
    () => evaluateDetections([fine, { truth: truthOf([[0, 0, 1, 1], 1]), detections: detectionsOf() }], building),
    'evaluateDetections: label 1 in image 1, expected 0 to 0 (1 classes)',
  );
  refuses(
    () => evaluateDetections([{ ...fine, detections: { ...detectionsOf(), scores: new Float32Array(1) } }], building),
    'evaluateDetections: image 0: 1 scores for 0 detections, expected the same number',
  );
  refuses(
    () => evaluateDetections([], { classes: [] }),
    'evaluateDetections: no classes, expected the name of at least one',
  );
  refuses(
    () => evaluateDetections([], { ...building, iouThreshold: 0 }),
    'evaluateDetections: iouThreshold is 0, expected a number > 0 and <= 1',
  );
});

test.run();
