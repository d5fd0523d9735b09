import { parse, stringify } from 'yaml';
import { ringArea, type Box, type Point } from '../imagery/geometry.ts';
import { isRecord } from './json.ts';
import { reporter, shown, type OnProblem } from './problems.ts';
import { checkBox, openRing, outlineBox } from './table-builder.ts';
import type { LabelledImage, LabelledObject } from './types.ts';

/** What a `data.yaml` says. */
export interface YoloData {
  /** Names of the classes; the position is the label. */
  readonly names: readonly string[];
  /** Folder that the splits are relative to, or null. */
  readonly path: string | null;
  /** Folders or list files of images of each split (train, val, test). */
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

/** Reads `data.yaml` of Ultralytics' YOLO. Throws an Error that starts with `name`. */
export function parseYoloData(text: string, name: string): YoloData {
  let yaml: unknown;
  try {
    yaml = parse(text);
  } catch (error) {
    throw new Error(`${name}: not YAML: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!isRecord(yaml)) throw new Error(`${name}: ${shown(yaml)}, expected names of classes and folders of images`);
  const splits: Record<string, string[]> = {};
  for (const split of ['train', 'val', 'test']) {
    const value = yaml[split];
    if (value === undefined || value === null) continue;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (!list.every((entry): entry is string => typeof entry === 'string')) {
      throw new Error(`${name}: ${split} is ${shown(value)}, expected folders or list files of images`);
    }
    splits[split] = list;
  }
  const path = yaml['path'] ?? null;
  if (path !== null && typeof path !== 'string') throw new Error(`${name}: path is ${shown(path)}, expected a folder`);
  const names = readNames(yaml['names'], name);
  const count = yaml['nc'];
  if (count !== undefined && count !== names.length) {
    throw new Error(`${name}: nc is ${shown(count)}, but there are ${names.length} names`);
  }
  return { names, path, splits };
}

/** The text of a `data.yaml` beside folders `images` and `labels`. */
export function writeYoloData(names: readonly string[]): string {
  return stringify({ path: '.', train: 'images', val: 'images', names: Object.fromEntries(names.entries()) });
}

/** Reads `classes.txt` or `obj.names`: a name on each line. Throws an Error that starts with `name`. */
export function parseClassList(text: string, name: string): string[] {
  const names = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  return checkNames(names, name);
}

/**
 * Reads the labels of one image: a class and a box (centre and size), a box with a score, or an outline (three corners
 * or more, with a score where the number of values is even), all as shares of the image's width and height.
 */
export function parseYolo(
  text: string,
  options: {
    readonly name: string;
    readonly classes: number;
    readonly width: number;
    readonly height: number;
    readonly onProblem?: OnProblem | undefined;
  },
): LabelledObject[] {
  const { name, classes, width, height } = options;
  const report = reporter(options.onProblem);
  const objects: LabelledObject[] = [];
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const source = `${name}:${i + 1}`;
    const fields = line.trim().split(/\s+/);
    if (fields[0] === '') continue;
    // 5 values: a box; 6: with a score; 7, 9, ...: an outline; 8, 10, ...: with a score.
    if (fields.length < 5) {
      report(
        'syntax',
        source,
        `${fields.length} values, expected 5 (class, centre x, centre y, width, height), 6 with a score, or the class and an outline`,
      );
      continue;
    }
    const values = fields.map(Number);
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      report('number', source, `value ${wrong + 1} is "${fields[wrong]}", expected a number`);
      continue;
    }
    const label = values[0]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      report('class', source, `class ${fields[0]}, expected a whole number from 0 to ${classes - 1}`);
      continue;
    }
    const score = fields.length % 2 === 0 ? values.pop() : undefined;
    const shares = values.slice(1);
    const far = shares.find((share) => share < -1 || share > 2);
    if (far !== undefined) {
      report('number', source, `${far} is no share of the image's size: expected values from 0 to 1, not pixels`);
      continue;
    }
    const object = shares.length === 4 ? boxOf(shares, width, height) : outlineOf(shares, width, height);
    if (object.box === null) {
      report('degenerate', source, 'the outline has no area');
      continue;
    }
    if (!checkBox(object.box, source, report)) continue;
    objects.push({ label, ...object, box: object.box, ...(score === undefined ? {} : { score }), source });
  }
  return objects;
}

/**
 * The labels of one image, a line per object: the outline where it is one ring whose box is the object's, else the box;
 * with the score where there is one.
 */
export function writeYolo({ objects }: LabelledImage, width: number, height: number): string {
  return objects
    .map((object) => {
      const [x1, y1, x2, y2] = object.box;
      const ring = yoloOutline(object);
      const shares =
        ring === null
          ? [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
          : ring.flatMap(([x, y]) => [x / width, y / height]);
      return `${[object.label, ...shares, ...(object.score === undefined ? [] : [object.score])].join(' ')}\n`;
    })
    .join('');
}

/** The ring that `writeYolo` writes for an object, or null where it writes the box. */
export function yoloOutline({ polygons = [], box }: LabelledObject): readonly Point[] | null {
  const [polygon] = polygons;
  if (polygons.length !== 1 || polygon?.length !== 1) return null;
  const bounds = outlineBox(polygons);
  const tolerance = 1e-6 * Math.max(...box.map(Math.abs));
  const same = bounds !== null && bounds.every((edge, i) => Math.abs(edge - box[i]!) <= tolerance);
  const ring = openRing(polygon[0]!);
  return same && ring.length >= 3 ? ring : null;
}

function boxOf(shares: readonly number[], width: number, height: number): Pick<LabelledObject, 'box'> {
  const [x, y, w, h] = shares as [number, number, number, number];
  return { box: [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height] };
}

function outlineOf(
  shares: readonly number[],
  width: number,
  height: number,
): { box: Box | null; polygons: LabelledObject['polygons'] & object } {
  const ring = Array.from({ length: shares.length / 2 }, (_, i): Point => [
    shares[2 * i]! * width,
    shares[2 * i + 1]! * height,
  ]);
  const polygons = [[openRing(ring)]];
  return { box: ringArea(ring) === 0 ? null : outlineBox(polygons), polygons };
}

function readNames(value: unknown, name: string): string[] {
  // YAML takes a class called 1 or true for a number or a truth.
  const toName = (entry: unknown): string => {
    if (typeof entry === 'string') return entry;
    if (typeof entry === 'number' || typeof entry === 'boolean') return String(entry);
    throw new Error(`${name}: names has ${shown(entry)}, expected text`);
  };
  if (Array.isArray(value)) return checkNames(value.map(toName), name);
  if (!isRecord(value)) throw new Error(`${name}: names is ${shown(value)}, expected a list of the classes`);
  const keys = Object.keys(value);
  const list = keys.map((_, i) => {
    if (value[i] === undefined) throw new Error(`${name}: names has the numbers ${keys.join(', ')}, but no ${i}`);
    return value[i];
  });
  return checkNames(list.map(toName), name);
}

function checkNames(names: string[], name: string): string[] {
  if (names.length === 0) throw new Error(`${name}: no names of classes`);
  names.forEach((label, i) => {
    if (label === '') throw new Error(`${name}: class ${i} has no name`);
    const first = names.indexOf(label);
    if (first !== i) throw new Error(`${name}: classes ${first} and ${i} have the same name "${label}"`);
  });
  return names;
}
