import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { confusionMarkup } from '../../src/report/charts/confusion.ts';
import { checkXml, refuses } from './support.ts';

const check = (markup: string) => checkXml(`<div>${markup}</div>`);
const namesOf = (n: number) => [...Array.from({ length: n }, (_, i) => `class ${i}`), 'background'];
/** Counts of `n` classes and the background: of each class 10 are correct, and one is detected as the next class. */
const countsOf = (n: number) =>
  Array.from({ length: n + 1 }, (_, row) =>
    Array.from({ length: n + 1 }, (__, column) => (row === n ? 0 : row === column ? 10 : column === row + 1 ? 1 : 0)),
  );
/** Rows of a table as the texts of their cells. */
const rowsOf = (markup: string) =>
  Array.from(markup.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs), ([, row = '']) =>
    Array.from(row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs), ([, cell = '']) => cell),
  );

test('few classes are a table of numbers, rows of truth and columns of detections', () => {
  const markup = confusionMarkup({
    classes: ['car', 'ship', 'background'],
    counts: [
      [7, 1, 2],
      [0, 5, 4],
      [3, 1200, 0],
    ],
  });
  check(markup);
  const rows = rowsOf(markup);
  assert.equal(rows[1], ['truth', 'car', 'ship', 'background']);
  assert.equal(rows.slice(2, 5), [
    ['car', '7', '1', '2'],
    ['ship', '0', '5', '4'],
    ['background', '3', '1,200', '–'],
  ]);
  // Only confusions of two classes are listed: neither missed objects nor detections of background.
  assert.equal(rows.slice(6), [['car', 'ship', '1', '10.0 %']]);
});

test('the more, the darker', () => {
  const markup = confusionMarkup({
    classes: ['a', 'b', 'c', 'background'],
    counts: [
      [1, 20, 79, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  });
  const cells = Array.from(
    markup.matchAll(/background:#(..)(..)(..);color:(#\w+)">(\d+)</g),
    ([, red = '', green = '', blue = '', text, value]) => ({
      value: Number(value),
      light: [red, green, blue].reduce((sum, channel) => sum + Number.parseInt(channel, 16), 0),
      text,
    }),
  );
  assert.equal(
    cells.map(({ value }) => value),
    [1, 20, 79],
  );
  assert.ok((cells[1]?.light ?? 0) > (cells[2]?.light ?? 0));
  assert.ok((cells[0]?.light ?? 0) > (cells[1]?.light ?? 0), 'a small fraction is paler');
});

test('up to 80 classes can be read: many are a drawing with every name and a list', () => {
  for (const n of [1, 2, 12, 13, 30, 80]) {
    const markup = confusionMarkup({ classes: namesOf(n), counts: countsOf(n) });
    check(markup);
    assert.is(markup.includes('<svg'), n > 12, `${n} classes`);
    for (const name of namesOf(n)) assert.match(markup, `>${name}<`);
    if (n > 2) assert.match(markup, 'Most frequent confusions');
  }
  const markup = confusionMarkup({ classes: namesOf(80), counts: countsOf(80) });
  assert.match(markup, '<title>class 3 detected as class 4: 1</title>');
  assert.match(markup, '12 of 79 pairs');
});

test('without confusion it says so, and names are escaped', () => {
  const counts = [
    [4, 0, 0],
    [0, 4, 0],
    [0, 0, 0],
  ];
  const markup = confusionMarkup({ classes: ['<b>&"x"', 'y', 'background'], counts });
  check(markup);
  assert.not.match(markup, '<b>');
  assert.match(markup, 'No object was detected as another class.');
  const many = confusionMarkup({ classes: ['<b>', ...namesOf(20)], counts: countsOf(21) });
  check(many);
  assert.not.match(many, '<b>');
});

test('counts that do not fit are refused', () => {
  refuses(
    () => confusionMarkup({ classes: ['a', 'background'], counts: [[1]] }),
    'reportHtml: confusion has 2 classes and 1 rows, expected one row for each, the background last',
  );
  refuses(
    () => confusionMarkup({ classes: ['a', 'background'], counts: [[1, 2], [3]] }),
    'reportHtml: row 1 of confusion has 1 counts, expected 2, one per class and one for the background',
  );
  refuses(
    () =>
      confusionMarkup({
        classes: ['a', 'background'],
        counts: [
          [1, NaN],
          [3, 0],
        ],
      }),
    'reportHtml: row 0, column 1 of confusion is NaN, expected a number >= 0',
  );
});

test.run();
