import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateDetections } from '../../src/evaluation/detection-metrics.ts';
import { lossChart, precisionRecallChart, smooth } from '../../src/report/charts.ts';
import { detectionsOf, truthOf } from '../evaluation/support.ts';
import { checkXml, svgLines, svgTexts } from './support.ts';

const history = (losses: number[]) => losses.map((loss, i) => ({ step: i + 1, loss, learningRate: 0.01 }));

test('smoothing takes the mean of the neighbours that are numbers', () => {
  assert.equal(smooth([1, 2, 6, 3], 0), [1, 2, 6, 3]);
  assert.equal(smooth([1, 2, 6, 4], 1), [1.5, 3, 4, 5]);
  assert.equal(smooth([2, NaN, 4], 1), [2, NaN, 4]);
  assert.equal(smooth([2, Infinity, 4, 6], 2), [3, Infinity, 4, 5]);
  assert.equal(smooth([], 3), []);
});

test('the course of a run has panels for loss, held-out images and learning rate', () => {
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
