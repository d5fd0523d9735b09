/** A row of a CSV file by column name, with the line where it begins (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Reads CSV text (RFC 4180: commas, double quotes around fields that hold commas, quotes or line ends; the first line
 * names the columns). Empty lines are skipped. Throws with `name` and the line when a column of `required` is missing,
 * when a row has another number of fields than the header, or when a quote is not closed.
 */
export function parseCsv(text: string, name: string, required: readonly string[]): CsvRow[] {
  const rows: CsvRow[] = [];
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, name)) {
    if (header === null) {
      header = values.map((value) => value.trim());
      const missing = required.filter((column) => !header?.includes(column));
      if (missing.length > 0) {
        throw new Error(
          `${name}:${line}: the header is "${header.join(',')}", expected the columns ${required.join(',')} ` +
            `(missing: ${missing.join(', ')})`,
        );
      }
      continue;
    }
    if (values.length !== header.length) {
      throw new Error(`${name}:${line}: ${values.length} fields, expected ${header.length} as in the header`);
    }
    rows.push({ line, fields: Object.fromEntries(header.map((column, i) => [column, values[i]!])) });
  }
  if (header === null) throw new Error(`${name}: the file is empty, expected the header ${required.join(',')}`);
  return rows;
}

/**
 * The rows of CSV text with the lines where they begin (from 1). A field in quotes is as it stands, others without the
 * blanks around them; a byte order mark and empty lines are skipped. Throws with `name` and the line for a quote that is
 * not closed, after the rows before it.
 */
export function* csvLines(text: string, name: string): Generator<{ line: number; values: string[] }> {
  const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  field.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  let line = 1;
  let start = 1;
  let values: string[] = [];
  while (field.lastIndex < text.length || values.length > 0) {
    const match = field.exec(text);
    if (match === null) throw new Error(`${name}:${line}: a double quote is not closed, or stands inside a bare field`);
    const [, quoted, bare = '', end] = match;
    values.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"'));
    line += (quoted?.match(/\r\n|\n|\r/g) ?? []).length;
    if (end === ',') continue;
    if (values.length > 1 || values[0] !== '') yield { line: start, values };
    values = [];
    start = ++line;
  }
}
