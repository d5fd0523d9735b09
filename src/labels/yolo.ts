import { stringify } from 'yaml';
import { isRecord, reasonOf } from '../common/check.ts';
import { parseYaml } from '../common/yaml.ts';
import { ringArea, type Box, type Point, type Polygon } from '../imagery/geometry.ts';
import { LabelError, originText, reporter, shown, type OnProblem, type Report } from './problems.ts';
import { checkBox, openRing, outlineBox } from './table-builder.ts';
import type { LabelledImage, LabelledObject, Origin } from './types.ts';

/** The contents of a `data.yaml`. */
export interface YoloData {
  /** Names of the classes; the index is the label. */
  readonly names: readonly string[];
  /** Folder that the splits are relative to; null if absent. */
  readonly path: string | null;
  /** Folders or list files of the images of each split (train, val, test). */
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

/** Reads the `data.yaml` of Ultralytics' YOLO. Throws a `LabelError` with the file `name`. */
export function parseYoloData(text: string, name: string): YoloData {
  let yaml: unknown;
  try {
    yaml = parseYaml(text);
  } catch (error) {
    throw new LabelError('syntax', { file: name }, `not YAML: ${reasonOf(error)}`, { cause: error });
  }
  if (!isRecord(yaml)) return fail(name, `${shown(yaml)}, expected names of classes and folders of images`);
  const splits: Record<string, string[]> = {};
  for (const split of ['train', 'val', 'test']) {
    const value = yaml[split];
    if (value === undefined || value === null) continue;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (!list.every((entry): entry is string => typeof entry === 'string')) {
      return fail(name, `${split} is ${shown(value)}, expected folders or list files of images`);
    }
    splits[split] = list;
  }
  const path = yaml['path'] ?? null;
  if (path !== null && typeof path !== 'string') return fail(name, `path is ${shown(path)}, expected a folder`);
  const names = readNames(yaml['names'], name);
  const count = yaml['nc'];
  if (count !== undefined && count !== names.length) {
    return fail(name, `nc is ${shown(count)}, but there are ${names.length} names`);
  }
  return { names, path, splits };
}

/** The text of a `data.yaml` next to folders `images` and `labels`. */
export function writeYoloData(names: readonly string[]): string {
  return stringify({ path: '.', train: 'images', val: 'images', names: Object.fromEntries(names.entries()) });
}

/** Reads `classes.txt` or `obj.names`, a name on each line. Throws a `LabelError` with the file `name`. */
export function parseClassList(text: string, name: string): string[] {
  const names = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  return checkNames(names, name);
}

/** How the labels of one image are read. */
export interface YoloTextOptions {
  /** Name of the file, for messages. */
  readonly name: string;
  /** Number of classes. */
  readonly classes: number;
  /** Size of the image in pixels. */
  readonly width: number;
  readonly height: number;
  /** Receives every problem. Default: the first one is thrown as a `LabelError`. */
  readonly onProblem?: OnProblem | undefined;
}

/**
 * Reads the labels of one image, an object per line: a class and a box (centre and size), a box with a score, or an outline
 * (three or more corners; an even number of values has a score at the end). All coordinates are fractions of the image's
 * width and height.
 */
export function parseYolo(text: string, options: YoloTextOptions): LabelledObject[] {
  return readYoloLines(text, options).map(({ object, origin }) => ({ ...object, origin: originText(origin) }));
}

/** As `parseYolo`, with the places of the objects. */
export function readYoloLines(text: string, options: YoloTextOptions): { object: LabelledObject; origin: Origin }[] {
  const report = reporter(options.onProblem);
  const objects: { object: LabelledObject; origin: Origin }[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  for (const [i, line] of lines.entries()) {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === '') continue;
    const origin = { file: options.name, line: i + 1 };
    const object = readLine(fields, origin, options, report);
    if (object !== null) objects.push({ object, origin });
  }
  return objects;
}

/** The object of a line; null for an invalid one, which is reported. */
function readLine(
  fields: readonly string[],
  origin: Origin,
  { classes, width, height }: YoloTextOptions,
  report: Report,
): LabelledObject | null {
  // 5 values: a box; 6: with a score; 7, 9, ...: an outline; 8, 10, ...: with a score.
  if (fields.length < 5) {
    const expected = '5 (class, centre x, centre y, width, height), 6 with a score, or the class and an outline';
    return report('syntax', origin, `${fields.length} values, expected ${expected}`);
  }
  const values = fields.map(Number);
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) return report('number', origin, `value ${wrong + 1} is "${fields[wrong]}", expected a number`);
  const label = values[0]!;
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    return report('class', origin, `class is ${fields[0]}, expected an integer from 0 to ${classes - 1}`);
  }
  const score = fields.length % 2 === 0 ? values.pop() : undefined;
  const fractions = values.slice(1);
  const far = fractions.find((fraction) => fraction < -1 || fraction > 2);
  if (far !== undefined) {
    return report(
      'number',
      origin,
      `${far} is not a fraction of the image's size, expected values from 0 to 1, not pixels`,
    );
  }
  const object = fractions.length === 4 ? boxOf(fractions, width, height) : outlineOf(fractions, width, height);
  if (object.box === null) return report('degenerate', origin, 'the outline has no area');
  if (!checkBox(object.box, origin, report)) return null;
  return { label, ...object, box: object.box, ...(score === undefined ? {} : { score }) };
}

/**
 * The text of the labels of one image, a line per object: its outline if that is a single ring with the object's box,
 * otherwise its box; and its score if it has one.
 */
export function writeYolo({ objects }: LabelledImage, width: number, height: number): string {
  return objects
    .map((object) => {
      const [x1, y1, x2, y2] = object.box;
      const ring = yoloOutline(object);
      const fractions =
        ring === null
          ? [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
          : ring.flatMap(([x, y]) => [x / width, y / height]);
      return `${[object.label, ...fractions, ...(object.score === undefined ? [] : [object.score])].join(' ')}\n`;
    })
    .join('');
}

/** The ring that `writeYolo` writes for an object; null if it writes the box. */
export function yoloOutline({ polygons = [], box }: LabelledObject): readonly Point[] | null {
  const [polygon] = polygons;
  if (polygons.length !== 1 || polygon?.length !== 1) return null;
  const bounds = outlineBox(polygons);
  const tolerance = 1e-6 * Math.max(...box.map(Math.abs));
  const same = bounds !== null && bounds.every((edge, i) => Math.abs(edge - box[i]!) <= tolerance);
  const ring = openRing(polygon[0]!);
  return same && ring.length >= 3 ? ring : null;
}

function boxOf(fractions: readonly number[], width: number, height: number): Pick<LabelledObject, 'box'> {
  const [x, y, w, h] = [fractions[0]!, fractions[1]!, fractions[2]!, fractions[3]!];
  return { box: [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height] };
}

function outlineOf(
  fractions: readonly number[],
  width: number,
  height: number,
): { box: Box | null; polygons: Polygon[] } {
  const ring = Array.from({ length: fractions.length / 2 }, (_, i): Point => [
    fractions[2 * i]! * width,
    fractions[2 * i + 1]! * height,
  ]);
  const polygons = [[openRing(ring)]];
  return { box: ringArea(ring) === 0 ? null : outlineBox(polygons), polygons };
}

function readNames(value: unknown, name: string): string[] {
  // YAML reads a class named 1 or true as a number or a boolean.
  const toName = (entry: unknown): string => {
    if (typeof entry === 'string') return entry;
    if (typeof entry === 'number' || typeof entry === 'boolean') return String(entry);
    return fail(name, `names has ${shown(entry)}, expected text`);
  };
  if (Array.isArray(value)) return checkNames(value.map(toName), name);
  if (!isRecord(value)) return fail(name, `names is ${shown(value)}, expected a list of the classes`);
  const keys = Object.keys(value);
  const list = keys.map((_, i) => {
    if (value[i] === undefined) fail(name, `names has the numbers ${keys.join(', ')}, but no ${i}`);
    return value[i];
  });
  return checkNames(list.map(toName), name);
}

function checkNames(names: string[], name: string): string[] {
  if (names.length === 0) fail(name, 'no names of classes');
  names.forEach((label, i) => {
    if (label === '') fail(name, `class ${i} has no name`);
    const first = names.indexOf(label);
    if (first !== i) fail(name, `classes ${first} and ${i} have the same name "${label}"`);
  });
  return names;
}

const fail = (file: string, reason: string): never => {
  throw new LabelError('syntax', { file }, reason);
};
