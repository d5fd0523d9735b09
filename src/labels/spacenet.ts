import { reasonOf } from '../common/check.ts';
import type { Polygon, Ring } from '../imagery/geometry.ts';
import { csvLines, fieldCount } from './csv-rows.ts';
import { csvRow } from './csv.ts';
import { LabelError, reporter, type ParseOptions, type Report } from './problems.ts';
import { checkBox, openRing, outlineBox, outlineOf, TableBuilder } from './table-builder.ts';
import type { LabelTable, Origin } from './types.ts';
import { parseWkt } from './wkt.ts';

/** The only class of SpaceNet's building data sets. */
export const spaceNetClass = 'building';

/** Whether the first row of a CSV is the header of SpaceNet's summaries. */
export function isSpaceNetHeader(first: readonly string[]): boolean {
  const names = first.map((value) => value.trim());
  return names.includes('ImageId') && names.includes('PolygonWKT_Pix');
}

/**
 * Reads SpaceNet's summary CSV, `ImageId,BuildingId,PolygonWKT_Pix,...`, of the ground truth or of proposals (`Confidence`
 * becomes the score). A row is one object with all parts of its polygon; BuildingId -1 or an empty polygon stands for an
 * image without buildings. `fileOf` maps an ImageId to the path of its image.
 */
export function parseSpaceNetCsv(
  text: string,
  options: ParseOptions & { readonly fileOf: (imageId: string) => string },
): LabelTable {
  const { name: file, fileOf } = options;
  const report = reporter(options.onProblem);
  const table = new TableBuilder(options.classes ?? [spaceNetClass], report);
  const expected = 'expected ImageId,BuildingId,PolygonWKT_Pix';
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, file)) {
    const origin = { file, line };
    if (header === null) {
      header = values.map((value) => value.trim());
      if (isSpaceNetHeader(header)) continue;
      throw new LabelError('syntax', origin, `the header is "${header.join(',')}", ${expected}`);
    }
    if (values.length !== header.length) report('syntax', origin, fieldCount(values.length, header.length));
    else
      readRow(Object.fromEntries(header.map((column, i) => [column, values[i]!])), origin, { table, report, fileOf });
  }
  if (header === null) throw new LabelError('syntax', { file }, `the file is empty, ${expected}`);
  return table.build();
}

interface RowContext {
  readonly table: TableBuilder;
  readonly report: Report;
  readonly fileOf: (imageId: string) => string;
}

/** Adds the image and the object of a row to the table, or reports what is invalid. */
function readRow(
  fields: Readonly<Record<string, string>>,
  origin: Origin,
  { table, report, fileOf }: RowContext,
): void {
  const id = fields['ImageId'] ?? '';
  if (id === '') {
    report('syntax', origin, 'ImageId is empty');
    return;
  }
  const file = fileOf(id);
  table.addImage(file);
  if (Number(fields['BuildingId'] || '0') === -1) return;
  const polygons = readPolygons(fields['PolygonWKT_Pix'] ?? '', origin, report);
  if (polygons === null || polygons.length === 0) return;
  const box = outlineBox(polygons);
  if (box === null) {
    report('degenerate', origin, 'the polygon has no area');
    return;
  }
  const confidence = (fields['Confidence'] ?? '').trim();
  const score = confidence === '' ? undefined : Number(confidence);
  if (score !== undefined && !Number.isFinite(score)) {
    report('number', origin, `Confidence is "${confidence}", expected a number`);
    return;
  }
  if (!checkBox(box, origin, report)) return;
  const outlines = polygons.map((rings) => rings.map(openRing));
  table.addObject(file, spaceNetClass, { box, polygons: outlines, ...(score === undefined ? {} : { score }) }, origin);
}

function readPolygons(text: string, origin: Origin, report: Report): Polygon[] | null {
  try {
    return parseWkt(text);
  } catch (error) {
    return report('syntax', origin, reasonOf(error));
  }
}

/**
 * The text of SpaceNet's summary CSV with polygons in pixels, in the form of proposals (`Confidence`) if objects have
 * scores. Objects without outlines are written as rectangles. `idOf` maps the path of an image to its ImageId.
 */
export function writeSpaceNetCsv(table: LabelTable, idOf: (file: string) => string): string {
  const scored = table.images.some(({ objects }) => objects.some(({ score }) => score !== undefined));
  const lines = [`ImageId,BuildingId,PolygonWKT_Pix,${scored ? 'Confidence' : 'PolygonWKT_Geo'}`];
  for (const { file, objects } of table.images) {
    const id = idOf(file);
    if (objects.length === 0) lines.push(csvRow([id, '-1', 'POLYGON EMPTY', scored ? '1' : 'POLYGON EMPTY']));
    objects.forEach((object, i) => {
      const last = scored ? String(object.score ?? '') : 'POLYGON EMPTY';
      lines.push(csvRow([id, String(i), wktOf(outlineOf(object)), last]));
    });
  }
  return lines.map((line) => `${line}\n`).join('');
}

function wktOf(polygons: readonly Polygon[]): string {
  const ringText = (ring: Ring): string => {
    const open = openRing(ring);
    return `(${[...open, ...open.slice(0, 1)].map(([x, y]) => `${x} ${y}`).join(',')})`;
  };
  const parts = polygons.map((polygon) => `(${polygon.map(ringText).join(',')})`);
  return parts.length === 1 ? `POLYGON ${parts[0]}` : `MULTIPOLYGON (${parts.join(',')})`;
}
