import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunComparison } from '../../src/evaluation/compare.ts';
import { operatingPoint } from '../../src/evaluation/precision-recall.ts';
import { comparisonHtml, type ComparisonReport } from '../../src/report/html/comparison.ts';
import { madeUpImages, madeUpJudgement } from './fixtures.ts';
import { checkPage, pageText, refuses } from './support.ts';

const difference = (a: number, b: number, low: number | null, high: number | null) => ({
  a,
  b,
  difference: b - a,
  low,
  high,
  bBetter: null,
  aBetter: null,
});
const found = (object: number) => ({ object, name: 'car', box: [0, 0, 9, 9] as const });

function compared(more: Partial<RunComparison> = {}): RunComparison {
  return {
    settings: {
      iouThreshold: 0.5,
      scoreThreshold: { a: 0.3, b: 0.45 },
      scoreThresholdFrom: 'given',
      confidence: 0.95,
      resamples: 1000,
      seed: 0,
      resampled: 'images',
      scenes: 20,
    },
    chosen: { a: operatingPoint(0.3, 1, 1, 2), b: operatingPoint(0.45, 1, 1, 2) },
    images: 20,
    truths: 1234,
    f1: difference(0.8, 0.85, 0.02, 0.08),
    precision: difference(0.9, 0.9, -0.01, 0.01),
    recall: difference(0.75, 0.7, -0.1, -0.01),
    ap50: { a: null, b: null, difference: null, low: null, high: null, bBetter: null, aBetter: null },
    perClass: [
      { name: 'car', truths: 1234, f1: { a: 0.8, b: 0.85 }, ap50: { a: 0.7, b: 0.6 }, onlyA: 5, onlyB: 9 },
      { name: 'ship', truths: 0, f1: { a: 1, b: 1 }, ap50: { a: null, b: null }, onlyA: 0, onlyB: 0 },
    ],
    changed: [
      {
        file: 'a.tif',
        f1: { a: 0.5, b: 0.25 },
        falsePositives: { a: 1, b: 2 },
        onlyA: [found(1), found(2)],
        onlyB: [found(3)],
      },
    ],
    ...more,
  };
}
const page = (more: Partial<RunComparison> = {}, rest: Partial<ComparisonReport> = {}) =>
  comparisonHtml({ title: 'Two', names: { a: 'old', b: 'new' }, comparison: compared(more), ...rest });

test('the verdict says which run is better, and whether that may be chance', () => {
  const text = (f1: RunComparison['f1']) => pageText(page({ f1 }));
  const better = 'F1 0.800 of old and 0.850 of new on 20 images with 1,234 objects';
  assert.ok(
    text(difference(0.8, 0.85, 0.02, 0.08)).includes(
      `new is better: ${better} (95 % interval of the difference +0.020 to +0.080).`,
    ),
  );
  assert.ok(text(difference(0.85, 0.8, -0.08, -0.02)).includes('old is better: F1 0.850 of old and 0.800 of new'));
  assert.ok(
    text(difference(0.8, 0.85, -0.01, 0.11)).includes(
      `${better}: no significant difference (95 % interval of the difference −0.010 to +0.110).`,
    ),
  );
  assert.ok(text(difference(0.8, 0.85, null, null)).includes(`${better}: a difference of +0.050, without an interval`));
  assert.ok(pageText(page({ truths: 0 })).includes('There are no objects to compare the runs on.'));
});

test('the page has the differences, the classes and the images that changed', () => {
  const html = page();
  checkPage(html);
  const text = pageText(html);
  for (const row of [
    'F1 0.800 0.850 +0.050 +0.020 to +0.080',
    'precision 0.900 0.900 0.000 −0.010 to +0.010',
    'recall 0.750 0.700 −0.050 −0.100 to −0.010',
    'AP50 not defined not defined not defined not defined',
    'car 1,234 0.800 0.850 +0.050 0.700 0.600 5 9',
    'ship 0 not defined not defined not defined not defined not defined 0 0',
    'Results differ on 1 of 20 images: 2 objects were detected by old only, 1 object by new only.',
    'a.tif 0.500 0.250 2 1 1 2',
  ]) {
    assert.ok(text.includes(row), row);
  }
});

test('the curves of both runs share charts', () => {
  const curves = {
    a: madeUpJudgement(madeUpImages(20, 1, 1), ['car']).curve,
    b: madeUpJudgement(madeUpImages(20, 1, 2), ['car']).curve,
  };
  const html = page({}, { curves });
  checkPage(html);
  assert.is(html.split('<svg ').length - 1, 4, 'two charts, each with its plot');
  const cut = { ...curves.b, recall: [] };
  refuses(
    () => page({}, { curves: { a: curves.a, b: cut } }),
    `reportHtml: the curve of new has ${curves.b.thresholds.length} thresholds and 0 of recall, expected the same number`,
  );
});

test('of many images both ends are listed, and markup in names is text', () => {
  const evil = `<script>alert("1")</script> & 'x'`;
  const changed = Array.from({ length: 1000 }, (_, i) => ({
    file: `${evil}${i}.tif`,
    f1: { a: 0.5, b: i / 1000 },
    falsePositives: { a: 0, b: 0 },
    onlyA: [],
    onlyB: [],
  }));
  const html = page({ changed }, { names: { a: evil, b: 'b' }, title: evil });
  checkPage(html);
  const listed = Array.from(html.matchAll(/(\d+)\.tif/g), ([, i]) => Number(i));
  assert.equal(listed, [...Array.from({ length: 50 }, (_, i) => i), ...Array.from({ length: 50 }, (_, i) => 950 + i)]);
  checkPage(page({ changed: [], perClass: [], images: 0, truths: 0 }));
});

test.run();
