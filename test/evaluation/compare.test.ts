import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import { compareRuns } from '../../src/evaluation/compare.ts';
import { judge } from '../../src/evaluation/judge.ts';
import { refuses } from './support.ts';
import { object, randomTables, tableOf } from './tables.ts';

const one = [0, 0, 10, 10] as const;
const two = [20, 0, 30, 10] as const;
const truth = tableOf(['house', 'car'], {
  '1': [object(0, one), object(1, two)],
  '2': [object(0, one)],
  '3': [object(0, one)],
});
const found = (score: number) => ({ score });

test('what one run found and the other missed, worked out by hand', () => {
  const a = tableOf(['house', 'car'], {
    '1': [object(0, one, found(0.9)), object(1, two, found(0.2))],
    '3': [object(0, one, found(0.9))],
  });
  const b = tableOf(['house', 'car'], {
    '1': [object(1, two, found(0.9)), object(0, two, found(0.8))],
    '2': [object(0, one, found(0.7))],
    '3': [object(0, one, found(0.6))],
  });
  const comparison = compareRuns(truth, a, b, { scoreThreshold: 0.5, resamples: 0 });
  const { chosen, f1, recall, perClass, changed, settings } = comparison;
  assert.equal(settings.scoreThreshold, { a: 0.5, b: 0.5 });
  assert.equal(
    [chosen.a.truePositives, chosen.a.falsePositives, chosen.b.truePositives, chosen.b.falsePositives],
    [2, 0, 3, 1],
  );
  assert.equal([f1.a, f1.b, f1.difference], [4 / 6, 6 / 8, 6 / 8 - 4 / 6]);
  assert.equal([recall.a, recall.b, recall.low, recall.bBetter], [0.5, 0.75, null, null]);
  assert.equal(
    perClass.map(({ name, truths, onlyA, onlyB }) => [name, truths, onlyA, onlyB]),
    [
      ['house', 3, 1, 1],
      ['car', 1, 0, 1],
    ],
  );
  assert.equal(changed, [
    {
      file: '1',
      f1: { a: 2 / 3, b: 2 / 4 },
      falsePositives: { a: 0, b: 1 },
      onlyA: [{ object: 0, name: 'house', box: one }],
      onlyB: [{ object: 1, name: 'car', box: two }],
    },
    {
      file: '2',
      f1: { a: 0, b: 1 },
      falsePositives: { a: 0, b: 0 },
      onlyA: [],
      onlyB: [{ object: 0, name: 'house', box: one }],
    },
  ]);
  const each = compareRuns(truth, a, b, { scoreThreshold: [0.1, 0.65], resamples: 0 });
  assert.equal([each.chosen.a.truePositives, each.chosen.b.truePositives], [3, 2]);
  refuses(
    () => compareRuns(truth, a, tableOf(['house'], { '9': [] })),
    'compareRuns: b: predictions for 9, which is none of the 3 images of the truth (such as 1); matchBy "stem" ignores folders and extensions',
  );
});

/** Predictions of which those for the images that `drop` names are left out. */
function without(table: LabelTable, drop: (i: number) => boolean): LabelTable {
  return { ...table, images: table.images.map((image, i) => (drop(i) ? { ...image, objects: [] } : image)) };
}

test('a run that finds less is worse in every resample; the same run twice is neither', () => {
  const { truth: there, predictions } = randomTables(4, { images: 40, classes: 2, levels: Infinity });
  const worse = without(predictions, (i) => i % 2 === 0);
  const { recall, ap50 } = compareRuns(there, worse, predictions, { resamples: 200, scoreThreshold: 0 });
  assert.ok(recall.low! > 0 && recall.bBetter === 1 && recall.aBetter === 0);
  assert.ok(ap50.low! > 0 && ap50.difference! > 0);
  const same = compareRuns(there, predictions, predictions, { resamples: 200 });
  assert.equal([same.f1.difference, same.f1.low, same.f1.high, same.f1.bBetter, same.f1.aBetter], [0, 0, 0, 0, 0]);
  assert.equal(same.changed, []);
});

test('pairing narrows the interval of a small difference', () => {
  const { truth: there, predictions } = randomTables(5, { images: 60, classes: 1, levels: Infinity });
  const a = without(predictions, (i) => i === 7);
  const { recall } = compareRuns(there, a, predictions, { resamples: 300, scoreThreshold: 0 });
  const alone = judge(there, a, { resamples: 300, scoreThreshold: 0 }).intervals?.recall;
  const width = ({ low, high }: { low: number | null; high: number | null }) => high! - low!;
  assert.ok(alone !== undefined && width(recall) < width(alone) / 2);
});

test('figures are those of each judgement, and turning the runs round turns the signs', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (seed) => {
      const options = { images: 6, classes: 2, levels: 10 };
      const { truth: there, predictions: a } = randomTables(seed, options);
      const b: LabelTable = {
        classes: a.classes,
        images: a.images.map((image) => ({
          ...image,
          objects: image.objects
            .filter((_, k) => (k + seed) % 3 > 0)
            .map((it) => ({ ...it, score: 1 - (it.score ?? 0) })),
        })),
      };
      const [ab, ba] = [compareRuns(there, a, b, { resamples: 50 }), compareRuns(there, b, a, { resamples: 50 })];
      const [judgedA, judgedB] = [judge(there, a, { resamples: 0 }), judge(there, b, { resamples: 0 })];
      assert.equal([ab.f1.a, ab.f1.b], [judgedA.chosen.f1, judgedB.chosen.f1]);
      assert.equal([ab.ap50.a, ab.ap50.b], [judgedA.coco.ap50, judgedB.coco.ap50]);
      for (const key of ['precision', 'recall', 'f1', 'ap50'] as const) {
        const [x, y] = [ab[key], ba[key]];
        assert.equal([x.a, x.b, x.bBetter, x.aBetter], [y.b, y.a, y.aBetter, y.bBetter]);
        if (x.difference === null || y.difference === null) continue;
        assert.ok(Math.abs(x.difference + y.difference) < 1e-12);
        assert.ok(Math.abs(x.low! + y.high!) < 1e-12, key);
      }
      // Counts of objects explain the difference of the objects found.
      const sum = (which: 'onlyA' | 'onlyB') => ab.perClass.reduce((total, entry) => total + entry[which], 0);
      assert.is(ab.chosen.b.truePositives - ab.chosen.a.truePositives, sum('onlyB') - sum('onlyA'));
      assert.is(
        ab.changed.reduce((total, { onlyA }) => total + onlyA.length, 0),
        sum('onlyA'),
      );
    }),
    { numRuns: 40 },
  );
});

test.run();
