import { counted, isRecord } from '../../common/check.ts';
import type { Point } from '../../imagery/geometry.ts';
import { csvLines, fieldCount } from '../csv-rows.ts';
import { CLASS_PROPERTIES, plainName } from '../class-property.ts';
import { parseLabelJson } from '../json.ts';
import { LabelError, reporter, shown, type ParseOptions, type Report } from '../problems.ts';
import {
  ellipseBox,
  NO_AREA,
  numbersOf,
  outlineThrough,
  recordsOf,
  ShapeTable,
  type Shape,
  type ShapeLabels,
  type ShapeOptions,
} from '../shapes.ts';
import { imagePath, type ImagePaths } from '../table-builder.ts';
import type { Origin } from '../types.ts';

type Entry = Readonly<Record<string, unknown>>;

/** How the regions of VGG Image Annotator become objects. */
interface ViaOptions extends ShapeOptions {
  /** Region attribute with the class. Default: the only one, or the first of `CLASS_ATTRIBUTES`. */
  readonly classProperty?: string | undefined;
}

/** Attributes with the class of a region, compared in lower case and without underscores. */
const CLASS_ATTRIBUTES = [...CLASS_PROPERTIES, 'name', 'type', 'object'];

const COLUMNS = [
  'filename',
  'file_size',
  'file_attributes',
  'region_count',
  'region_id',
  'region_shape_attributes',
  'region_attributes',
] as const;

/** Whether the first part of a JSON file is of VGG Image Annotator: a project, or its annotations. */
export const isVia = (text: string): boolean =>
  /"_via_(?:settings|img_metadata)"\s*:/.test(text) || (/"filename"\s*:/.test(text) && /"regions"\s*:/.test(text));

/** Whether the first row of a CSV is the header of VGG Image Annotator. */
export function isViaHeader(first: readonly string[]): boolean {
  const names = first.map(columnName);
  return COLUMNS.every((column) => column === 'file_size' || names.includes(column));
}

/** The first header of version 1 starts with `#`. */
const columnName = (name: string): string => name.trim().replace(/^#/, '');

/** An image, and one of its regions if it has some. */
interface Region {
  readonly file: string;
  readonly region: { readonly shape: Entry; readonly attributes: Entry; readonly origin: Origin } | null;
}

/**
 * Reads what VGG Image Annotator 1 and 2 (Dutta and Zisserman, 2019) saves: a project, or exported annotations as JSON or
 * CSV. Rectangles and polygons are in pixels with continuous edges; of circles and ellipses, the box is kept. The class is
 * a region attribute; without any attributes it is `object`, which a note says. An image without regions is empty.
 */
export function parseVia(text: string, options: ParseOptions & ImagePaths & ViaOptions): ShapeLabels {
  const { name: file } = options;
  const report = reporter(options.onProblem);
  const isJson = /^\ufeff?\s*[[{]/.test(text);
  const regions = [...(isJson ? jsonRegions(text, options, report) : csvRegions(text, options, report))];
  const attributes = new Set(regions.flatMap(({ region }) => (region === null ? [] : Object.keys(region.attributes))));
  const property = classAttribute([...attributes], options.classProperty, file);
  const table = new ShapeTable(options);
  let unnamed = 0;
  for (const { file: image, region } of regions) {
    table.addImage(image);
    if (region === null) continue;
    const { shape, attributes: own, origin } = region;
    const found = shapeOf(shape, origin, report);
    const className = property === null ? 'object' : classOf(own, property, origin, report);
    if (property === null) unnamed++;
    if (found === null || className === null) continue;
    table.add({ file: image, className, type: String(shape['name']), origin }, found);
  }
  const built = table.build();
  const note = `the class of ${counted(unnamed, 'region', 'regions')} without attributes: taken as "object"`;
  return unnamed === 0 ? built : { ...built, notes: [...built.notes, note] };
}

function* jsonRegions(text: string, options: ParseOptions & ImagePaths, report: Report): Generator<Region> {
  const { name } = options;
  const json = parseLabelJson(text, name);
  const project = isRecord(json) ? (json['_via_img_metadata'] ?? json) : json;
  if (!isRecord(project)) {
    const reason = `not of VGG Image Annotator: ${shown(json)}, expected an object with an entry for each image`;
    throw new LabelError('syntax', { file: name }, reason);
  }
  for (const [key, image] of Object.entries(project)) {
    const origin = { file: name, entry: key };
    const given = isRecord(image) ? image['filename'] : undefined;
    if (!isRecord(image) || typeof given !== 'string') {
      report('syntax', origin, `${shown(image)}, expected an image with a filename and regions`);
      continue;
    }
    const file = imagePath(given, origin, report, options);
    if (file === null) continue;
    yield { file, region: null };
    // Version 1 numbers the regions by keys.
    const list = isRecord(image['regions']) ? Object.values(image['regions']) : (image['regions'] ?? []);
    for (const { entry, origin: place } of recordsOf(list, 'regions', origin, report)) {
      const [shape, attributes = {}] = [entry['shape_attributes'], entry['region_attributes']];
      if (isRecord(shape) && isRecord(attributes)) yield { file, region: { shape, attributes, origin: place } };
      else report('syntax', place, `${shown(entry)}, expected shape_attributes and region_attributes`);
    }
  }
}

function* csvRegions(text: string, options: ParseOptions & ImagePaths, report: Report): Generator<Region> {
  const { name } = options;
  let header: string[] | null = null;
  for (const { line, values } of csvLines(text, name, report)) {
    const origin = { file: name, line };
    if (header === null) {
      header = values.map(columnName);
      if (isViaHeader(header)) continue;
      throw new LabelError('syntax', origin, `the header is "${values.join(',')}", expected ${COLUMNS.join(',')}`);
    }
    if (values.length !== header.length) {
      report('syntax', origin, fieldCount(values.length, header.length));
      continue;
    }
    const field = (column: (typeof COLUMNS)[number]): string => values[header!.indexOf(column)] ?? '';
    const file = imagePath(field('filename'), origin, report, options);
    if (file === null) continue;
    yield { file, region: null };
    const objectIn = (column: (typeof COLUMNS)[number]): Entry | null => {
      try {
        const value = parseLabelJson(field(column) || '{}', name);
        if (isRecord(value)) return value;
      } catch (error) {
        if (!(error instanceof LabelError)) throw error;
      }
      return report('syntax', origin, `${column} is ${shown(field(column))}, expected an object in JSON`);
    };
    const [shape, attributes] = [objectIn('region_shape_attributes'), objectIn('region_attributes')];
    // An image without regions has one row, with the shape {}.
    if (shape === null || attributes === null || Object.keys(shape).length === 0) continue;
    yield { file, region: { shape, attributes, origin } };
  }
  if (header === null) report('syntax', { file: name }, `the file is empty, expected ${COLUMNS.join(',')}`);
}

/** The attribute with the class; null if regions have no attributes. */
function classAttribute(names: readonly string[], given: string | undefined, file: string): string | null {
  const found = names.join(', ') || 'none';
  if (given !== undefined) {
    if (names.includes(given)) return given;
    throw new LabelError('class', { file }, `no region has the attribute "${given}" (attributes: ${found})`);
  }
  if (names.length <= 1) return names[0] ?? null;
  const known = CLASS_ATTRIBUTES.map((known) => names.find((name) => plainName(name) === known));
  const first = known.find((name) => name !== undefined);
  if (first !== undefined) return first;
  const remedy = 'name it with classProperty, or convert --class-property';
  throw new LabelError('class', { file }, `which attribute has the class is unknown (attributes: ${found}); ${remedy}`);
}

/** The class of a region: text, a number, or the only one of several options that is chosen. */
function classOf(attributes: Entry, property: string, origin: Origin, report: Report): string | null {
  const value = attributes[property];
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string' && value !== '') return value;
  if (isRecord(value)) {
    const chosen = Object.keys(value).filter((key) => value[key] === true);
    if (chosen.length === 1) return chosen[0]!;
  }
  return report('class', origin, `attribute "${property}" is ${shown(value)}, expected the name of one class`);
}

function shapeOf(shape: Entry, origin: Origin, report: Report): Shape | null {
  const numbers = <const Keys extends readonly string[]>(...keys: Keys) => numbersOf(shape, keys, origin, report);
  switch (shape['name']) {
    case 'rect': {
      const found = numbers('x', 'y', 'width', 'height');
      return found && { box: [found[0], found[1], found[0] + found[2], found[1] + found[3]] };
    }
    case 'circle': {
      const found = numbers('cx', 'cy', 'r');
      return found && { box: ellipseBox([found[0], found[1]], [found[2], found[2]]) };
    }
    case 'ellipse': {
      const found = numbersOf(shape, ['cx', 'cy', 'rx', 'ry', 'theta'], origin, report, { theta: 0 });
      // The angle is in radians.
      return found && { box: ellipseBox([found[0], found[1]], [found[2], found[3]], (found[4] * 180) / Math.PI) };
    }
    case 'polygon': {
      const points = cornersOf(shape, origin, report);
      return points && outlineThrough(points, origin, report);
    }
    case 'point': {
      const found = numbers('cx', 'cy');
      return found && { points: [found] };
    }
    case 'polyline':
      return { skipped: NO_AREA };
    default: {
      const expected = 'expected rect, circle, ellipse, polygon, polyline or point';
      return report('syntax', origin, `the name of the shape is ${shown(shape['name'])}, ${expected}`);
    }
  }
}

function cornersOf(shape: Entry, origin: Origin, report: Report): Point[] | null {
  const [xs, ys] = [shape['all_points_x'], shape['all_points_y']];
  if (!Array.isArray(xs) || !Array.isArray(ys) || xs.length !== ys.length) {
    const reason = `all_points_x is ${shown(xs)} and all_points_y is ${shown(ys)}, expected lists of the same length`;
    return report('syntax', origin, reason);
  }
  const points: Point[] = [];
  for (const [i, x] of (xs as unknown[]).entries()) {
    const point = numbersOf({ x, y: (ys as unknown[])[i] }, ['x', 'y'], origin, report);
    if (point === null) return null;
    points.push(point);
  }
  return points;
}
