import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ImageJudgement } from '../../src/evaluation/judgement.ts';
import { chooseExamples } from '../../src/report/pictures/examples.ts';
import { refuses } from './support.ts';

const image = (file: string, tp: number, fp: number, fn: number): ImageJudgement => ({
  file,
  truePositives: tp,
  falsePositives: fp,
  falseNegatives: fn,
  f1: tp + fp + fn === 0 ? 1 : (2 * tp) / (2 * tp + fp + fn),
});
const files = (list: readonly ImageJudgement[]) => list.map(({ file }) => file);

test('best, worst and missed are what their names say', () => {
  const { best, worst, missed } = chooseExamples(
    [
      image('perfect', 5, 0, 0),
      image('large', 9, 0, 0),
      image('ghosts', 1, 7, 0),
      image('more ghosts', 1, 8, 0),
      image('blind', 0, 0, 6),
      image('half blind', 6, 0, 6),
      image('empty', 0, 0, 0),
    ],
    2,
  );
  assert.equal(files(best), ['large', 'perfect']);
  assert.equal(files(worst), ['more ghosts', 'ghosts']);
  assert.equal(files(missed), ['blind', 'half blind']);
});

test('images with nothing to show are not chosen', () => {
  const chosen = chooseExamples([image('a', 0, 0, 0), image('b', 2, 0, 0)], 3);
  assert.equal([files(chosen.best), files(chosen.worst), files(chosen.missed)], [['b'], [], []]);
  assert.equal(chooseExamples([], 3), { best: [], worst: [], missed: [] });
  assert.equal(chooseExamples([image('a', 1, 1, 1)], 0), { best: [], worst: [], missed: [] });
});

test('no image is chosen twice, the order of images does not matter, and no better candidate is left out', () => {
  const scores = fc
    .array(fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)), { maxLength: 30 })
    .map((rows) => rows.map(([tp, fp, fn], i) => image(`img${i}`, tp, fp, fn)));
  fc.assert(
    fc.property(scores, fc.nat(6), (images, n) => {
      const chosen = chooseExamples(images, n);
      const all = [...chosen.best, ...chosen.worst, ...chosen.missed];
      assert.is(new Set(all).size, all.length);
      assert.equal(chooseExamples([...images].reverse(), n), chosen);
      const left = images.filter((one) => !all.includes(one));
      for (const [list, key] of [
        [chosen.worst, 'falsePositives'],
        [chosen.missed, 'falseNegatives'],
      ] as const) {
        assert.ok(list.length <= n);
        const least = list.at(-1)?.[key] ?? 0;
        if (list.length < n) assert.not.ok(left.some((one) => one[key] > 0));
        else if (n > 0) assert.not.ok(left.some((one) => one[key] > least));
        list.slice(1).forEach((one, i) => assert.ok(one[key] <= list[i]![key], 'descending'));
      }
      const lowest = chosen.best.at(-1)?.f1 ?? 0;
      if (chosen.best.length === n && n > 0)
        assert.not.ok(left.some((one) => one.truePositives > 0 && (one.f1 ?? 0) > lowest));
      else if (n > 0) assert.not.ok(left.some((one) => one.truePositives > 0));
    }),
  );
});

test('invalid numbers are refused', () => {
  for (const n of [-1, 1.5, NaN]) {
    refuses(() => chooseExamples([], n), `chooseExamples: n is ${n}, expected an integer >= 0`);
  }
});

test.run();
