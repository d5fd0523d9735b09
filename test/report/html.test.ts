import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pngDataUri } from '../../src/report/html/data-uri.ts';
import { reportHtml } from '../../src/report/html/html.ts';
import type { RunReport } from '../../src/report/html/run-report.ts';
import { exampleCaption, factRows } from '../../src/report/html/run-sections.ts';
import { madeUpImages, madeUpJudgement, madeUpSizes, madeUpTraining } from './fixtures.ts';
import { checkPage, pageText, refuses } from './support.ts';

const src = pngDataUri(Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10, 0));
const evil = `</title></td><script>alert("1")</script> & 'x' <img src=x onerror=y>`;
const namesOf = (n: number) => Array.from({ length: n }, (_, i) => `class ${i}`);

/** A report with all its parts. */
function full(images: number, classes: readonly string[], text = 'text'): RunReport {
  return {
    title: text,
    summary: text,
    warnings: [text],
    judgement: madeUpJudgement(
      madeUpImages(images, classes.length).map((image, i) => ({ ...image, file: `${text}/${i}` })),
      classes,
    ),
    training: madeUpTraining(200, 3),
    boxSizes: madeUpSizes(100),
    pictures: { best: [{ src, caption: text, alt: text }], worst: [{ src, caption: text, alt: text }], missed: [] },
    facts: [
      {
        heading: text,
        rows: [
          [text, text],
          ['null', null],
          ['yes', true],
          ['number', 3],
        ],
      },
    ],
    reproduction: { commands: [text, 'npm test'], seed: 7, files: [{ file: text, sha256: 'ab' }], notes: [text] },
  };
}

const headings = (html: string) => Array.from(html.matchAll(/<h2[^>]*>([^<]*)</g), ([, heading]) => heading);
test('a full report has all parts, the verdict first', () => {
  const report = full(60, ['car', 'ship']);
  const html = reportHtml(report);
  checkPage(html);
  assert.equal(headings(html), [
    'Scores',
    'Classes',
    'Confusion matrix',
    'Pictures',
    'Images',
    'Training',
    'Box sizes and anchors',
    'How to reproduce',
    'Run details',
    'What the numbers mean',
  ]);
  const { chosen, counts, coco, intervals } = report.judgement!;
  const text = pageText(html);
  const verdict = text.slice(0, text.indexOf('Contents') < 0 ? 600 : undefined);
  for (const part of [
    `F1 ${chosen.f1!.toFixed(3)} (95 % interval ${intervals?.f1.low?.toFixed(3)} to ${intervals?.f1.high?.toFixed(3)})`,
    `on 60 images with ${counts.truths} objects`,
    `${(100 * chosen.recall!).toFixed(1)} % of the objects are detected`,
    `${(100 * chosen.precision!).toFixed(1)} % of the detections are correct`,
    `AP50 ${coco?.ap50?.toFixed(3)}`,
    `AP ${coco?.ap?.toFixed(3)}`,
  ]) {
    assert.ok(verdict.includes(part), part);
  }
  for (const part of ['Seed: 7', 'npm test', 'null not defined', 'yes yes', 'Intersection over union']) {
    assert.ok(text.includes(part), part);
  }
});

test('tables and charts show what matters most', () => {
  const names = namesOf(9);
  const judgement = madeUpJudgement(madeUpImages(400, 9), names);
  const html = reportHtml({ title: 'a', judgement });
  checkPage(html);
  const byTruths = [...judgement.perClass].sort((a, b) => b.truths - a.truths);
  byTruths.forEach(({ name, averagePrecision }, i) => {
    const legend = html.split(`>${name} (${averagePrecision?.toFixed(3)})<`).length - 1;
    assert.is(legend, i < 5 ? 2 : 0, `${name}, number ${i} by its objects, in both charts`);
  });
  const [, row = ''] = /<tr class="marked">(.*?)<\/tr>/.exec(html) ?? [];
  const { chosen, perImage } = judgement;
  assert.ok(
    row.includes(`${chosen.threshold.toFixed(3)} (best)`) && row.includes(chosen.truePositives.toLocaleString('en-US')),
  );
  const errors = new Map(perImage.map((one) => [one.file, one.falsePositives + one.falseNegatives]));
  const listed = Array.from(
    html.matchAll(/<th scope="row">(tiles[^<]*)</g),
    ([, file = '']) => errors.get(file) ?? NaN,
  );
  assert.is(listed.length, 100);
  assert.equal(listed, [...errors.values()].sort((a, b) => b - a).slice(0, 100), 'most errors first');
});

test('the same data give the same text', () => {
  assert.is(reportHtml(full(10, ['car'])), reportHtml(full(10, ['car'])));
});

test('markup in any name is text', () => {
  const html = reportHtml(full(10, [evil, 'b', 'c'], evil));
  checkPage(html);
  assert.ok(pageText(html).includes(evil));
  checkPage(reportHtml(full(10, [evil, ...namesOf(20)], evil)));
});

test('every part may be missing', () => {
  checkPage(reportHtml({ title: 'only a title' }));
  const whole = full(5, ['car']);
  for (const key of Object.keys(whole).filter((name) => name !== 'title') as (keyof RunReport)[]) {
    const { [key]: part, ...rest } = whole;
    checkPage(reportHtml(rest as RunReport));
    checkPage(reportHtml({ title: 'one part', [key]: part }));
  }
  const { judgement } = whole;
  if (judgement === undefined) throw new Error('made without a judgement');
  checkPage(reportHtml({ title: 'null', judgement: { ...judgement, intervals: null, macro: null } }));
  checkPage(reportHtml({ title: 'pictures', pictures: {} }));
});

test('no images, images without objects and without detections', () => {
  const none = reportHtml(full(0, ['car']));
  checkPage(none);
  assert.match(none, 'No images were evaluated.');
  const empty = { boxes: new Float32Array(0), labels: new Int32Array(0) };
  const image = { file: 'a', truth: empty, detections: { ...empty, scores: new Float32Array(0) } };
  const nothing = reportHtml({ title: 'a', judgement: madeUpJudgement([image, image], ['car', 'ship']) });
  checkPage(nothing);
  assert.ok(
    pageText(nothing).includes('2 images with 0 objects: there is nothing to detect, and there are 0 detections.'),
  );
  assert.ok(pageText(nothing).includes('F1 not defined'));
  const truth = { boxes: Float32Array.of(0, 0, 9, 9), labels: Int32Array.of(0) };
  const blind = reportHtml({ title: 'a', judgement: madeUpJudgement([{ ...image, truth }], ['car', 'ship']) });
  checkPage(blind);
  const tooFew = 'too few scenes for an interval: 1 image has objects, at least 5 are needed';
  assert.ok(pageText(blind).includes(`F1 0.000 (${tooFew}) on 1 image with 1 object.`));
});

test('80 classes and 2000 images', () => {
  const html = reportHtml(full(2000, namesOf(80)));
  checkPage(html);
  for (const name of namesOf(80)) assert.ok(html.includes(`<th scope="row">${name}</th>`), name);
  assert.match(html, 'The 5 of 80 classes with the most objects.');
  assert.ok(html.length < 2_000_000, `${html.length} characters`);
});

test('a given threshold is distinguished from the best one', () => {
  const judgement = madeUpJudgement(madeUpImages(30, 1), ['car']);
  const given = judgement.thresholds[16];
  if (given === undefined) throw new Error('made without thresholds');
  const settings = { ...judgement.settings, scoreThreshold: given.threshold, scoreThresholdFrom: 'given' } as const;
  const text = pageText(reportHtml({ title: 'a', judgement: { ...judgement, settings, chosen: given } }));
  assert.ok(text.includes(`At a score threshold of 0.80 (given; the best for these images is`), text.slice(0, 400));
  assert.ok(text.includes('0.800 (chosen)') && text.includes('(best)'));
});

test('training that diverged leaves gaps; JSON has null for its numbers', () => {
  const record = { step: 1, loss: null, learningRate: 0.1, classification: null, boxRegression: 1, gradientNorm: null };
  const html = reportHtml({
    title: 'a',
    training: {
      steps: [record, { ...record, step: 2, loss: NaN }, { ...record, step: 3, loss: 2 }],
      evaluations: [{ step: 3, f1: 0, averagePrecision: null }],
    },
  });
  checkPage(html);
  assert.ok(pageText(html).includes('The best F1 on held-out images during training was 0.000, at step 3.'));
});

test('captions and rows of facts', () => {
  const image = { file: 'a.tif', truePositives: 3, falsePositives: 1, falseNegatives: 2, f1: 2 / 3 };
  assert.is(exampleCaption(image), 'a.tif: 3 found, 1 wrong, 2 missed, F1 0.667');
  assert.equal(factRows({ a: 1, b: { c: 'd', e: { f: null } }, g: [1, 2], h: [[1], [2]], i: true }), [
    ['a', 1],
    ['b.c', 'd'],
    ['b.e.f', null],
    ['g', '1, 2'],
    ['h', '[[1],[2]]'],
    ['i', true],
  ]);
});

test('data that do not fit are refused', () => {
  const judgement = madeUpJudgement(madeUpImages(3, 1), ['car']);
  const curve = { ...judgement.curve, f1: [1] };
  const points = judgement.curve.thresholds.length;
  refuses(
    () => reportHtml({ title: 'a', judgement: { ...judgement, curve } }),
    `reportHtml: the curve of all classes has ${points} thresholds and 1 of f1, expected the same number`,
  );
  for (const bad of ['http://example.org/a.png', 'data:image/svg+xml;base64,AA', 'data:image/png;base64,A"', 'a.png']) {
    refuses(
      () => reportHtml({ title: 'a', pictures: { best: [{ src: bad, caption: 'c', alt: 'd' }] } }),
      `reportHtml: the src of picture 0 ("c") starts with "${bad.slice(0, 30)}", expected data:image/png;base64, and base 64`,
    );
  }
});

test.run();
