import { counted, isRecord } from '../../common/check.ts';
import type { Point } from '../../imagery/geometry.ts';
import { parseLabelJson } from '../json.ts';
import { LabelError, reporter, shown, type ParseOptions, type Report } from '../problems.ts';
import {
  ellipseBox,
  NO_AREA,
  numbersOf,
  outlineThrough,
  pointsOf,
  recordsOf,
  ShapeTable,
  turnedBox,
  type Shape,
  type ShapeLabels,
  type ShapeOptions,
} from '../shapes.ts';
import { imagePath, type ImagePaths } from '../table-builder.ts';
import type { Origin } from '../types.ts';

type Entry = Readonly<Record<string, unknown>>;

/** Whether the first part of a JSON file is an export of Label Studio: tasks with data, or the small form of them. */
export const isLabelStudio = (text: string): boolean =>
  text.startsWith('[') && (/"data"\s*:\s*\{/.test(text) || /"original_width"\s*:/.test(text));

/**
 * Reads Label Studio's export as JSON: rectangles, polygons and ellipses in percent of the image, `rotation` in degrees
 * clockwise about the upper left corner (ellipses: about the centre). The outline of a turned rectangle is kept. Of a task
 * with several annotations the first that is not cancelled is read; a task without one is not labelled. Predictions are not
 * read. The image is `data.image`, otherwise the only value that is the name of an image file.
 */
export function parseLabelStudio(text: string, options: ParseOptions & ImagePaths & ShapeOptions): ShapeLabels {
  const { name } = options;
  const report = reporter(options.onProblem);
  const json = parseLabelJson(text, name);
  if (!Array.isArray(json)) {
    throw new LabelError('syntax', { file: name }, `not of Label Studio: ${shown(json)}, expected a list of tasks`);
  }
  const table = new ShapeTable(options);
  const counts = { unlabelled: 0, several: 0, others: 0 };
  for (const { entry: task, origin } of recordsOf(json, 'tasks', { file: name }, report)) {
    if (!isRecord(task['data']) || !Array.isArray(task['annotations'])) {
      const reason = 'expected a task with data and annotations: export the project as JSON (not JSON_MIN)';
      report('syntax', origin, `${shown(task)}, ${reason}`);
      continue;
    }
    const annotations = recordsOf(task['annotations'], 'annotations', origin, report);
    const [annotation, ...more] = annotations.filter(({ entry }) => entry['was_cancelled'] !== true);
    if (annotation === undefined) {
      counts.unlabelled++;
      continue;
    }
    if (more.length > 0) counts.several++;
    const given = imageIn(task['data'], origin, report);
    const file = given === null ? null : imagePath(given, origin, report, byOwnName(options));
    if (file === null) continue;
    table.addImage(file);
    readResults(annotation, file, { table, report, counts });
  }
  const built = table.build();
  const { unlabelled, several, others } = counts;
  const notes = [
    ...(unlabelled === 0
      ? []
      : [`${counted(unlabelled, 'task', 'tasks')} without an annotation that is not cancelled`]),
    ...(several === 0
      ? []
      : [`further annotations of ${counted(several, 'task', 'tasks')}: the first that is not cancelled is read`]),
    ...(others === 0 ? [] : [`${counted(others, 'result', 'results')} other than labelled regions`]),
  ];
  return { ...built, notes: [...built.notes, ...notes] };
}

interface Context {
  readonly table: ShapeTable;
  readonly report: Report;
  readonly counts: { others: number };
}

/** Adds the regions of an annotation to the table. The parts of a region share an id: a shape, and perhaps its labels. */
function readResults(
  annotation: { readonly entry: Entry; readonly origin: Origin },
  file: string,
  { table, report, counts }: Context,
): void {
  const results = recordsOf(annotation.entry['result'], 'result', annotation.origin, report);
  const labelsOf = new Map<unknown, readonly unknown[]>();
  for (const { entry } of results) {
    const labels = labelsIn(entry);
    if (labels !== null && entry['id'] !== undefined) labelsOf.set(entry['id'], labels);
  }
  for (const { entry, origin } of results) {
    const type = String(entry['type']).replace(/labels$/, '');
    if (!SHAPES.includes(type)) {
      // The labels of a shape in another result; otherwise choices, texts and relations.
      if (type !== '') counts.others++;
      continue;
    }
    const shape = shapeOf(type, entry, origin, report);
    if (shape === null) continue;
    const labels = labelsIn(entry) ?? labelsOf.get(entry['id']) ?? [];
    const [className] = labels;
    if (labels.length === 1 && typeof className === 'string' && className !== '') {
      const [width, height] = [Number(entry['original_width']), Number(entry['original_height'])];
      table.addImage(file, width, height);
      table.add({ file, className, type, origin }, shape);
    } else report('class', origin, `the labels are ${shown(labels)}, expected the name of one class`);
  }
}

const SHAPES = ['rectangle', 'polygon', 'ellipse', 'keypoint', 'brush', 'vector', 'bitmask'];

/** The labels of a result; null if it has none. */
function labelsIn({ value }: Entry): readonly unknown[] | null {
  if (!isRecord(value)) return null;
  const lists = Object.keys(value).filter((key) => key.endsWith('labels') && Array.isArray(value[key]));
  return lists.length === 0 ? null : (value[lists[0]!] as readonly unknown[]);
}

/** The shape of a result in pixels; null for an invalid one, which is reported. */
function shapeOf(type: string, result: Entry, origin: Origin, report: Report): Shape | null {
  const value = result['value'];
  if (!isRecord(value)) return report('syntax', origin, `value is ${shown(value)}, expected an object`);
  const size = numbersOf(result, ['original_width', 'original_height'], origin, report);
  if (size === null) return null;
  const wrong = size.find((side) => !Number.isInteger(side) || side < 1);
  if (wrong !== undefined) return report('number', origin, `a side of the image is ${wrong}, expected an integer >= 1`);
  const turn = result['image_rotation'] ?? 0;
  if (turn !== 0) {
    const expected = 'expected 0: turn the image itself before it is labelled';
    return report('syntax', origin, `image_rotation is ${shown(turn)}, ${expected}`);
  }
  const numbers = <const Keys extends readonly string[]>(...keys: Keys) =>
    numbersOf(value, keys, origin, report, { rotation: 0 });
  const [scaleX, scaleY] = [size[0] / 100, size[1] / 100];
  const pixel = ([x, y]: Point): Point => [x * scaleX, y * scaleY];
  switch (type) {
    case 'rectangle': {
      const found = numbers('x', 'y', 'width', 'height', 'rotation');
      if (found === null) return null;
      const [x1, y1] = pixel([found[0], found[1]]);
      const [x2, y2] = pixel([found[0] + found[2], found[1] + found[3]]);
      return turnedBox([x1, y1, x2, y2], found[4], [x1, y1]);
    }
    case 'ellipse': {
      const found = numbers('x', 'y', 'radiusX', 'radiusY', 'rotation');
      return found && { box: ellipseBox(pixel([found[0], found[1]]), pixel([found[2], found[3]]), found[4]) };
    }
    case 'polygon': {
      const points = pointsOf(value['points'], origin, report);
      return points && outlineThrough(points.map(pixel), origin, report);
    }
    case 'keypoint': {
      const found = numbers('x', 'y');
      return found && { points: [pixel(found)] };
    }
    case 'vector':
      return { skipped: NO_AREA };
    default:
      return { skipped: 'masks are not read (export them as COCO)' };
  }
}

/** The address of the image of a task; null if there is none or several, which is reported. */
function imageIn(data: Entry, origin: Origin, report: Report): string | null {
  const texts = Object.values(data).filter((value): value is string => typeof value === 'string');
  const named = data['image'];
  const found = typeof named === 'string' ? [named] : texts.filter((value) => IMAGE.test(bare(value)));
  const [image] = found;
  if (image !== undefined && found.length === 1) return localPath(image);
  return report('image', origin, `data is ${shown(data)}, expected one value with the name of an image`);
}

const IMAGE = /\.(?:png|jpe?g|webp|avif|tiff?)$/i;
const bare = (address: string): string => (address.includes('?d=') ? address : address.replace(/[?#].*$/, ''));

/** The path of a file in local storage, which is in the query: `/data/local-files/?d=folder/a.png`. */
function localPath(address: string): string {
  const path = /^\/data\/local-files\/\?d=(.*)$/.exec(address)?.[1];
  return path === undefined ? address : `/${unescaped(path)}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Finds images also without the escapes of an address, and without the eight digits that Label Studio puts in front of the
 * names of uploaded files.
 */
function byOwnName({ root, byName }: ImagePaths): ImagePaths {
  if (byName === undefined) return { root };
  const find = (name: string): string | undefined => byName(name) ?? byName(name.replace(/^[\da-f]{8}-/, ''));
  return { root, byName: (name) => find(name) ?? find(unescaped(name)) };
}
