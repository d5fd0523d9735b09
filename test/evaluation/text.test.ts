import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LabelTable } from '../../src/labels/types.ts';
import { compareRuns } from '../../src/evaluation/compare.ts';
import { judge } from '../../src/evaluation/judge.ts';
import { comparisonText, judgementText } from '../../src/evaluation/text.ts';
import { object, randomTables, tableOf } from './tables.ts';

const truth = tableOf(['house', 'car'], {
  'a.png': [object(0, [0, 0, 10, 10]), object(1, [20, 20, 30, 30])],
  'b.png': [object(1, [0, 0, 10, 10]), object(1, [40, 0, 80, 40], { crowd: true })],
  'c.png': [],
});
const predictions = tableOf(['house', 'car'], {
  'a.png': [object(0, [0, 0, 10, 9], { score: 0.9 }), object(0, [20, 20, 30, 29], { score: 0.7 })],
});

test('a judgement in words and figures', () => {
  const text = judgementText(judge(truth, predictions, { scoreThreshold: 0.5, resamples: 100, confidence: 0.9 }));
  const lines = text.split('\n');
  const has = (pattern: RegExp) =>
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern} in\n${text}`,
    );
  has(/^images {6}3, 1 without objects, 2 not in the predictions$/);
  has(/^objects {5}3, and 1 ignored \(crowds, difficult ones\)$/);
  has(/^detections {2}2$/);
  has(/^At scores from 0\.500:$/);
  has(/^ {2}precision +0\.500 +- +1 of 2 detections right$/);
  has(/^ {2}recall +0\.333 +- +1 of 3 objects found$/);
  has(/^ {2}F1 +0\.400 .*harmonic mean/);
  has(/^ {2}-: too few scenes for an interval: 2 images have objects, at least 5 are needed$/);
  has(/^0\.90 +1\.000 +0\.333 +0\.500 +1 +0 +2$/);
  has(/^car +2 +0\.000 +0\.000 +0\.000 /);
  has(/^ {2}car +1 +0 +1$/); // One car was detected as a house, one was missed.
  has(/^ {2}worst +b\.png, a\.png$/);
  has(/^ {2}boxes +0\.400 +0\.400 +0\.500 +0\.900$/);
  assert.not.match(text, /outlines/);
});

test('intervals say what was resampled, and how many', () => {
  const { truth: there, predictions: found } = randomTables(3, { images: 60, classes: 1, levels: 9 });
  const text = (scenes?: readonly string[]) => {
    const judgement = judge(there, found, { scoreThreshold: 0.5, resamples: 50, ...(scenes ? { scenes } : {}) });
    return judgementText(judgement);
  };
  assert.match(text(), /^ {2}precision +0\.\d{3} +\[0\.\d{3}, 0\.\d{3}\] +\d+ of \d+ detections right$/m);
  assert.match(
    text(),
    /^ {2}\[ \]: 95 % confidence, from 50 resamples of the images, taken as independent of each other$/m,
  );
  const scenesOf = (count: number) => there.images.map((_, i) => `${i % count}`);
  assert.match(text(scenesOf(7)), /from 50 resamples of the 7 scenes with objects; rough for so few scenes$/m);
  assert.match(text(scenesOf(1)), /-: too few scenes for an interval: 1 scene has objects, at least 5 are needed$/m);
  const compared = comparisonText(compareRuns(there, found, found, { scenes: scenesOf(4) }));
  assert.match(compared, /^too few scenes for an interval: 4 scenes have objects, at least 5 are needed$/m);
});

test('columns line up', () => {
  const lines = judgementText(judge(truth, predictions, { resamples: 0 })).split('\n');
  const from = lines.findIndex((line) => line.startsWith('score >='));
  const table = lines.slice(from, lines.indexOf('', from) - 1);
  assert.is(table.length, 12);
  for (const line of table) assert.is(line.length, table[0]?.length);
});

test('a comparison says which run is better, and where, or that it cannot be told', () => {
  const { truth: there, predictions: b } = randomTables(4, { images: 40, classes: 2, levels: Infinity });
  const a = { ...b, images: b.images.map((image, i) => (i % 2 === 0 ? { ...image, objects: [] } : image)) };
  const text = (...runs: [LabelTable, LabelTable]) =>
    comparisonText(compareRuns(there, ...runs, { resamples: 200, scoreThreshold: 0.2 }));
  assert.match(text(a, b), /^40 images, \d+ objects; IoU 0\.5; scores from 0\.200 \(a\) and 0\.200 \(b\)$/m);
  assert.match(text(a, b), /^b is better in F1: its interval lies above 0\.$/m);
  assert.match(text(a, b), /^F1 +0\.\d{3} +0\.\d{3} +\+0\.\d{3} +\[\+0\.\d{3}, \+0\.\d{3}\] +[\d.]+ %$/m);
  assert.match(text(a, b), /^images that b gained /m);
  assert.match(text(b, a), /^a is better in F1: its interval lies below 0\.$/m);
  assert.not.match(text(b, b), /^images that b/m);
  assert.match(text(b, b), /^These images do not decide which is better in F1: the interval contains 0\.$/m);
});

test('no text says NaN or undefined, whatever there is to say', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 1, max: 15 }),
      (seed, images, classes) => {
        const { truth: there, predictions: found } = randomTables(seed, { images, classes, levels: 5 });
        const options = { resamples: 20 };
        for (const text of [
          judgementText(judge(there, found, options)),
          comparisonText(compareRuns(there, found, { ...found, images: [] }, options)),
        ]) {
          assert.not.match(text, /NaN|undefined|null|Infinity|\s$/);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
