import { csvLines } from './csv-rows.ts';
import type { Box } from '../imagery/geometry.ts';
import { reporter, type ParseOptions } from './problems.ts';
import { checkBox, imagePath, tableBuilder } from './table-builder.ts';
import type { LabelTable } from './types.ts';

/** The kinds of CSV with a row per box. */
export type CsvFlavour = 'csv' | 'keras-retinanet' | 'deepforest';

// What columns are called, best first; compared without case, blanks, dashes and underscores.
const SYNONYMS = {
  image: ['image', 'imagepath', 'filename', 'file', 'filepath', 'path', 'imagename', 'imageid', 'img'],
  x1: ['x1', 'xmin', 'left', 'minx'],
  y1: ['y1', 'ymin', 'top', 'miny'],
  x2: ['x2', 'xmax', 'right', 'maxx'],
  y2: ['y2', 'ymax', 'bottom', 'maxy'],
  label: ['label', 'class', 'classname', 'category', 'categoryname', 'labelname', 'name'],
  score: ['score', 'confidence', 'conf', 'probability'],
} as const;
const CORNERS = ['x1', 'y1', 'x2', 'y2'] as const;
type Meaning = keyof typeof SYNONYMS;

interface Columns {
  readonly flavour: CsvFlavour;
  /** Position of each meaning; of `score` only where there is one. */
  readonly at: Readonly<Partial<Record<Meaning, number>>>;
  /** The names in the header; none where there is no header. */
  readonly names: readonly string[];
  readonly fields: number;
}

/**
 * Which kind of CSV the first row announces: by the names of its columns, or, without a header, by six fields of which
 * four are numbers or blank (keras-retinanet). Null where it is neither.
 */
export function csvFlavour(first: readonly string[]): CsvFlavour | null {
  const columns = readColumns(first);
  const needed = ['image', 'label', ...CORNERS] as const;
  return needed.every((meaning) => columns.at[meaning] !== undefined) ? columns.flavour : null;
}

function readColumns(first: readonly string[]): Columns {
  const norms = first.map((value) => value.toLowerCase().replace(/[\s_-]/g, ''));
  const at: Partial<Record<Meaning, number>> = {};
  for (const meaning of Object.keys(SYNONYMS) as Meaning[]) {
    const index = SYNONYMS[meaning].map((word) => norms.indexOf(word)).find((found) => found >= 0);
    if (index !== undefined) at[meaning] = index;
  }
  const names = first.map((value) => value.trim());
  const headed = CORNERS.some((corner) => at[corner] !== undefined);
  const corners = first.slice(1, 5);
  if (!headed && first.length === 6 && (corners.every((v) => v.trim() === '') || corners.every(isNumber))) {
    const positions = { image: 0, x1: 1, y1: 2, x2: 3, y2: 4, label: 5 };
    return { flavour: 'keras-retinanet', at: positions, names: [], fields: 6 };
  }
  const deep = norms[at.image ?? -1] === 'imagepath' && norms[at.x1 ?? -1] === 'xmin';
  return { flavour: deep ? 'deepforest' : 'csv', at, names, fields: first.length };
}

/**
 * Reads a CSV with a row per box in pixels: `image,x1,y1,x2,y2,label` with or without `score`, columns in any order and
 * with others between them; DeepForest's `image_path,xmin,ymin,xmax,ymax,label`; keras-retinanet's rows without a header.
 * A row whose corners are blank says that its image has no objects; in DeepForest's files `0,0,0,0` does too. Backslashes
 * in paths are taken as slashes. Paths below `root` (absolute) are taken relative to it.
 */
export function parseLabelCsv(
  text: string,
  options: ParseOptions & { readonly root?: string | undefined },
): LabelTable {
  const { name } = options;
  const report = reporter(options.onProblem);
  const table = tableBuilder(options.classes, report);
  let columns: Columns | null = null;
  const rows = csvLines(text, name);
  for (;;) {
    let row: { line: number; values: string[] };
    try {
      const next = rows.next();
      if (next.done === true) break;
      row = next.value;
    } catch (error) {
      // A quote that is not closed: nothing after it can be told apart.
      const [source, reason] = splitSource(error instanceof Error ? error.message : String(error), name);
      report('syntax', source, reason);
      break;
    }
    const source = `${name}:${row.line}`;
    if (columns === null) {
      columns = readColumns(row.values);
      const needed = ['image', 'x1', 'y1', 'x2', 'y2', 'label'] as const;
      const at = columns.at;
      const missing = needed.filter((meaning) => at[meaning] === undefined);
      if (missing.length > 0) {
        const message =
          `the header is "${row.values.join(',')}", expected the columns image,x1,y1,x2,y2,label or ` +
          `image_path,xmin,ymin,xmax,ymax,label (missing: ${missing.join(', ')})`;
        report('syntax', source, message);
        break;
      }
      if (columns.names.length > 0) continue;
    }
    readRow(row.values, source, columns);
  }
  if (columns === null) report('syntax', name, 'the file is empty, expected the header image,x1,y1,x2,y2,label');
  return table.build();

  function readRow(values: readonly string[], source: string, { at, fields, flavour, names }: Columns): void {
    if (values.length !== fields) {
      const expected = names.length > 0 ? `${fields} as in the header` : '6: path,x1,y1,x2,y2,class';
      return report('syntax', source, `${values.length} fields, expected ${expected}`);
    }
    const field = (meaning: Meaning): string => values[at[meaning]!] ?? '';
    const file = imagePath(field('image'), source, report, options.root);
    if (file === null) return undefined;
    const corners = CORNERS.map((meaning) => field(meaning).trim());
    const blank = corners.every((corner) => corner === '');
    if (blank || (flavour === 'deepforest' && corners.every((corner) => isNumber(corner) && Number(corner) === 0))) {
      return table.image(file);
    }
    // Even if its boxes are damaged, the image is known.
    table.image(file);
    const wrong = corners.findIndex((corner) => !isNumber(corner));
    if (wrong >= 0) {
      const title = names[at[CORNERS[wrong] as Meaning]!] ?? CORNERS[wrong];
      return report('number', source, `${title} is "${corners[wrong]}", expected a number`);
    }
    const box = corners.map(Number) as unknown as Box;
    if (!checkBox(box, source, report)) return undefined;
    const label = field('label');
    if (label === '') return report('class', source, 'label is empty, expected the name of a class');
    const score = at.score === undefined ? '' : field('score').trim();
    if (score !== '' && !isNumber(score)) return report('number', source, `score is "${score}", expected a number`);
    return table.object(file, label, { box, ...(score === '' ? {} : { score: Number(score) }), source });
  }
}

/** Text of a CSV of the flavour. Scores get a column where an object has one; keras-retinanet has none for them. */
export function writeLabelCsv(table: LabelTable, flavour: CsvFlavour): string {
  const keras = flavour === 'keras-retinanet';
  const scored = !keras && table.images.some(({ objects }) => objects.some(({ score }) => score !== undefined));
  const header = flavour === 'csv' ? 'image,x1,y1,x2,y2,label' : 'image_path,xmin,ymin,xmax,ymax,label';
  const lines = keras ? [] : [header + (scored ? ',score' : '')];
  for (const { file, objects } of table.images) {
    if (objects.length === 0) lines.push(csvRow([file, '', '', '', '', '', ...(scored ? [''] : [])]));
    for (const { label, box, score } of objects) {
      const name = table.classes[label]!;
      lines.push(
        csvRow([file, ...box.map(String), name, ...(scored ? [score === undefined ? '' : String(score)] : [])]),
      );
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** One row of CSV; fields that need quotes get them. */
export function csvRow(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",\r\n\ufeff]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** Reads keras-retinanet's mapping of classes, `name,id` on each row. Throws an Error with file and line. */
export function parseClassMapping(text: string, name: string): string[] {
  const names: string[] = [];
  for (const { line, values } of csvLines(text, name)) {
    const [label = '', number = ''] = values;
    const id = isNumber(number) ? Number(number) : NaN;
    if (values.length !== 2 || label === '' || !Number.isInteger(id) || id < 0) {
      throw new Error(`${name}:${line}: "${values.join(',')}", expected the name of a class and its number: name,id`);
    }
    if (names[id] !== undefined) throw new Error(`${name}:${line}: number ${id} is that of "${names[id]}" already`);
    if (names.includes(label)) throw new Error(`${name}:${line}: a second class of the name "${label}"`);
    names[id] = label;
  }
  if (names.length === 0) throw new Error(`${name}: no classes, expected rows of name,id`);
  const gap = Array.from(names).indexOf(undefined!);
  if (gap >= 0) throw new Error(`${name}: no class has the number ${gap}, expected all from 0 to ${names.length - 1}`);
  return names;
}

/** Text of keras-retinanet's mapping of classes. */
export function writeClassMapping(classes: readonly string[]): string {
  return classes.map((name, id) => `${csvRow([name, String(id)])}\n`).join('');
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}

/** An Error's text that starts with its place, in two. */
function splitSource(message: string, name: string): [source: string, reason: string] {
  const end = message.indexOf(': ', name.length);
  return [message.slice(0, end), message.slice(end + 2)];
}
