import { csvLines } from './csv-rows.ts';
import type { Polygon } from '../imagery/geometry.ts';
import { parseWkt } from './wkt.ts';
import { csvRow } from './csv.ts';
import { reporter, type ParseOptions } from './problems.ts';
import { checkBox, openRing, outlineBox, outlineOf, tableBuilder } from './table-builder.ts';
import type { LabelTable } from './types.ts';

/** The one class of SpaceNet's building data sets. */
export const spaceNetClass = 'building';

/** Whether the first row of a CSV is that of SpaceNet's summaries. */
export function isSpaceNetHeader(first: readonly string[]): boolean {
  const names = first.map((value) => value.trim());
  return names.includes('ImageId') && names.includes('PolygonWKT_Pix');
}

/**
 * Reads SpaceNet's summary CSV, `ImageId,BuildingId,PolygonWKT_Pix,...`, of the truth or of proposals (`Confidence`
 * becomes the score). A row is one object with all parts of its polygon; BuildingId -1 or an empty polygon says that the
 * image has no buildings. `fileOf` gives the image of an ImageId.
 */
export function parseSpaceNetCsv(
  text: string,
  options: ParseOptions & { readonly fileOf: (imageId: string) => string },
): LabelTable {
  const { name, fileOf } = options;
  const report = reporter(options.onProblem);
  const table = tableBuilder(options.classes ?? [spaceNetClass], report);
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, name)) {
    const source = `${name}:${line}`;
    if (header === null) {
      header = values.map((value) => value.trim());
      if (isSpaceNetHeader(header)) continue;
      throw new Error(`${source}: the header is "${header.join(',')}", expected ImageId,BuildingId,PolygonWKT_Pix`);
    }
    if (values.length !== header.length) {
      report('syntax', source, `${values.length} fields, expected ${header.length} as in the header`);
      continue;
    }
    const names = header;
    const field = (column: string): string => values[names.indexOf(column)] ?? '';
    const id = field('ImageId');
    if (id === '') {
      report('syntax', source, 'ImageId is empty');
      continue;
    }
    const file = fileOf(id);
    table.image(file);
    if (Number(field('BuildingId') || '0') === -1) continue;
    let polygons: Polygon[];
    try {
      polygons = parseWkt(field('PolygonWKT_Pix'));
    } catch (error) {
      report('syntax', source, error instanceof Error ? error.message : String(error));
      continue;
    }
    if (polygons.length === 0) continue;
    const box = outlineBox(polygons);
    if (box === null) {
      report('degenerate', source, 'the polygon has no area');
      continue;
    }
    const confidence = field('Confidence').trim();
    const score = confidence === '' ? undefined : Number(confidence);
    if (score !== undefined && !Number.isFinite(score)) {
      report('number', source, `Confidence is "${confidence}", expected a number`);
      continue;
    }
    if (!checkBox(box, source, report)) continue;
    table.object(file, spaceNetClass, {
      box,
      polygons: polygons.map((rings) => rings.map(openRing)),
      ...(score === undefined ? {} : { score }),
      source,
    });
  }
  if (header === null) throw new Error(`${name}: the file is empty, expected ImageId,BuildingId,PolygonWKT_Pix`);
  return table.build();
}

/**
 * Text of SpaceNet's summary CSV, with polygons in pixels: that of proposals (`Confidence`) where objects have scores.
 * Objects without outlines are written as rectangles. `idOf` gives the ImageId of an image.
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
  const parts = polygons.map(
    (polygon) =>
      `(${polygon
        .map((ring) => {
          const open = openRing(ring);
          return `(${[...open, ...open.slice(0, 1)].map(([x, y]) => `${x} ${y}`).join(',')})`;
        })
        .join(',')})`,
  );
  return parts.length === 1 ? `POLYGON ${parts[0]}` : `MULTIPOLYGON (${parts.join(',')})`;
}
