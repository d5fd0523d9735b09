import { escapeXml } from '../charts/svg-frame.ts';

// Pieces of HTML. All take plain text and escape it, but for parameters called `markup`, which are pieces themselves. Empty
// elements are closed and attributes have values, so that the page is well-formed XML too.

/** Text of a cell; null and undefined are values that are not defined. */
export type Cell = string | null | undefined;

/** A ratio such as F1 with three decimals, or `null` for what is not defined. */
export function ratio(value: number | null | undefined): string | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value.toFixed(3);
}

/** A whole number with its thousands grouped. */
export function count(value: number | null | undefined): string | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value.toLocaleString('en-US');
}

/** A number and its noun: `1 image`, `2 images`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${value.toLocaleString('en-US')} ${value === 1 ? noun : plural}`;
}

/** Shown where a value is not defined. */
export const notDefined = 'not defined';

/** A name that may stand in an id. */
const idOf = (text: string): string => text.toLowerCase().replaceAll(/[^a-z\d]+/g, '-');

/** A part of the page that the contents list. */
export interface Section {
  readonly heading: string;
  readonly markup: string;
}

/** A section of the page, with its heading. */
export function sectionMarkup({ heading, markup }: Section): string {
  const id = idOf(heading);
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${escapeXml(heading)}</h2>\n${markup}</section>\n`;
}

/** Links to sections. */
export function contents(sections: readonly Section[]): string {
  const items = sections.map(({ heading }) => `<li><a href="#${idOf(heading)}">${escapeXml(heading)}</a></li>`);
  return `<nav aria-label="Contents"><ul>${items.join('')}</ul></nav>\n`;
}

/** A paragraph. */
export const paragraph = (text: string, kind?: string): string =>
  `<p${kind === undefined ? '' : ` class="${kind}"`}>${escapeXml(text)}</p>\n`;

/** A heading below that of a section. */
export const heading3 = (text: string): string => `<h3>${escapeXml(text)}</h3>\n`;

/** Markup that is folded away under a line of text. */
export const details = (summary: string, markup: string): string =>
  `<details>\n<summary>${escapeXml(summary)}</summary>\n${markup}</details>\n`;

/** A drawing with a caption, on white in dark mode too. `wide` ones keep their size and scroll. */
export function figure(markup: string, caption: string, wide = false): string {
  const paper = wide ? scroller(caption, markup, 'paper') : `<div class="paper">\n${markup}</div>`;
  return `<figure class="chart${wide ? ' wide' : ''}">${paper}<figcaption>${escapeXml(caption)}</figcaption></figure>\n`;
}

/** Figures side by side, as many as fit. */
export const gallery = (...markup: readonly string[]): string => `<div class="gallery">\n${markup.join('')}</div>\n`;

/** Tables side by side, as many as fit. */
export const tables = (...markup: readonly string[]): string => `<div class="tables">\n${markup.join('')}</div>\n`;

/** What scrolls sideways within the page where it is wider; reachable by the keyboard. */
const scroller = (label: string, markup: string, kind: string): string =>
  `<div class="${kind}" tabindex="0" role="region" aria-label="${escapeXml(label)}">\n${markup}</div>\n`;

/** The caption of a table, outside of what scrolls, and the table's markup. */
export const tableFigure = (caption: string, markup: string, kind = ''): string =>
  `<figure class="table"><figcaption>${escapeXml(caption)}</figcaption>\n` +
  `${scroller(caption, markup, `scroll${kind}`)}</figure>\n`;

/** A table; its first column names the rows. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** How many columns hold text, from the first on; the others hold numbers, aligned to the right. Default 1. */
  readonly texts?: number;
  /** Position of a row that stands out. */
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
