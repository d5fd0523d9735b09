import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { drawBox, drawText, enlarge, fillRectangle, pasteImage, textSize } from '../../src/report/pictures/draw.ts';
import { pixelRows, refuses } from './support.ts';

const red = [255, 1, 2] as const;
const names = { '.': [0, 0, 0], '#': red };
const rows = (image: Parameters<typeof pixelRows>[0]) => pixelRows(image, names);

test('a box covers the pixels between its edges', () => {
  const image = rgbImage(5, 6);
  drawBox(image, [1, 1, 5, 4], red);
  assert.equal(rows(image), ['......', '.####.', '.#..#.', '.####.', '......']);
});

test('edges are rounded to the nearest border between pixels', () => {
  const image = rgbImage(4, 6);
  drawBox(image, [0.6, 0.4, 4.4, 3.4], red);
  assert.equal(rows(image), ['.###..', '.#.#..', '.###..', '......']);
});

test('a thick line lies inside the box', () => {
  const image = rgbImage(6, 8);
  drawBox(image, [1, 0, 8, 6], red, 2);
  assert.equal(rows(image), ['.#######', '.#######', '.##...##', '.##...##', '.#######', '.#######']);
  const small = rgbImage(4, 4);
  drawBox(small, [1, 1, 3, 3], red, 9);
  assert.equal(rows(small), ['....', '.##.', '.##.', '....']);
});

test('what is outside the image is left out', () => {
  const image = rgbImage(4, 5);
  drawBox(image, [-2, -7, 3, 3], red);
  assert.equal(rows(image), ['..#..', '..#..', '###..', '.....']);
  const far = rgbImage(3, 3);
  drawBox(far, [-1e9, 1, 1e9, 1e9], red);
  assert.equal(rows(far), ['...', '###', '...']);
  const away = rgbImage(3, 3);
  drawBox(away, [10, 10, 20, 20], red, 3);
  drawBox(away, [-9, -9, -3, -3], red, 3);
  drawBox(away, [-1, -1, 4, 4], red);
  assert.equal(rows(away), ['...', '...', '...']);
});

test('a box that is rounded to nothing is one pixel', () => {
  const image = rgbImage(3, 3);
  drawBox(image, [1.1, 1.1, 1.2, 1.2], red);
  assert.equal(rows(image), ['...', '.#.', '...']);
});

test('dashes are on and off in turn, counted from the start of the box', () => {
  const image = rgbImage(1, 9);
  drawBox(image, [0, 0, 9, 1], red, 1, 2);
  assert.equal(rows(image), ['##..##..#']);
  const cut = rgbImage(1, 6);
  drawBox(cut, [-7, 0, 9, 1], red, 1, 2);
  // The dashes of columns -7 to 8 begin at -7, -3, 1 and 5.
  assert.equal(rows(cut), ['.##..#']);
});

test('strided views are drawn on', () => {
  const image = rgbImage(4, 6);
  const expected = ['......', '.##...', '.##...', '......'];
  // Mirrored left to right: columns 1 and 2 of the view are columns 4 and 3 of the image.
  drawBox(image.step(1, -1, 1), [1, 1, 3, 3], red);
  assert.equal(
    rows(image),
    expected.map((row) => [...row].reverse().join('')),
  );
  const turned = rgbImage(3, 4);
  drawBox(turned.transpose(1, 0, 2), [0, 1, 2, 4], red);
  assert.equal(rows(turned), ['.###', '.###', '....']);
  const whole = rgbImage(4, 4);
  const part = whole.lo(1, 1).hi(2, 2);
  drawBox(part, [-5, -5, 50, 2], red);
  assert.equal(rows(whole), ['....', '....', '.##.', '....'], 'a crop is not drawn over');
});

test('rectangles are clipped', () => {
  const image = rgbImage(3, 4);
  fillRectangle(image, { x: 2, y: -1, width: 9, height: 3 }, red);
  fillRectangle(image, { x: 0, y: 0, width: 0, height: 3 }, red);
  fillRectangle(image, { x: 1, y: 0, width: -4, height: 3 }, red);
  assert.equal(rows(image), ['..##', '..##', '....']);
});

test('text is drawn in letters of five by seven dots', () => {
  const image = rgbImage(9, 13);
  drawText(image, 1, 1, 'F1', red);
  assert.equal(rows(image), [
    '.............',
    '.#####...#...',
    '.#......##...',
    '.#.......#...',
    '.####....#...',
    '.#.......#...',
    '.#.......#...',
    '.#......###..',
    '.............',
  ]);
  assert.equal(textSize('F1'), { width: 11, height: 7 });
  assert.equal(textSize('F1', 3), { width: 33, height: 21 });
  assert.equal(textSize(''), { width: 0, height: 7 });
});

test('text can be scaled and clipped; characters of other alphabets become ?', () => {
  const large = rgbImage(14, 10);
  drawText(large, 0, 0, 'x', red, 2);
  const small = rgbImage(7, 5);
  drawText(small, 0, 0, 'x', red);
  assert.equal(rows(large), rows(enlarge(small, 2)));
  const clipped = rgbImage(4, 3);
  drawText(clipped, -2, -3, 'L', red);
  assert.equal(rows(clipped), ['...', '...', '...', '###']);
  const [other, question] = [rgbImage(8, 6), rgbImage(8, 6)];
  drawText(other, 0, 0, 'é', red);
  drawText(question, 0, 0, '?', red);
  assert.equal(rows(other), rows(question));
});

test('every printable character has a shape of its own', () => {
  const shapes = Array.from({ length: 95 }, (_, i) => {
    const image = rgbImage(8, 6);
    drawText(image, 0, 0, String.fromCharCode(32 + i), red);
    assert.ok(
      rows(image).every((row) => row.endsWith('.')),
      'the last column is free',
    );
    return rows(image).join('\n');
  });
  assert.is(new Set(shapes).size, 95);
});

test('enlarging repeats pixels, also of views, and does not change the image', () => {
  const image = rgbImage(1, 2, Uint8Array.of(255, 1, 2, 0, 0, 0));
  assert.equal(rows(enlarge(image, 3)), ['###...', '###...', '###...']);
  assert.equal(rows(enlarge(image.step(1, -1, 1), 2)), ['..##', '..##']);
  const copy = enlarge(image, 1);
  copy.set(0, 0, 0, 9);
  assert.is(image.get(0, 0, 0), 255);
});

test('pasting clips at every side', () => {
  const dot = rgbImage(2, 2);
  dot.data.set([...red, ...red, ...red, ...red]);
  for (const [x, y, expected] of [
    [1, 1, ['...', '.##', '.##']],
    [-1, -1, ['#..', '...', '...']],
    [2, -1, ['..#', '...', '...']],
    [-1, 2, ['...', '...', '#..']],
    [3, 3, ['...', '...', '...']],
  ] as const) {
    const target = rgbImage(3, 3);
    pasteImage(target, dot, x, y);
    assert.equal(rows(target), expected);
  }
});

test('what cannot be drawn is refused', () => {
  const image = rgbImage(2, 2);
  refuses(() => drawBox(image, [0, NaN, 1, 1], red), 'drawBox: box [0, NaN, 1, 1], expected finite coordinates');
  refuses(() => drawBox(image, [0, 0, 1, 1], red, 0), 'drawBox: thickness is 0, expected an integer >= 1');
  refuses(() => drawBox(image, [0, 0, 1, 1], red, 1, 1.5), 'drawBox: dash is 1.5, expected an integer >= 1');
  refuses(() => drawText(image, 0.5, 0, 'a', red), 'drawText: x is 0.5, expected an integer');
  refuses(() => textSize('a', 0), 'textSize: scale is 0, expected an integer >= 1');
  refuses(() => enlarge(image, 1.5), 'enlarge: factor is 1.5, expected an integer >= 1');
});

test.run();
