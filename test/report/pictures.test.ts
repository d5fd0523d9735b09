import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import { contactSheet, detectionPicture, pictureColours } from '../../src/report/pictures/pictures.ts';
import { detectionsOf, truthOf } from '../evaluation/support.ts';
import { pixelRows, refuses } from './support.ts';

const { found, missed, correct, wrong } = pictureColours;
const names = { f: found, m: missed, c: correct, w: wrong, '.': [90, 90, 90] };

/** A grey image, so that drawing in black or white shows. */
function grey(height: number, width: number): RgbImage {
  const image = rgbImage(height, width);
  image.data.fill(90);
  return image;
}

const count = (image: RgbImage, name: string) =>
  [...pixelRows(image, names).join('')].filter((pixel) => pixel === name).length;

test('the picture is the image enlarged with a strip below; the image stays as it was', () => {
  const image = grey(20, 100);
  const picture = detectionPicture(image, truthOf(), detectionsOf());
  assert.equal(picture.shape.slice(1), [400, 3]);
  assert.ok((picture.shape[0] ?? 0) > 80);
  assert.ok(
    pixelRows(picture, names)
      .slice(0, 80)
      .every((row) => row === '.'.repeat(400)),
  );
  assert.not.ok(
    pixelRows(picture, names)
      .slice(80)
      .some((row) => row.includes('.')),
  );
  detectionPicture(image, truthOf([[1, 1, 9, 9], 0]), detectionsOf([[1, 1, 9, 9], 0, 0.5]));
  assert.ok(image.data.every((value) => value === 90));
});

test('found, missed, correct and wrong boxes have different colours', () => {
  const truth = truthOf([[10, 10, 30, 30], 0], [[50, 10, 70, 30], 0]);
  const detections = detectionsOf([[12, 10, 32, 30], 0, 0.9], [[75, 30, 95, 45], 0, 0.4]);
  const rows = pixelRows(detectionPicture(grey(60, 100), truth, detections, { scale: 2 }), names);
  // Row 40 of the picture is row 20 of the image: the sides of the boxes, one pixel wide at a scale of 2.
  const row = rows[40] ?? '';
  assert.is(row[20], 'f', 'left side of the true box');
  assert.is(row[24], 'c', 'left side of the detection');
  assert.is(row[63], 'c', 'right side of the detection');
  const side = rows
    .slice(20, 60)
    .map((line) => line[100])
    .join('');
  assert.match(side, /^(m+\?+)+m*$/, 'the missed box is dashed');
  assert.is(rows[75]?.[150], 'w');
});

test('without ground truth, detections have one colour', () => {
  const detections = detectionsOf([[12, 10, 32, 30], 0, 0.9], [[75, 30, 95, 45], 0, 0.4]);
  const picture = detectionPicture(grey(60, 100), null, detections, { scale: 2 });
  assert.ok(count(picture, 'c') > 100);
  for (const name of ['f', 'm', 'w']) assert.is(count(picture, name), 0, name);
});

test('a score threshold hides detections, so that what they match is missed', () => {
  const truth = truthOf([[10, 10, 30, 30], 0]);
  const detections = detectionsOf([[10, 10, 30, 30], 0, 0.3]);
  const hidden = detectionPicture(grey(40, 40), truth, detections, { scoreThreshold: 0.5 });
  const nothing = detectionPicture(grey(40, 40), truth, detectionsOf());
  assert.equal(pixelRows(hidden, names), pixelRows(nothing, names));
  assert.ok(count(hidden, 'm') > 0);
  const kept = detectionPicture(grey(40, 40), truth, detections, { scoreThreshold: 0.3 });
  assert.ok(count(kept, 'c') > 100, 'a score equal to the threshold is drawn');
});

test('boxes are matched at the given IoU threshold', () => {
  const truth = truthOf([[10, 10, 30, 30], 0]);
  const detections = detectionsOf([[10, 10, 30, 26], 0, 0.3]);
  const legend = (picture: RgbImage) =>
    pixelRows(picture, { '#': [255, 255, 255] })
      .slice(160)
      .join('\n');
  const loose = legend(detectionPicture(grey(40, 40), truth, detections));
  const strict = legend(detectionPicture(grey(40, 40), truth, detections, { iouThreshold: 0.9 }));
  assert.is.not(loose, strict);
});

test('boxes and tags that extend beyond the image are clipped, at every scale', () => {
  const truth = truthOf([[-5, -5, 6, 6], 0]);
  const detections = detectionsOf([[-5, -5, 6, 6], 0, 1], [[35, 35, 60, 60], 0, 0.1], [[-50, 5, -20, 9], 0, 0.2]);
  for (const scale of [1, 2, 3, 5]) {
    const picture = detectionPicture(grey(40, 40), truth, detections, { scale, classes: ['building', 'pool'] });
    assert.is(picture.shape[1], 40 * scale);
  }
});

test('class names are printed when there are several', () => {
  const detections = detectionsOf([[10, 10, 30, 30], 1, 0.5]);
  const draw = (classes: string[]) =>
    pixelRows(detectionPicture(grey(40, 80), truthOf(), detections, { classes }), names).join('\n');
  assert.is(draw(['building']), draw([]));
  assert.is.not(draw(['building', 'pool']), draw([]));
});

test('missed boxes have the name of their class at the bottom, away from wrong detections at the same place', () => {
  const truth = truthOf([[10, 10, 70, 50], 1]);
  const draw = (classes: string[]) =>
    pixelRows(detectionPicture(grey(60, 80), truth, detectionsOf(), { classes }), names);
  // Rows 40 to 200 of the picture are those of the box; its lower half is from row 120 on.
  const plain = draw([]);
  const changed = draw(['building', 'pool']).flatMap((row, y) => (row === plain[y] ? [] : [y]));
  assert.ok(changed.length > 0);
  assert.ok(
    changed.every((y) => y > 150 && y < 200),
    changed.join(' '),
  );
});

test('strided views give the same picture as a copy', () => {
  const image = rgbImage(12, 16);
  image.data.forEach((_, i) => (image.data[i] = (i * 37) % 251));
  const view = image.transpose(1, 0, 2).step(-1, 1, 1);
  const copy = rgbImage(16, 12);
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 12; x++) for (let c = 0; c < 3; c++) copy.set(y, x, c, view.get(y, x, c));
  const truth = truthOf([[2, 2, 9, 9], 0]);
  assert.equal(
    [...detectionPicture(view, truth, detectionsOf()).data],
    [...detectionPicture(copy, truth, detectionsOf()).data],
  );
});

test('a contact sheet puts images in rows on white', () => {
  const keys = { a: [1, 1, 1], b: [2, 2, 2], c: [3, 3, 3], '.': [255, 255, 255] };
  const image = (height: number, width: number, value: number) => {
    const made = rgbImage(height, width);
    made.data.fill(value);
    return made;
  };
  const sheet = contactSheet([image(2, 3, 1), image(1, 1, 2), image(1, 2, 3)], 2);
  assert.equal(sheet.shape, [8 + 2 + 8 + 1 + 8, 8 + 3 + 8 + 1 + 8, 3]);
  const rows = pixelRows(sheet, keys);
  assert.is(rows[8], '........aaa........b........');
  assert.is(rows[9], '........aaa.................');
  assert.is(rows[18], '........cc..................');
  assert.is(rows.join('').replaceAll('.', ''), 'aaabaaacc');
  assert.equal(contactSheet([image(1, 1, 1)], 5).shape, [17, 17, 3]);
});

test('pictures that cannot be made are refused', () => {
  refuses(
    () => detectionPicture(grey(4, 4), truthOf(), detectionsOf(), { scale: 0 }),
    'enlarge: factor is 0, expected an integer >= 1',
  );
  refuses(() => contactSheet([], 2), 'contactSheet: no images, expected at least one');
  refuses(() => contactSheet([grey(1, 1)], 0), 'contactSheet: columns is 0, expected an integer >= 1');
});

test.run();
