import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateDetections } from '../../src/evaluation/detection-metrics.ts';
import { lossChart, precisionRecallChart, smooth } from '../../src/report/charts/charts.ts';
import { detectionsOf, truthOf } from '../evaluation/support.ts';
import { checkXml, svgLines, svgTexts } from './support.ts';

const history = (losses: number[]) => losses.map((loss, i) => ({ step: i + 1, loss, learningRate: 0.01 }));

test('smoothing takes the mean of the finite neighbours', () => {
  assert.equal(smooth([1, 2, 6, 3], 0), [1, 2, 6, 3]);
  assert.equal(smooth([1, 2, 6, 4], 1), [1.5, 3, 4, 5]);
  assert.equal(smooth([2, NaN, 4], 1), [2, NaN, 4]);
  assert.equal(smooth([2, Infinity, 4, 6], 2), [3, Infinity, 4, 5]);
  assert.equal(smooth([], 3), []);
});

test('a run has panels for loss, held-out images and learning rate', () => {
  const records = history(Array.from({ length: 100 }, (_, i) => 1 - i / 200));
  const svg = lossChart(records, [
    { step: 50, f1: 0.4, averagePrecision: null },
    { step: 100, f1: 0.6, averagePrecision: 0.5 },
  ]);
  checkXml(svg);
  const texts = svgTexts(svg);
  for (const text of ['Training loss', 'Held-out images', 'Learning rate', 'smoothed', 'best F1']) {
    assert.ok(texts.includes(text), text);
  }
  // Loss, smoothed loss, F1 and learning rate are lines; average precision is known at one step only.
  assert.is(svgLines(svg).length, 4);
  assert.not.ok(svgTexts(lossChart(records)).includes('Held-out images'));
});

test('the parts of the loss and the norm of the gradients are drawn if they are known', () => {
  const records = history([3, 2, 1]).map((record) => ({
    ...record,
    classification: record.loss / 3,
    boxRegression: (2 * record.loss) / 3,
    gradientNorm: 100 * record.loss ** 3,
  }));
  const svg = lossChart(records);
  checkXml(svg);
  for (const text of ['total, smoothed', 'classification', 'boxes', 'Gradient norm', 'norm (logarithmic)']) {
    assert.ok(svgTexts(svg).includes(text), text);
  }
  // Each step, its mean and two parts; the norm and its mean; the learning rate.
  const lines = svgLines(svg);
  assert.is(lines.length, 7);
  const [, total = [], classes = [], boxes = []] = lines;
  // The classification loss falls by a third of its first value with each step: it would be 0 after three.
  const [first = NaN, second = NaN] = classes.map(([, y]) => y);
  const bottom = first + 3 * (second - first);
  const heights = [total, classes, boxes].map((line) => bottom - (line[0]?.[1] ?? 0));
  assert.ok(Math.abs(heights[1]! / heights[0]! - 1 / 3) < 1e-3, 'a third');
  assert.ok(Math.abs(heights[2]! / heights[0]! - 2 / 3) < 1e-3, 'two thirds');
  const without = svgTexts(lossChart(history([3, 2, 1])));
  for (const text of ['classification', 'boxes', 'Gradient norm']) assert.not.ok(without.includes(text), text);
});

test('the best evaluation is marked, in a tie the first', () => {
  const evaluation = (step: number, f1: number) => ({ step, f1, averagePrecision: null });
  const texts = svgTexts(lossChart(history([1, 1]), [evaluation(1, 0.2), evaluation(2, 0.75), evaluation(3, 0.75)]));
  assert.ok(texts.includes('F1 0.750, step 2'), texts.join(' | '));
  assert.ok(svgTexts(lossChart([], [{ ...evaluation(8, 0.5), epoch: 4 }])).includes('F1 0.500, epoch 4'));
});

test('null, which JSON makes of NaN, leaves a gap', () => {
  const records = [1, 2, null, 4, 5].map((loss, i) => ({ step: i + 1, loss, learningRate: 0.1 }));
  assert.equal(
    svgLines(lossChart(records)).map((line) => line.length),
    [2, 2, 2, 2, 5],
  );
});

test('the loss axis is logarithmic when the loss falls far', () => {
  const isLog = (losses: number[]) => svgTexts(lossChart(history(losses))).includes('loss (logarithmic)');
  assert.is(isLog([2, 1, 0.5, 0.25]), false);
  assert.is(isLog([2, 1, 0.5, 0.1]), true);
  assert.is(isLog([2, 0]), false);
});

test('runs that are short, empty or diverge can be drawn', () => {
  for (const losses of [[], [1], [0, 0], [1, NaN, 2, Infinity], [NaN], [-1, -2]]) checkXml(lossChart(history(losses)));
});

test('the precision-recall chart marks the best F1', () => {
  const images = [
    {
      truth: truthOf([[0, 0, 4, 4], 0], [[8, 8, 12, 12], 0]),
      detections: detectionsOf([[0, 0, 4, 4], 0, 0.9], [[0, 0, 4, 3], 0, 0.8], [[8, 8, 12, 12], 0, 0.7]),
    },
  ];
  const svg = precisionRecallChart(evaluateDetections(images, { classes: ['building'] }));
  checkXml(svg);
  const texts = svgTexts(svg);
  assert.ok(texts.includes('best F1 0.800 at score 0.70'), texts.join(' | '));
  assert.ok(texts.includes('Precision and recall at IoU 0.5 (average precision 0.833)'));
  assert.equal(
    svgLines(svg).map((line) => line.length),
    [3],
  );
  const two = precisionRecallChart(evaluateDetections(images, { classes: ['building', 'pool'] }));
  checkXml(two);
  assert.ok(svgTexts(two).includes('building (0.833)'));
  assert.not.match(two, 'pool');
});

test('a precision-recall chart without anything to draw', () => {
  for (const images of [[], [{ truth: truthOf(), detections: detectionsOf([[0, 0, 1, 1], 0, 1]) }]]) {
    const svg = precisionRecallChart(evaluateDetections(images, { classes: ['building'] }));
    checkXml(svg);
    assert.not.match(svg, 'best F1');
  }
});

test.run();
