import { escapeXml } from '../charts/svg-frame.ts';

// Pieces of HTML. All take plain text and escape it, except for parameters called `markup`, which are pieces themselves.
// Empty elements are closed and attributes have values, so that the page is well-formed XML, too.

/** Text of a cell; null and undefined stand for values that are not defined. */
export type Cell = string | null | undefined;

/** A ratio such as F1 with three decimals, or null if it is not defined. */
export function ratio(value: number | null | undefined): string | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value.toFixed(3);
}

/** A number with its thousands grouped, or null if it is not defined. */
export function count(value: number | null | undefined): string | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value.toLocaleString('en-US');
}

/** A number with its noun, as in `common/check.ts`, but with its thousands grouped: `1 image`, `2,000 images`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en-US')} ${value === 1 ? one : many}`;
}

/** A fraction as a percentage with one decimal. */
export const percentage = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** Text of values that are not defined. */
export const notDefined = 'not defined';

/** An id made of a text. */
const idOf = (text: string): string => text.toLowerCase().replaceAll(/[^a-z\d]+/g, '-');

/** A part of the page that the table of contents lists. */
export interface Section {
  readonly heading: string;
  readonly markup: string;
}

/** A section of the page, with its heading. */
export function sectionMarkup({ heading, markup }: Section): string {
  const id = idOf(heading);
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${escapeXml(heading)}</h2>\n${markup}</section>\n`;
}

/** The table of contents. */
export function contents(sections: readonly Section[]): string {
  const items = sections.map(({ heading }) => `<li><a href="#${idOf(heading)}">${escapeXml(heading)}</a></li>`);
  return `<nav aria-label="Contents"><ul>${items.join('')}</ul></nav>\n`;
}

/** A paragraph. */
export const paragraph = (text: string, kind?: string): string =>
  `<p${kind === undefined ? '' : ` class="${kind}"`}>${escapeXml(text)}</p>\n`;

/** A heading below that of a section. */
export const heading3 = (text: string): string => `<h3>${escapeXml(text)}</h3>\n`;

/** Markup that is collapsed under a line of text. */
export const details = (summary: string, markup: string): string =>
  `<details>\n<summary>${escapeXml(summary)}</summary>\n${markup}</details>\n`;

/** A drawing with a caption, on white also in dark mode. If it is `wide`, it keeps its size and scrolls. */
export function figure(markup: string, caption: string, wide = false): string {
  const paper = wide ? scroller(caption, markup, 'paper') : `<div class="paper">\n${markup}</div>`;
  return `<figure class="chart${wide ? ' wide' : ''}">${paper}<figcaption>${escapeXml(caption)}</figcaption></figure>\n`;
}

/** Figures side by side, wrapped as needed. */
export const gallery = (...markup: readonly string[]): string => `<div class="gallery">\n${markup.join('')}</div>\n`;

/** Tables side by side, wrapped as needed. */
export const tables = (...markup: readonly string[]): string => `<div class="tables">\n${markup.join('')}</div>\n`;

/** An area that scrolls horizontally if its content is too wide; focusable with the keyboard. */
const scroller = (label: string, markup: string, kind: string): string =>
  `<div class="${kind}" tabindex="0" role="region" aria-label="${escapeXml(label)}">\n${markup}</div>\n`;

/** A table, and its caption outside the area that scrolls. */
export const tableFigure = (caption: string, markup: string, kind = ''): string =>
  `<figure class="table"><figcaption>${escapeXml(caption)}</figcaption>\n` +
  `${scroller(caption, markup, `scroll${kind}`)}</figure>\n`;

/** A table; its first column names the rows. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Number of leading columns with text; the others contain numbers, which are aligned right. Default 1. */
  readonly texts?: number;
  /** Index of a row to highlight. */
  readonly marked?: number;
}

/** A table with a caption and headings for columns and rows. */
export function table({ caption, columns, rows, texts = 1, marked }: Table): string {
  const kindOf = (column: number, none = false) => {
    const kinds = [...(column < texts ? [] : ['number']), ...(none ? ['none'] : [])];
    return kinds.length === 0 ? '' : ` class="${kinds.join(' ')}"`;
  };
  const head = columns.map((name, i) => `<th scope="col"${kindOf(i)}>${escapeXml(name)}</th>`).join('');
  const body = rows.map(([name, ...cells], row) => {
    const own = cells.map((cell, i) => {
      const none = cell === null || cell === undefined;
      return `<td${kindOf(i + 1, none)}>${none ? notDefined : escapeXml(cell)}</td>`;
    });
    const kind = row === marked ? ' class="marked"' : '';
    return `<tr${kind}><th scope="row">${escapeXml(name ?? notDefined)}</th>${own.join('')}</tr>\n`;
  });
  return tableFigure(caption, `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('')}</tbody></table>\n`);
}
