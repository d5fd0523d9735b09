import { LabelError, reporter, type Report } from './problems.ts';

/** A row of a CSV file by column name, with the line where it begins (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Reads CSV text (RFC 4180: commas, double quotes around fields that contain commas, quotes or line breaks; the first line
 * names the columns). Empty lines are skipped. Throws a `LabelError` if a column of `required` is missing, if the number of
 * fields differs from the header, or if a quote is not closed.
 */
export function parseCsv(text: string, name: string, required: readonly string[]): CsvRow[] {
  const rows: CsvRow[] = [];
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, name)) {
    if (header === null) {
      header = values.map((value) => value.trim());
      checkHeader(header, { file: name, line }, required);
      continue;
    }
    if (values.length !== header.length) {
      throw new LabelError('syntax', { file: name, line }, fieldCount(values.length, header.length));
    }
    rows.push({ line, fields: Object.fromEntries(header.map((column, i) => [column, values[i]!])) });
  }
  if (header === null) {
    throw new LabelError('syntax', { file: name }, `the file is empty, expected the header ${required.join(',')}`);
  }
  return rows;
}

function checkHeader(
  header: readonly string[],
  origin: { file: string; line: number },
  required: readonly string[],
): void {
  const missing = required.filter((column) => !header.includes(column));
  if (missing.length === 0) return;
  const expected = `expected the columns ${required.join(',')} (missing: ${missing.join(', ')})`;
  throw new LabelError('syntax', origin, `the header is "${header.join(',')}", ${expected}`);
}

/** The reason for rejecting a row with another number of fields than the header. */
export const fieldCount = (found: number, header: number): string =>
  `${found} fields, expected ${header} as in the header`;

/** A field of a row and what ends it, for each delimiter. */
const FIELDS: Readonly<Record<string, RegExp>> = Object.fromEntries(
  [',', ';', '\t'].map((delimiter) => [
    delimiter,
    new RegExp(`(?:"([^"]*(?:""[^"]*)*)"|([^"${delimiter}\\r\\n]*))(${delimiter}|\\r\\n|\\n|\\r|$)`, 'y'),
  ]),
);

/** Characters in which the first line is looked for. */
const HEAD = 65536;

/**
 * Where the rows begin, and what separates their fields: the character that a first line `sep=;` names, as Excel writes it,
 * otherwise the one of comma, semicolon and tab that occurs most often in the first line.
 */
function dialectOf(text: string): { readonly delimiter: string; readonly begin: number; readonly line: number } {
  const begin = text.startsWith('\ufeff') ? 1 : 0;
  const named = /^sep=([,;\t])(?:\r\n|\n|\r)/i.exec(text.slice(begin, begin + 16));
  if (named !== null) return { delimiter: named[1]!, begin: begin + named[0].length, line: 2 };
  // Quoted fields go first: they may hold delimiters and line breaks.
  const unquoted = text.slice(begin, begin + HEAD).replaceAll(/"[^"]*"/g, '');
  const [first = ''] = /[^\r\n]+/.exec(unquoted) ?? [];
  const count = (delimiter: string): number => first.split(delimiter).length;
  const delimiter = [',', ';', '\t'].reduce((most, one) => (count(one) > count(most) ? one : most));
  return { delimiter, begin, line: 1 };
}

/**
 * The rows of CSV text with the lines where they begin (from 1). Fields are separated by commas, semicolons or tabs; with the
 * latter two, numbers may have a decimal comma. Quoted fields are kept unchanged, others are trimmed; a byte order mark and
 * empty lines are skipped. A quote that is not closed is reported after the rows before it, and ends
 * the rows. Default of `report`: throws a `LabelError`.
 */
export function* csvLines(
  text: string,
  name: string,
  report: Report = reporter(),
): Generator<{ line: number; values: string[] }> {
  const { delimiter, begin, line: first } = dialectOf(text);
  const field = new RegExp(FIELDS[delimiter]!);
  field.lastIndex = begin;
  const decimal = (value: string): string =>
    delimiter !== ',' && /^[-+]?\d+,\d+$/.test(value) ? value.replace(',', '.') : value;
  let line = first;
  let start = first;
  let values: string[] = [];
  while (field.lastIndex < text.length || values.length > 0) {
    const match = field.exec(text);
    if (match === null) {
      report('syntax', { file: name, line }, 'a double quote is not closed, or is inside an unquoted field');
      return;
    }
    const [, quoted, bare = '', end] = match;
    values.push(quoted === undefined ? decimal(bare.trim()) : quoted.replaceAll('""', '"'));
    line += (quoted?.match(/\r\n|\n|\r/g) ?? []).length;
    if (end === delimiter) continue;
    if (values.length > 1 || values[0] !== '') yield { line: start, values };
    values = [];
    start = ++line;
  }
}
