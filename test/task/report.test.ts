import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  anchorFacts,
  boxSizesOf,
  rateChart,
  taskReport,
  titleOf,
  writeReport,
  type ReportParts,
} from '../../src/detector-node.ts';
import { tableOf } from '../../src/data-node.ts';
import { judge } from '../../src/evaluation.ts';
import { inFolder } from '../support/files.ts';
import { tinySpec } from '../train/support.ts';
import { someSquares } from './support.ts';

const dataset = someSquares(3);
const truth = await tableOf(dataset);
const scored = truth.images.map((image, i) => ({
  ...image,
  // The first image has all objects, the second one of two, the third none.
  objects: image.objects.slice(i).map((object) => ({ ...object, score: 0.9 })),
}));
const judgement = judge(truth, { ...truth, images: scored });

const parts = (given: Partial<ReportParts> = {}): ReportParts => ({
  title: 'Squares & more',
  summary: 'A summary.',
  judgement,
  facts: [],
  commands: [],
  ...given,
});

test('a title names up to three classes, and counts more', () => {
  assert.is(titleOf(['car'], 'tiles'), 'car in tiles');
  assert.is(titleOf(['a', 'b', 'c'], 'tiles'), 'a, b, c in tiles');
  assert.is(titleOf(['a', 'b', 'c', 'd'], 'tiles'), '4 classes in tiles');
});

test('anchors are told by level', () => {
  const spec = tinySpec({ anchors: { sizes: [[12.3456, 20], [24], [48], [96], [192]], ratios: [0.5, 2] } });
  assert.equal(anchorFacts(spec), {
    P3: '12.3, 20',
    P4: '24',
    P5: '48',
    P6: '96',
    P7: '192',
    'height / width': '0.5, 2',
  });
});

test('sizes of boxes come with the anchors that they are compared with', () => {
  const spec = tinySpec();
  const { sizes, bestIou, foregroundIou, anchorSizes } = boxSizesOf(truth, spec);
  assert.equal(
    Array.from(sizes),
    truth.images.flatMap(({ objects }) => objects.map(({ box: [x1, y1, x2, y2] }) => Math.sqrt((x2 - x1) * (y2 - y1)))),
  );
  assert.is(bestIou.length, 6);
  assert.ok(Array.from(bestIou).every((iou) => iou > 0.3 && iou <= 1));
  assert.is(foregroundIou, spec.matcher.high);
  assert.equal(anchorSizes, spec.anchors.sizes.flat());
});

test('a report has what it is given, and no section of what it is not', () => {
  const plain = taskReport(parts());
  assert.match(plain, '<title>Squares &#38; more</title>');
  assert.not.match(plain, 'Training loss');
  assert.not.match(plain, 'Seed');
  const facts = [{ heading: 'Settings', values: { nothing: null, empty: '', some: 7 } }];
  const losses = { loss: 3, classification: 1, boxRegression: 2, gradientNorm: 4, positives: 5 };
  const pace = { epoch: 1, learningRate: 0.1, imagesPerSecond: 1, waitSeconds: 0 };
  const training = [1, 2].map((number) => ({ kind: 'step', step: number, ...losses, ...pace }) as const);
  const full = taskReport(
    parts({
      facts,
      training,
      boxSizes: boxSizesOf(truth, tinySpec()),
      commands: ['retinagrad train --config <mine>'],
      seed: 4711,
      files: [{ file: 'best.safetensors', sha256: 'ab12' }],
    }),
  );
  for (const text of [
    'Training loss',
    'retinagrad train --config &#60;mine&#62;',
    'Seed: 4711',
    'best.safetensors',
    'ab12',
  ])
    assert.match(full, text);
  for (const name of ['nothing', 'empty']) assert.match(full, `<th scope="row">${name}</th><td>none</td>`);
});

test(
  'a report that is written has the hashes of files, not of folders, and pictures of the images',
  inFolder(async (folder) => {
    const file = join(folder, 'best.safetensors');
    writeFileSync(file, 'weights');
    mkdirSync(join(folder, 'labels'));
    const report = join(folder, 'report.html');
    const { title, summary, facts, commands } = parts();
    const written = { title, summary, facts, commands, judgement };
    await writeReport(report, { ...written, files: [file, join(folder, 'labels'), join(folder, 'none.csv')] });
    const html = readFileSync(report, 'utf8');
    assert.match(html, file);
    assert.match(html, createHash('sha256').update('weights').digest('hex'));
    assert.is(html.match(/\b[0-9a-f]{64}\b/g)!.length, 1);
    assert.not.match(html, 'none.csv');
    assert.not.match(html, join(folder, 'labels'));
    assert.not.match(html, 'data:image/png');
    const images = await Promise.all(
      dataset.ids.map(async (_, index) => {
        const { boxes, labels } = await dataset.get(index);
        const kept = { boxes: boxes.subarray(4 * index), labels: labels.subarray(index) };
        return {
          index,
          truth: { boxes, labels },
          detections: { ...kept, scores: new Float32Array(kept.labels.length).fill(0.9) },
        };
      }),
    );
    await writeReport(report, { ...written, files: [], pictured: { dataset, images } });
    const pictured = readFileSync(report, 'utf8');
    assert.ok(pictured.match(/src="data:image\/png;base64,/g)!.length >= 3);
    for (const id of dataset.ids) assert.match(pictured, `Ground-truth and detected boxes in ${id}`);
  }),
);

test('the curve of learning rates marks the suggestion, if there is one', () => {
  const curve = [1e-5, 1e-4, 1e-3, 1e-2].map((learningRate, i) => {
    const loss = [2, 1.5, 1, 40][i]!;
    return { learningRate, loss, smoothed: loss };
  });
  const found = { curve, diverged: true, steepest: 1e-4, minimumTenth: 1e-4, suggestion: 1e-4, reason: '' };
  assert.match(rateChart(found), 'suggested 0.00010');
  const none = rateChart({ ...found, suggestion: null });
  assert.match(none, /^<svg/);
  assert.not.match(none, 'suggested');
});

test.run();
