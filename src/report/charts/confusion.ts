import type { ConfusionMatrix } from '../../evaluation/judgement.ts';
import { figure, percentage, table, tableFigure } from '../html/markup.ts';
import { chartColours, checkFinite, escapeXml, ink, openSvg, paleInk, px, textAt, textWidth } from './svg-frame.ts';

/** Maximum number of classes that are shown as a table of numbers; more are shown as a drawing. */
const maxNumbers = 12;
/** Maximum number of rows in the list of confusions. */
const maxPairs = 12;

interface Matrix {
  readonly names: readonly string[];
  readonly at: (row: number, column: number) => number;
  /** The fraction that determines the shade of a cell. */
  readonly fraction: (row: number, column: number) => number;
}

function matrixOf({ classes: names, counts }: ConfusionMatrix): Matrix {
  if (names.length !== counts.length) {
    throw new RangeError(
      `reportHtml: confusion has ${names.length} classes and ${counts.length} rows, expected one row for each, the background last`,
    );
  }
  counts.forEach((row, i) => {
    if (row.length !== counts.length) {
      throw new RangeError(
        `reportHtml: row ${i} of confusion has ${row.length} counts, expected ${counts.length}, one per class and one for the background`,
      );
    }
    row.forEach((value, j) => checkFinite('reportHtml', `row ${i}, column ${j} of confusion`, value, { min: 0 }));
  });
  const at = (row: number, column: number) => counts[row]?.[column] ?? 0;
  const indices = Array.from(names.keys());
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const rows = indices.map((row) => sum(indices.map((column) => at(row, column))));
  const columns = indices.map((column) => sum(indices.map((row) => at(row, column))));
  const last = names.length - 1;
  return {
    names,
    at,
    // False positives have no true class: their fraction is that of all detections of their class.
    fraction: (row, column) => at(row, column) / Math.max(1, (row === last ? columns[column] : rows[row])!),
  };
}

const channels = (colour: string): number[] => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Nearly white at 0, `colour` at 1. The square root makes small fractions visible. */
function tint(colour: string, fraction: number): string {
  const weight = 0.12 + 0.88 * Math.sqrt(Math.min(1, fraction));
  const mixed = channels(colour).map((value) => Math.round(255 + (value - 255) * weight));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** Black or white, whichever has more contrast with a colour (WCAG 2.2). */
function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const level = value / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000';
}

const colourOf = (matrix: Matrix, row: number, column: number): string =>
  tint(row === column ? chartColours[0] : chartColours[1], matrix.fraction(row, column));

function numbersMarkup(matrix: Matrix, label: string): string {
  const { names, at } = matrix;
  const last = names.length - 1;
  const head = names.map((name) => `<th scope="col">${escapeXml(name)}</th>`).join('');
  const rows = names.map((name, row) => {
    const cells = names.map((_, column) => {
      const value = at(row, column);
      if (row === last && column === last) return '<td>–</td>';
      if (value === 0) return '<td>0</td>';
      const colour = colourOf(matrix, row, column);
      return `<td style="background:${colour};color:${inkOn(colour)}">${value.toLocaleString('en-US')}</td>`;
    });
    return `<tr><th scope="row">${escapeXml(name)}</th>${cells.join('')}</tr>\n`;
  });
  const upright = names.length > 4 || names.some((name) => name.length > 14) ? ' class="upright"' : '';
  return tableFigure(
    label,
    `<table>\n<thead><tr><td></td><th colspan="${names.length}" scope="colgroup">detected as</th></tr>\n` +
      `<tr${upright}><th scope="row">truth</th>${head}</tr></thead>\n<tbody>\n${rows.join('')}</tbody></table>\n`,
    ' matrix',
  );
}

const shortened = (name: string, most: number): string => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

function drawingMarkup(matrix: Matrix, label: string): string {
  const { names, at } = matrix;
  const side = names.length > 45 ? 10 : 16;
  const size = Math.min(12, side - 1);
  const labels = names.map((name) => shortened(name, 22));
  const room = 12 + Math.max(...labels.map((name) => textWidth(name, size)));
  const [left, top] = [room + 22, room + 26];
  const span = side * names.length;
  const [width, height] = [Math.ceil(left + span + 12), Math.ceil(top + span + 12)];
  const out = openSvg(width, height, label);
  out.push(textAt(left + span / 2, 16, 'detected as', `text-anchor="middle" fill="${ink}"`));
  out.push(
    textAt(
      14,
      top + span / 2,
      'truth',
      `text-anchor="middle" fill="${ink}" transform="rotate(-90 14 ${px(top + span / 2)})"`,
    ),
  );
  labels.forEach((name, i) => {
    const middle = (i + 0.5) * side + 0.35 * size;
    const attributes = `font-size="${size}" fill="${paleInk}"`;
    out.push(textAt(left - 5, top + middle, name, `text-anchor="end" ${attributes}`));
    const x = left + middle;
    out.push(textAt(x, top - 5, name, `transform="rotate(-90 ${px(x)} ${px(top - 5)})" ${attributes}`));
  });
  out.push(`<rect x="${px(left)}" y="${px(top)}" width="${span}" height="${span}" fill="#f7f7f7" stroke="#cccccc"/>`);
  names.forEach((truth, row) => {
    names.forEach((found, column) => {
      const value = at(row, column);
      if (value === 0) return;
      out.push(
        `<rect x="${px(left + column * side)}" y="${px(top + row * side)}" width="${side}" height="${side}" fill="${colourOf(matrix, row, column)}">` +
          `<title>${escapeXml(`${truth} detected as ${found}: ${value.toLocaleString('en-US')}`)}</title></rect>`,
      );
    });
  });
  out.push('</svg>\n');
  return out.join('\n');
}

/**
 * A confusion matrix as a heat map, with numbers up to 12 classes and as a drawing above, and the most frequent confusions
 * as a list. Shades are fractions of the objects of a class or, in the row of the background, of the detections of a
 * class. Throws a RangeError for rows that do not fit.
 */
export function confusionMarkup(confusion: ConfusionMatrix): string {
  const matrix = matrixOf(confusion);
  const classes = matrix.names.length - 1;
  const label = 'Confusion matrix: objects by true class and detected class';
  const caption =
    'Blue: correct. Orange: wrong. The darker a cell, the larger its fraction of the row. The last column counts missed ' +
    'objects; the last row counts detections of background, shaded by their fraction of all detections of that class.';
  const view =
    classes <= maxNumbers
      ? `${numbersMarkup(matrix, label)}<p class="note">${caption}</p>\n`
      : figure(drawingMarkup(matrix, label), `${caption} Hover over a cell to see its count.`, true);
  return classes < 2 ? view : view + pairsMarkup(matrix);
}

/** The most frequent confusions of two classes. */
function pairsMarkup({ names, at, fraction }: Matrix): string {
  const classes = Array.from(names.keys()).slice(0, -1);
  const pairs = classes
    .flatMap((row) =>
      classes.map((column) => ({ row, column, value: at(row, column), fraction: fraction(row, column) })),
    )
    .filter(({ row, column, value }) => row !== column && value > 0)
    .sort((a, b) => b.value - a.value || b.fraction - a.fraction || a.row - b.row || a.column - b.column);
  if (pairs.length === 0) return '<p>No object was detected as another class.</p>\n';
  return table({
    caption: `Most frequent confusions${pairs.length > maxPairs ? ` (${maxPairs} of ${pairs.length} pairs)` : ''}`,
    columns: ['truth', 'detected as', 'objects', 'fraction of the class'],
    texts: 2,
    rows: pairs
      .slice(0, maxPairs)
      .map((pair) => [
        names[pair.row],
        names[pair.column],
        pair.value.toLocaleString('en-US'),
        percentage(pair.fraction),
      ]),
  });
}
