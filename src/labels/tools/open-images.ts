import type { Box } from '../../imagery/geometry.ts';
import { csvLines, fieldCount } from '../csv-rows.ts';
import { LabelError, reporter, type ParseOptions, type Report } from '../problems.ts';
import { checkBox, TableBuilder } from '../table-builder.ts';
import type { LabelTable, Origin } from '../types.ts';

const COLUMNS = ['ImageID', 'LabelName', 'XMin', 'XMax', 'YMin', 'YMax', 'IsGroupOf'] as const;

/** Whether the first row of a CSV is the header of the boxes of Open Images. */
export function isOpenImagesHeader(first: readonly string[]): boolean {
  const names = first.map((name) => name.trim());
  return COLUMNS.every((column) => names.includes(column));
}

/** An image with its size, which fractions are multiplied by. */
export interface SizedFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** The rows of a CSV with their places. */
function* rowsOf(text: string, name: string, report: Report): Generator<{ row: Row; origin: Origin }> {
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, name, report)) {
    const origin = { file: name, line };
    if (header === null) {
      header = values.map((value) => value.trim());
      if (isOpenImagesHeader(header)) continue;
      throw new LabelError('syntax', origin, `the header is "${values.join(',')}", expected ${COLUMNS.join(',')}`);
    }
    if (values.length !== header.length) report('syntax', origin, fieldCount(values.length, header.length));
    else yield { row: Object.fromEntries(header.map((column, i) => [column, values[i]!])) as unknown as Row, origin };
  }
}

/** The ids of the images in a CSV of Open Images. */
export function openImagesIds(text: string, name: string): Set<string> {
  const ids = new Set<string>();
  for (const { row } of rowsOf(text, name, () => null)) ids.add(row.ImageID);
  return ids;
}

/**
 * Reads the boxes of Open Images (Kuznetsova et al., 2020; V4 to V7): fractions of the image, and `IsGroupOf`, which makes a
 * region of a crowd. `Confidence`, which is always 1, and the other attributes are ignored. Rows of other images than those
 * in `images` are skipped.
 *
 * @param options `images` has the images by their id, and `classNames` the names of classes by their id, such as `/m/0k4j`;
 *   a class without a name keeps its id
 */
export function parseOpenImages(
  text: string,
  options: ParseOptions & {
    readonly images: ReadonlyMap<string, SizedFile>;
    readonly classNames: ReadonlyMap<string, string>;
  },
): LabelTable {
  const report = reporter(options.onProblem);
  const table = new TableBuilder(options.classes, report);
  for (const { row, origin } of rowsOf(text, options.name, report)) {
    const image = options.images.get(row.ImageID);
    if (image === undefined) continue;
    const { file, width, height } = image;
    table.addImage(file, width, height);
    const box = boxOf(row, image, origin, report);
    if (box === null || !checkBox(box, origin, report)) continue;
    const className = options.classNames.get(row.LabelName) ?? row.LabelName;
    if (className === '') report('class', origin, 'LabelName is empty, expected the id of a class');
    else table.addObject(file, className, { box, ...(row.IsGroupOf === '1' ? { crowd: true } : {}) }, origin);
  }
  return table.build();
}

function boxOf(row: Row, { width, height }: SizedFile, origin: Origin, report: Report): Box | null {
  const fractions: number[] = [];
  for (const column of ['XMin', 'YMin', 'XMax', 'YMax'] as const) {
    const value = row[column].trim() === '' ? NaN : Number(row[column]);
    if (!(value >= -1 && value <= 2)) {
      return report('number', origin, `${column} is "${row[column]}", expected a fraction of the image from 0 to 1`);
    }
    fractions.push(value);
  }
  return [fractions[0]! * width, fractions[1]! * height, fractions[2]! * width, fractions[3]! * height];
}

/** Reads `LabelName,DisplayName`, with or without this header: the names of classes by their id. Throws a `LabelError`. */
export function parseClassDescriptions(text: string, name: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const { line, values } of csvLines(text, name)) {
    const [id = '', label = ''] = values;
    if (values.length !== 2 || id === '' || label === '') {
      throw new LabelError('syntax', { file: name, line }, `"${values.join(',')}", expected LabelName,DisplayName`);
    }
    if (id !== 'LabelName') names.set(id, label);
  }
  return names;
}
