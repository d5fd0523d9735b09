import { reasonOf } from '../common/check.ts';
import type { Box } from '../imagery/geometry.ts';
import { csvLines } from './csv-rows.ts';
import { LabelError, reporter, type ParseOptions, type Report } from './problems.ts';
import { NO_AREA, ShapeTable, type Shape, type ShapeLabels, type ShapeOptions } from './shapes.ts';
import { imagePath, type ImagePaths } from './table-builder.ts';
import type { LabelTable, Origin } from './types.ts';
import { parseWktGeometry } from './wkt.ts';

/** The CSV formats with a row per object. The last one is only read. */
export type CsvFlavour = WritableFlavour | 'deepforest-geometry';
type WritableFlavour = 'csv' | 'keras-retinanet' | 'deepforest';

// Names of columns in order of preference; compared without case, spaces, dashes and underscores.
const SYNONYMS = {
  image: ['image', 'imagepath', 'filename', 'file', 'filepath', 'path', 'imagename', 'imageid', 'img'],
  x1: ['x1', 'xmin', 'left', 'minx'],
  y1: ['y1', 'ymin', 'top', 'miny'],
  x2: ['x2', 'xmax', 'right', 'maxx'],
  y2: ['y2', 'ymax', 'bottom', 'maxy'],
  label: ['label', 'class', 'classname', 'category', 'categoryname', 'labelname', 'name'],
  score: ['score', 'confidence', 'conf', 'probability'],
  geometry: ['geometry'],
} as const;
const CORNERS = ['x1', 'y1', 'x2', 'y2'] as const;
type Meaning = keyof typeof SYNONYMS;
const MEANINGS: readonly Meaning[] = ['image', ...CORNERS, 'label', 'score', 'geometry'];

interface Columns {
  readonly flavour: CsvFlavour;
  /** Index of the column of each meaning; `score` may be absent, and so may be either the corners or `geometry`. */
  readonly at: Readonly<Partial<Record<Meaning, number>>>;
  /** The names in the header; empty without a header. */
  readonly names: readonly string[];
  readonly fields: number;
}

/**
 * The CSV format that a first row belongs to: by the names of the columns or, without a header, by six fields of which
 * four are numbers or blank (keras-retinanet). Null for other rows.
 */
export function csvFlavour(first: readonly string[]): CsvFlavour | null {
  const columns = readColumns(first);
  return missingColumns(columns).length === 0 ? columns.flavour : null;
}

function missingColumns({ at, flavour }: Columns): string[] {
  const places: readonly Meaning[] = flavour === 'deepforest-geometry' ? ['geometry'] : CORNERS;
  return (['image', ...places, 'label'] as const).filter((meaning) => at[meaning] === undefined);
}

function readColumns(first: readonly string[]): Columns {
  const norms = first.map((value) => value.toLowerCase().replace(/[\s_-]/g, ''));
  const at: Partial<Record<Meaning, number>> = {};
  for (const meaning of MEANINGS) {
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
  if (!headed && at.geometry !== undefined) {
    return { flavour: 'deepforest-geometry', at, names, fields: first.length };
  }
  const deep = norms[at.image ?? -1] === 'imagepath' && norms[at.x1 ?? -1] === 'xmin';
  return { flavour: deep ? 'deepforest' : 'csv', at, names, fields: first.length };
}

/**
 * Reads a CSV with a row per box in pixels: `image,x1,y1,x2,y2,label`, with or without `score`, columns in any order and
 * with others between them; DeepForest's `image_path,xmin,ymin,xmax,ymax,label`; or keras-retinanet's rows without a header.
 * Without corners, a column `geometry` has the outline or the point of an object as WKT in pixels, as DeepForest writes it. A
 * row with blank corners or geometry stands for an image without objects; in DeepForest's files `0,0,0,0` does too.
 * Backslashes in paths become slashes.
 */
export function parseLabelCsv(text: string, options: ParseOptions & ImagePaths & ShapeOptions): ShapeLabels {
  const { name: file } = options;
  const report = reporter(options.onProblem);
  const table = new ShapeTable(options);
  let columns: Columns | null = null;
  for (const { line, values } of csvLines(text, file, report)) {
    const origin = { file, line };
    if (columns === null) {
      columns = readColumns(values);
      const missing = missingColumns(columns);
      if (missing.length > 0) {
        const expected = 'image,x1,y1,x2,y2,label or image_path,xmin,ymin,xmax,ymax,label';
        const reason = `expected the columns ${expected} (missing: ${missing.join(', ')})`;
        report('syntax', origin, `the header is "${values.join(',')}", ${reason}`);
        break;
      }
      if (columns.names.length > 0) continue;
    }
    readRow(values, origin, { columns, table, report, paths: options });
  }
  if (columns === null) report('syntax', { file }, 'the file is empty, expected the header image,x1,y1,x2,y2,label');
  return table.build();
}

interface RowContext {
  readonly columns: Columns;
  readonly table: ShapeTable;
  readonly report: Report;
  readonly paths: ImagePaths;
}

/** Adds the image and the box of a row to the table, or reports what is invalid. */
function readRow(values: readonly string[], origin: Origin, { columns, table, report, paths }: RowContext): void {
  const { at, names, flavour } = columns;
  if (values.length !== columns.fields) {
    const expected = names.length > 0 ? `${columns.fields} as in the header` : '6: path,x1,y1,x2,y2,class';
    report('syntax', origin, `${values.length} fields, expected ${expected}`);
    return;
  }
  const field = (meaning: Meaning): string => values[at[meaning]!] ?? '';
  const file = imagePath(field('image'), origin, report, paths);
  if (file === null) return;
  // The image is known even if its box is invalid.
  table.addImage(file);
  const found =
    flavour === 'deepforest-geometry'
      ? geometryIn(field('geometry'), origin, report)
      : boxIn(field, origin, { columns, report });
  if (found === null) return;
  const label = field('label');
  const score = at.score === undefined ? '' : field('score').trim();
  if (label === '') report('class', origin, 'label is empty, expected the name of a class');
  else if (score !== '' && !isNumber(score)) report('number', origin, `score is "${score}", expected a number`);
  else {
    const { type, shape } = found;
    table.add({ file, className: label, type, origin }, shape, score === '' ? {} : { score: Number(score) });
  }
}

interface Found {
  readonly type: string;
  readonly shape: Shape;
}

/** The box in the corners of a row; null for an empty image, and for invalid corners, which are reported. */
function boxIn(
  field: (meaning: Meaning) => string,
  origin: Origin,
  { columns: { at, names, flavour }, report }: Pick<RowContext, 'columns' | 'report'>,
): Found | null {
  const corners = CORNERS.map((meaning) => field(meaning).trim());
  if (corners.every((corner) => corner === '')) return null;
  if (flavour === 'deepforest' && corners.every((corner) => isNumber(corner) && Number(corner) === 0)) return null;
  const wrong = CORNERS.findIndex((_, i) => !isNumber(corners[i]!));
  if (wrong >= 0) {
    const corner = CORNERS[wrong]!;
    return report('number', origin, `${names[at[corner]!] ?? corner} is "${corners[wrong]}", expected a number`);
  }
  const [x1, y1, x2, y2] = corners.map(Number);
  const box: Box = [x1!, y1!, x2!, y2!];
  return { type: 'box', shape: { box } };
}

/** The geometry of a row; null for an empty one, and for invalid text, which is reported. */
function geometryIn(text: string, origin: Origin, report: Report): Found | null {
  if (text.trim() === '') return null;
  try {
    const { type, polygons, points } = parseWktGeometry(text);
    if (polygons.length > 0) return { type, shape: { polygons } };
    if (points.length === 0) return null;
    return { type, shape: type.endsWith('POINT') ? { points } : { skipped: NO_AREA } };
  } catch (error) {
    return report('syntax', origin, `geometry: ${reasonOf(error)}`);
  }
}

/** The text of a CSV. It has a column of scores if any object has one, except for keras-retinanet. */
export function writeLabelCsv(table: LabelTable, flavour: WritableFlavour): string {
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

/**
 * A row of CSV, with quotes around the fields that need them: those with a quote, a line break, space at an end, or any of
 * the delimiters that readers guess from the first line.
 */
export function csvRow(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",;\t\r\n\ufeff]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** Reads keras-retinanet's class mapping, a row `name,id` for each class. Throws a `LabelError`. */
export function parseClassMapping(text: string, name: string): string[] {
  const names: string[] = [];
  const fail = (reason: string, line?: number): never => {
    throw new LabelError('syntax', { file: name, ...(line === undefined ? {} : { line }) }, reason);
  };
  for (const { line, values } of csvLines(text, name)) {
    const [label = '', number = ''] = values;
    const id = isNumber(number) ? Number(number) : NaN;
    if (values.length !== 2 || label === '' || !Number.isInteger(id) || id < 0) {
      fail(`"${values.join(',')}", expected the name of a class and its number: name,id`, line);
    }
    if (names[id] !== undefined) fail(`number ${id} is already that of "${names[id]}"`, line);
    if (names.includes(label)) fail(`a second class with the name "${label}"`, line);
    names[id] = label;
  }
  if (names.length === 0) fail('no classes, expected rows of name,id');
  const gap = Array.from(names.keys()).findIndex((id) => names[id] === undefined);
  if (gap >= 0) fail(`no class has the number ${gap}, expected all from 0 to ${names.length - 1}`);
  return names;
}

/** The text of keras-retinanet's class mapping. */
export function writeClassMapping(classes: readonly string[]): string {
  return classes.map((name, id) => `${csvRow([name, String(id)])}\n`).join('');
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}
