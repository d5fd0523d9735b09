import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import { Random } from '../../src/common/random.ts';
import { groupScenes, imageWeights, percentileInterval, resampler } from '../../src/evaluation/bootstrap.ts';
import { judge } from '../../src/evaluation/judge.ts';
import { evaluateRun } from '../../src/evaluation/evaluated-run.ts';
import { refuses } from './support.ts';
import { object, randomTables, tableOf } from './tables.ts';

test('every resample has as many images, and the seed decides which', () => {
  const each = Array.from({ length: 50 }, (_, i) => [i]);
  for (const weights of imageWeights(each, 50, 20, 1))
    assert.is(
      weights.reduce((sum, n) => sum + n, 0),
      50,
    );
  const copies = (seed: number) => Array.from(imageWeights(each, 50, 20, seed), (weights) => weights.join());
  assert.is(new Set(copies(1)).size, 20);
  assert.equal(copies(1), copies(1));
  assert.not.equal(copies(1), copies(2));
  assert.is(copies(1).length, 20);
});

test('the images of a scene are drawn together; what is in no scene is never drawn', () => {
  const scenes = [[0, 3], [1], [4, 5, 6]];
  for (const [a, b, none, c, d, e, f] of imageWeights(scenes, 7, 50, 2)) {
    assert.equal([c, none, e, f], [a, 0, d, d]);
    assert.is(a! + b! + d!, 3, 'as many scenes as there are');
  }
});

test('scenes with objects are counted; those without objects and detections are left out', () => {
  const box = [0, 0, 9, 9] as const;
  const [there, here] = [[object(0, box)], [object(0, box, { score: 0.5 })]];
  const truth = tableOf(['a'], { a1: there, a2: [], b1: [], b2: [], c1: [], d1: [object(0, box, { crowd: true })] });
  const predictions = tableOf(['a'], { c1: here });
  const run = evaluateRun('test', truth, predictions, {});
  const scenes = ['a', 'a', 'b', 'b', 'c', 'd'];
  assert.equal(groupScenes('test', [run], { scenes }), { members: [[0, 1], [4]], withObjects: 1 });
  assert.equal(groupScenes('test', [run], {}), { members: [[0], [4]], withObjects: 1 });
  const none = evaluateRun('test', truth, tableOf(['a'], {}), {});
  assert.equal(groupScenes('test', [none, run], {}).members, [[0], [4]], 'a detection in any run');
  assert.equal(groupScenes('test', [none], {}).members, [[0]]);
  const error = 'test: 2 scenes for 6 images, expected one for each image of the truth';
  refuses(() => groupScenes('test', [run], { scenes: ['a', 'b'] }), error);
});

test('percentiles are interpolated, and what is not defined is left out', () => {
  const values = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.equal(percentileInterval(50, values, 0.5), { estimate: 50, low: 25, high: 75 });
  const { low, high } = percentileInterval(50, values, 0.95);
  assert.ok(Math.abs(low! - 2.5) < 1e-9 && Math.abs(high! - 97.5) < 1e-9);
  assert.equal(percentileInterval(2, Float64Array.of(3, NaN, 1), 0.5), { estimate: 2, low: 1.5, high: 2.5 });
  assert.equal(percentileInterval(null, values, 0.5), { estimate: null, low: null, high: null });
  assert.equal(percentileInterval(2, Float64Array.of(NaN), 0.5), { estimate: 2, low: null, high: null });
});

test('a resample has the figures of tables in which images stand as often', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 7 }),
      fc.integer({ min: 1, max: 3 }),
      (seed, weights, classes) => {
        const { truth, predictions } = randomTables(seed, { images: weights.length, classes, levels: Infinity });
        const repeated = (table: LabelTable): LabelTable => ({
          ...table,
          images: table.images.flatMap((image, i) =>
            Array.from({ length: weights[i]! }, (_, copy) => ({ ...image, file: `${image.file} ${copy}` })),
          ),
        });
        const run = evaluateRun('test', truth, predictions, { scoreThreshold: 0.3 });
        const got = resampler(run)(Int32Array.from(weights));
        const { chosen, coco } = judge(repeated(truth), repeated(predictions), { scoreThreshold: 0.3, resamples: 0 });
        const figures = [chosen.precision, chosen.recall, chosen.f1];
        const isDefined = chosen.recall !== null;
        assert.equal(
          [got.precision, got.recall, got.f1],
          figures.map((figure) => (isDefined ? figure : NaN)),
        );
        if (coco.ap50 === null) assert.ok(Number.isNaN(got.ap50));
        else assert.ok(Math.abs(got.ap50 - coco.ap50) < 1e-12, `${got.ap50}, expected ${coco.ap50}`);
      },
    ),
    { numRuns: 150 },
  );
});

/** Images with one object each, of which the share `found` is found. */
function balanced(images: number, found: number) {
  const files = Array.from({ length: images }, (_, i) => `${i}.png`);
  const random = new Random('balanced');
  const hits = random.shuffle(files.map((_, i) => i < images * found));
  const table = (keep: (i: number) => boolean, extra: object) =>
    tableOf(['a'], Object.fromEntries(files.map((file, i) => [file, keep(i) ? [object(0, [0, 0, 9, 9], extra)] : []])));
  return { truth: table(() => true, {}), predictions: table((i) => hits[i] === true, { score: 0.5 }) };
}

test('the interval of a share is that of the binomial distribution', () => {
  const { truth, predictions } = balanced(400, 0.8);
  const { intervals } = judge(truth, predictions, { resamples: 2000 });
  const recall = intervals!.recall!;
  assert.is(recall?.estimate, 0.8);
  // 1.96 standard errors of sqrt(0.8 * 0.2 / 400) = 0.02.
  assert.ok(Math.abs(recall.low! - (0.8 - 0.0392)) < 0.005, `low ${recall?.low}`);
  assert.ok(Math.abs(recall.high! - (0.8 + 0.0392)) < 0.005, `high ${recall?.high}`);
  assert.equal(intervals?.precision, { estimate: 1, low: 1, high: 1 });
});

test('frames of one scene count once: the interval is that of the scenes', () => {
  const { truth, predictions } = balanced(50, 0.8);
  const repeated = ({ classes, images }: LabelTable): LabelTable => ({
    classes,
    images: images.flatMap((image) => [0, 1, 2, 3].map((frame) => ({ ...image, file: `${image.file} ${frame}` }))),
  });
  const scenes = repeated(truth).images.map(({ file }) => file.replace(/ .*/, ''));
  const frames = judge(repeated(truth), repeated(predictions), { scenes }).intervals!;
  const once = judge(truth, predictions).intervals!;
  // The same draws of the same scenes, each of them four times.
  assert.equal(frames, { ...once, resampled: 'scenes' });
  assert.is(frames.scenes, 50);
  const { low, high } = judge(repeated(truth), repeated(predictions)).intervals!.recall;
  assert.ok(
    high! - low! < 0.6 * (once.recall.high! - once.recall.low!),
    'taken as independent, they seem more certain',
  );
});

test('an image without objects makes no resample perfect, and too few scenes make no interval', () => {
  const box = [0, 0, 9, 9] as const;
  // The data of a report: three images, one of them empty, and hardly anything found.
  const few = tableOf(['a'], { a: [object(0, box)], b: [object(0, box)], c: [] });
  const { f1, precision, scenes } = judge(few, tableOf(['a'], { a: [object(0, box, { score: 0.9 })] })).intervals!;
  assert.equal(f1, { estimate: 2 / 3, low: null, high: null });
  assert.equal(precision, { estimate: 1, low: null, high: null });
  assert.is(scenes, 2);
  const files = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  const table = (names: readonly string[], objects: readonly string[]) =>
    tableOf(['a'], Object.fromEntries(names.map((name) => [name, objects.includes(name) ? [object(0, box)] : []])));
  const [names, five, four] = [files(30), files(5), files(4)];
  assert.is(judge(table(names, four), tableOf(['a'], {})).intervals!.f1.low, null);
  const nothing = judge(table(names, five), tableOf(['a'], {})).intervals!;
  assert.equal(nothing.f1, { estimate: 0, low: 0, high: 0 }, 'nothing is found in any resample');
  assert.equal(nothing.recall, { estimate: 0, low: 0, high: 0 });
  // False positives in images without objects count, but resamples of them alone do not.
  const wrong = tableOf(
    ['a'],
    Object.fromEntries(names.slice(5).map((name) => [name, [object(0, box, { score: 1 })]])),
  );
  const { intervals } = judge(table(names, five), wrong);
  assert.equal([intervals!.precision.low, intervals!.precision.high], [0, 0]);
});

test('intervals hold their estimates, and more confidence widens them', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      const { truth, predictions } = randomTables(seed, { images: 40, classes: 2, levels: 20 });
      const of = (confidence: number) => judge(truth, predictions, { resamples: 200, confidence }).intervals;
      const [wide, narrow] = [of(0.95), of(0.5)];
      for (const key of ['precision', 'recall', 'f1', 'ap50'] as const) {
        const [outer, inner] = [wide![key]!, narrow![key]!];
        const [low, high, estimate] = [outer.low, outer.high, outer.estimate];
        assert.ok(low! <= estimate! && estimate! <= high!, key);
        assert.ok(low! <= inner.low! && inner.high! <= high!, key);
      }
    }),
    { numRuns: 15 },
  );
});

test('seed, number of resamples and confidence are said', () => {
  const { truth, predictions } = balanced(30, 0.5);
  const judged = judge(truth, predictions, { resamples: 50, confidence: 0.9, seed: 3 });
  const { intervals } = judged;
  assert.equal([intervals?.resamples, intervals?.confidence, intervals?.seed], [50, 0.9, 3]);
  assert.equal(judge(truth, predictions, { resamples: 50, confidence: 0.9, seed: 3 }), judged);
  assert.not.equal(judge(truth, predictions, { resamples: 50, confidence: 0.9, seed: 4 }).intervals?.f1, intervals?.f1);
  assert.is(judge(truth, predictions, { resamples: 0 }).intervals, null);
});

test.run();
