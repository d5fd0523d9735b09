import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import { Random } from '../../src/common/random.ts';
import { judge } from '../../src/evaluation/judge.ts';
import type { Judgement } from '../../src/evaluation/judgement.ts';
import { refuses } from './support.ts';
import { object, perfect, randomTables, tableOf } from './tables.ts';

const NO_INTERVALS = { resamples: 0 };

/** Three images: a house found, a car detected as a house, a missed car, a wrong house; a crowd of cars, a difficult car. */
const truth = tableOf(['house', 'car'], {
  'a/1.png': [object(0, [0, 0, 10, 10]), object(1, [20, 20, 30, 30])],
  'a/2.png': [object(1, [0, 0, 10, 10]), object(1, [40, 0, 80, 40], { crowd: true })],
  'a/3.png': [object(1, [50, 50, 60, 60], { difficult: true })],
  'a/4.png': [],
});
const predictions = tableOf(['car', 'house'], {
  'a/2.png': [
    object(0, [41, 1, 51, 11], { score: 0.95 }),
    object(0, [60, 20, 70, 30], { score: 0.3 }),
    object(1, [90, 90, 95, 95], { score: 0.4 }),
  ],
  'a/1.png': [object(1, [0, 0, 10, 9], { score: 0.9 }), object(1, [20, 20, 30, 29], { score: 0.7 })],
  'a/3.png': [object(0, [50, 50, 60, 59], { score: 0.8 }), object(0, [50, 50, 60, 58], { score: 0.6 })],
});

test('a case worked out by hand', () => {
  const judged = judge(truth, predictions, { scoreThreshold: 0.5 });
  assert.equal(judged.settings, {
    iouThreshold: 0.5,
    scoreThreshold: 0.5,
    scoreThresholdFrom: 'given',
    matchBy: 'file',
  });
  assert.equal(judged.counts, {
    images: 4,
    emptyImages: 1,
    imagesWithoutPredictions: 1,
    truths: 3,
    ignoredTruths: 2,
    detections: 3, // The house, the car detected as a house, and the wrong house at 0.4.
    ignoredDetections: 4, // Two in the crowd, two of the difficult car.
  });
  const counts = { truePositives: 1, falsePositives: 1, falseNegatives: 2 };
  assert.equal(judged.chosen, { threshold: 0.5, ...counts, precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 });
  // At 0.9 alone: F1 = 2 / (1 + 3).
  assert.equal([judged.best.threshold, judged.best.f1], [0.9, 0.5]);
  assert.equal(
    judged.perImage.map(({ file, truePositives, falsePositives, falseNegatives, f1 }) => [
      file,
      truePositives,
      falsePositives,
      falseNegatives,
      f1,
    ]),
    [
      ['a/1.png', 1, 1, 1, 0.5],
      ['a/2.png', 0, 0, 1, 0],
      ['a/3.png', 0, 0, 0, null],
      ['a/4.png', 0, 0, 0, null],
    ],
  );
  assert.equal(judged.listed, { best: ['a/1.png'], worst: ['a/2.png', 'a/1.png'], missed: ['a/2.png'] });
  assert.equal(judged.confusion, {
    classes: ['house', 'car', 'background'],
    counts: [
      [1, 0, 0],
      [1, 0, 1],
      [0, 0, 0],
    ],
  });
  const [house, car] = judged.perClass;
  assert.equal([house?.name, house?.truths, house?.detections, house?.chosen.f1], ['house', 1, 3, 2 / 3]);
  assert.equal([car?.name, car?.truths, car?.detections, car?.chosen.f1], ['car', 2, 0, 0]);
  assert.equal(judged.macro, { classes: 2, precision: 0.25, recall: 0.5, f1: 1 / 3 });
  assert.equal([car?.averagePrecision, car?.cocoAp, house?.averagePrecision], [0, 0, 1]);
  assert.equal(judged.curve, {
    thresholds: [0.9, 0.7, 0.4],
    precision: [1, 1 / 2, 1 / 3],
    recall: [1 / 3, 1 / 3, 1 / 3],
    f1: [2 / 4, 2 / 5, 2 / 6],
  });
  assert.is(judged.thresholds.length, 21);
  assert.equal([judged.thresholds[14]?.threshold, judged.thresholds[14]?.falsePositives], [0.7, 1]);
  assert.is(judged.thresholds[8]?.falsePositives, 2);
});

test('what is wrong below the score threshold is no confusion, and one object is found once', () => {
  const { confusion } = judge(
    tableOf(['house', 'car'], { '1': [object(0, [0, 0, 10, 10])] }),
    tableOf(['house', 'car'], {
      '1': [
        object(1, [0, 0, 10, 9], { score: 0.9 }),
        object(0, [0, 0, 10, 10], { score: 0.8 }),
        object(0, [40, 40, 50, 50], { score: 0.1 }),
      ],
    }),
    { ...NO_INTERVALS, scoreThreshold: 0.5 },
  );
  // Any class: the higher-scoring car takes the house, and the true house finds nothing left.
  assert.equal(confusion.counts, [
    [0, 1, 0],
    [0, 0, 0],
    [1, 0, 0],
  ]);
});

test('of two objects with the same box, a detection is compared with that of its own class', () => {
  const both = [object(0, [0, 0, 10, 10]), object(1, [0, 0, 10, 10])];
  const { confusion } = judge(
    tableOf(['house', 'car'], { '1': both }),
    tableOf(['house', 'car'], { '1': [object(1, [0, 0, 10, 10], { score: 0.9 })] }),
    NO_INTERVALS,
  );
  assert.equal(confusion.counts[1], [0, 1, 0]);
});

test('figures of nothing at all are not defined, and all are plain data', () => {
  const something = [object(0, [0, 0, 4, 4], { score: 0.5 })];
  const cases: [LabelTable, LabelTable, f1: number | null, ap: number | null][] = [
    [tableOf(['a'], {}), tableOf([], {}), null, null],
    [tableOf(['a'], { '1': [] }), tableOf([], {}), null, null],
    [tableOf(['a'], { '1': [], '2': [] }), tableOf(['a'], { '1': something }), 0, null],
    [tableOf(['a'], { '1': [object(0, [9, 9, 12, 12])], '2': [] }), tableOf(['a'], {}), 0, 0],
    [tableOf(['a'], { '1': [object(0, [9, 9, 12, 12], { crowd: true })], '2': [] }), tableOf(['a'], {}), null, null],
  ];
  for (const [there, found, f1, ap] of cases) {
    const judged = judge(there, found, { resamples: 20 });
    assert.is(judged.best.f1, f1);
    assert.is(judged.coco.ap, ap);
    assert.is(judged.perClass[0]?.averagePrecision, ap);
    assert.is(judged.spaceNet.box.all.f1, f1);
    assert.is(judged.spaceNet.polygon, null);
    assert.equal(judged.intervals!.f1, { estimate: f1, low: null, high: null });
    assert.equal(judged.intervals!.ap50, { estimate: ap, low: null, high: null });
    assert.equal(JSON.parse(JSON.stringify(judged)), judged, 'plain data');
  }
});

test('all scores equal make one point', () => {
  const { truth: there, predictions: found } = randomTables(1, { images: 6, classes: 2, levels: 1 });
  const { curve, best } = judge(there, found, NO_INTERVALS);
  assert.equal(curve.thresholds, [0]);
  assert.equal(curve.f1, [best.f1]);
});

test('images by stem', () => {
  const named = tableOf(['a'], { 'x/1.tif': [object(0, [0, 0, 9, 9])], 'x/.hidden': [] });
  const found = tableOf(['a'], { '1.png': [object(0, [0, 0, 9, 9], { score: 1 })], '.hidden': [] });
  assert.is(judge(named, found, { ...NO_INTERVALS, matchBy: 'stem' }).best.f1, 1);
  refuses(
    () => judge(named, found),
    'judge: predictions for 1.png, which is none of the 2 images of the truth (such as x/1.tif); matchBy "stem" ignores folders and extensions',
  );
  refuses(
    () => judge(tableOf(['a'], { 'x/1.tif': [], 'y/1.png': [] }), found, { matchBy: 'stem' }),
    'judge: the truth must not list x/1.tif and y/1.png, expected every stem once',
  );
});

test('tables that do not fit are refused with the place and what was expected', () => {
  const there = tableOf(['a', 'b'], { '1': [object(0, [0, 0, 9, 9])] });
  const found = (extra: object, box: [number, number, number, number] = [0, 0, 9, 9], label = 0) =>
    tableOf(['a', 'c'], { '1': [object(label, box, { origin: 'found.csv:3', ...extra })] });
  const cases: [() => unknown, string][] = [
    [() => judge(there, found({})), 'judge: found.csv:3: no score, expected one for every detection'],
    [() => judge(there, found({ score: NaN })), 'judge: found.csv:3: score NaN, expected a finite number'],
    [
      () => judge(there, found({ score: 1 }, [0, 0, 9, 9], 1)),
      'judge: found.csv:3: class c is not in the truth, which has a, b',
    ],
    [
      () => judge(there, found({ score: 1 }, [0, 0, 9, 9], 2)),
      'judge: found.csv:3: label 2, expected 0 to 1 (2 classes)',
    ],
    [
      () => judge(there, found({ score: 1 }, [0, NaN, 9, 9])),
      'judge: found.csv:3: box [0, NaN, 9, 9], expected finite x1, y1, x2, y2 with x2 >= x1 and y2 >= y1',
    ],
    [
      () => judge(there, found({ score: 1 }, [9, 0, 0, 9])),
      'judge: found.csv:3: box [9, 0, 0, 9], expected finite x1, y1, x2, y2 with x2 >= x1 and y2 >= y1',
    ],
    [
      () => judge({ ...there, images: [...there.images, ...there.images] }, tableOf([], {})),
      'judge: the truth must not list 1 twice, expected every file once',
    ],
    [
      () => judge({ ...there, classes: ['a', 'a'] }, tableOf([], {})),
      'judge: the truth names class a twice, expected every class once',
    ],
    [() => judge(tableOf([], {}), tableOf([], {})), 'judge: the truth has no classes, expected at least one'],
    [
      () => judge(tableOf(['a'], { '1': [object(0, [0, 0, 1, 1], { area: NaN })] }), tableOf([], {})),
      'judge: 1: area NaN, expected a number >= 0',
    ],
    [() => judge(there, there, { scoreThreshold: NaN }), 'judge: scoreThreshold is NaN, expected a number'],
    [() => judge(there, there, { iouThreshold: 0 }), 'judge: iouThreshold is 0, expected a number > 0 and <= 1'],
    [() => judge(there, there, { matchBy: 'name' as 'stem' }), 'judge: matchBy is "name", expected one of file, stem'],
    [() => judge(there, there, { resamples: 0.5 }), 'judge: resamples is 0.5, expected an integer >= 0'],
    [() => judge(there, there, { confidence: 95 }), 'judge: confidence is 95, expected a number between 0 and 1'],
  ];
  for (const [call, text] of cases) refuses(call, text);
});

test('a curve of many points is thinned and keeps its ends and its best', () => {
  const objects = Array.from({ length: 2500 }, (_, i) => object(0, [2 * i, 0, 2 * i + 1, 1]));
  const found = objects.map((one, i) => ({
    ...one,
    box: i % 3 === 0 && i > 1000 ? ([0, 9, 1, 10] as const) : one.box,
    score: 1 - i / 2500,
  }));
  const { curve, best, perClass } = judge(
    tableOf(['a'], { '1': objects }),
    tableOf(['a'], { '1': found }),
    NO_INTERVALS,
  );
  assert.ok(curve.thresholds.length <= 1000 && curve.thresholds.length > 900);
  assert.ok((perClass[0]?.curve.thresholds.length ?? 0) <= 200);
  assert.is(curve.thresholds[0], 1);
  assert.is(curve.thresholds.at(-1), 1 - 2499 / 2500);
  assert.is(Math.max(...curve.f1), best.f1);
  assert.is(Math.max(...(perClass[0]?.curve.f1 ?? [])), best.f1);
});

const random = fc.record({
  seed: fc.nat(1_000_000),
  images: fc.integer({ min: 0, max: 8 }),
  classes: fc.integer({ min: 1, max: 4 }),
  levels: fc.constantFrom(2, 10, Infinity),
});

/** What does not depend on the order of images, by file and by name of class. */
function unordered(judged: Judgement) {
  const { counts, chosen, best, thresholds, curve, spaceNet, perImage, perClass, confusion } = judged;
  const cells = confusion.counts.flatMap((row, i) =>
    row.map((count, j) => [`${confusion.classes[i]} as ${confusion.classes[j]}`, count] as const),
  );
  const classes = perClass.map((one) => [
    one.name,
    [one.truths, one.detections, one.chosen, one.best, one.averagePrecision, one.curve],
  ]);
  return {
    figures: [counts, chosen, best, thresholds, curve, spaceNet],
    perImage: Object.fromEntries(perImage.map((image) => [image.file, image])),
    perClass: Object.fromEntries(classes) as object,
    confusion: Object.fromEntries(cells),
  };
}

test('the order of images makes no difference', () => {
  fc.assert(
    fc.property(random, (options) => {
      const { truth: there, predictions: found } = randomTables(options.seed, options);
      const shuffled = (table: LabelTable, seed: string) => ({
        ...table,
        images: new Random(seed, options.seed).shuffle([...table.images]),
      });
      const [one, other] = [
        judge(there, found, NO_INTERVALS),
        judge(shuffled(there, 'truth'), shuffled(found, 'found'), NO_INTERVALS),
      ];
      assert.equal(unordered(other), unordered(one));
      // Between equal scores COCO's metrics go by the order of images.
      if (options.levels === Infinity) assert.equal(other.coco, one.coco);
    }),
    { numRuns: 60 },
  );
});

test('names and numbers of the classes make no difference', () => {
  fc.assert(
    fc.property(random, (options) => {
      const { truth: there, predictions: found } = randomTables(options.seed, options);
      const count = there.classes.length;
      const order = new Random('classes', options.seed).shuffle([...there.classes.keys()]);
      const renumbered = (table: LabelTable, places: readonly number[]) => ({
        classes: places.map((label) => `renamed ${label}`),
        images: table.images.map((image) => ({
          ...image,
          objects: image.objects.map((one) => ({ ...one, label: places.indexOf(one.label) })),
        })),
      });
      const identity = Array.from({ length: count }, (_, k) => k);
      const plain = judge(renumbered(there, identity), renumbered(found, identity), NO_INTERVALS);
      const other = judge(renumbered(there, order), renumbered(found, identity), NO_INTERVALS);
      assert.equal(unordered(other), unordered(plain));
      const aps = (judged: Judgement) =>
        Object.fromEntries(judged.perClass.map(({ name, cocoAp, cocoAp50 }) => [name, [cocoAp, cocoAp50]]));
      assert.equal(aps(other), aps(plain));
    }),
    { numRuns: 60 },
  );
});

test('predictions that are the truth score 1 in everything', () => {
  fc.assert(
    fc.property(random, (options) => {
      const { truth: there } = randomTables(options.seed, options);
      const { best, coco, perClass, confusion, spaceNet, listed, macro } = judge(there, perfect(there), {
        ...NO_INTERVALS,
        iouThreshold: 1,
      });
      const figure = there.images.some(({ objects }) =>
        objects.some(({ crowd, difficult }) => crowd !== true && difficult !== true),
      )
        ? 1
        : null;
      assert.equal([best.precision, best.recall, best.f1, spaceNet.box.all.f1], [figure, figure, figure, figure]);
      assert.equal(listed.worst, []);
      if (macro !== null) assert.is(macro.f1, 1);
      for (const figure of [coco.ap, coco.ap50, coco.ap75, coco.ar100]) {
        assert.ok(figure === null || Math.abs(figure - 1) < 1e-12, `${figure}`);
      }
      for (const { averagePrecision } of perClass) assert.ok(averagePrecision === null || averagePrecision === 1);
      confusion.counts.forEach((row, i) => row.forEach((n, j) => assert.ok(i === j || n === 0)));
    }),
    { numRuns: 60 },
  );
});

test('no score threshold has a higher F1 than the best, and the table, the curve and the images agree', () => {
  fc.assert(
    fc.property(random, fc.double({ min: -1, max: 2, noNaN: true }), (options, scoreThreshold) => {
      const { truth: there, predictions: found } = randomTables(options.seed, options);
      const judged = judge(there, found, { ...NO_INTERVALS, scoreThreshold });
      const points = [judged.chosen, ...judged.thresholds, ...judged.curve.f1.map((f1) => ({ f1 }))];
      // Without objects only a threshold above all scores is perfect, which is none that the best is chosen among.
      for (const { f1 } of points) assert.ok(judged.counts.truths === 0 || f1! <= judged.best.f1!);
      const sum = (key: 'truePositives' | 'falsePositives' | 'falseNegatives') =>
        judged.perImage.reduce((total, image) => total + image[key], 0);
      for (const key of ['truePositives', 'falsePositives', 'falseNegatives'] as const) {
        assert.is(sum(key), judged.chosen[key], key);
        assert.is(
          judged.perClass.reduce((total, { chosen }) => total + chosen[key], 0),
          judged.chosen[key],
          key,
        );
      }
      // Rows hold all objects of a class.
      judged.perClass.forEach(({ truths }, i) =>
        assert.is(
          judged.confusion.counts[i]?.reduce((total, n) => total + n, 0),
          truths,
        ),
      );
    }),
    { numRuns: 80 },
  );
});

test.run();
