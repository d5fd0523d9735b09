import { isRecord } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { ringArea, type Box, type Point, type Polygon } from '../imagery/geometry.ts';
import { parseLabelJson } from './json.ts';
import { LabelError, originText, reporter, shown, type ParseOptions, type Report } from './problems.ts';
import { turnedBox } from './shapes.ts';
import {
  checkBox,
  imagePath,
  imageSide,
  openRing,
  outlineBox,
  unknownClass,
  type ImagePaths,
} from './table-builder.ts';
import type { LabelledImage, LabelledObject, LabelTable, Origin } from './types.ts';

/** The ids of images and classes in a COCO file; results refer to them. */
export interface CocoIds {
  /** Path of each image in the table, by its id. */
  readonly images: ReadonlyMap<number | string, string>;
  /** Name of each class, by its id. */
  readonly categories: ReadonlyMap<number, string>;
}

/** The table of a COCO file, with its ids. */
export interface CocoTable extends LabelTable {
  readonly coco: CocoIds;
  /** Contents of the file that the table does not have, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Reads the JSON of COCO's object detection ("instances", Lin et al., 2014; cocodataset.org/#format-data). Categories, with
 * any ids, become labels in the order of the ids; `bbox` is x, y, width, height in pixels. An image without annotations is
 * empty. Only box and area are kept of a segmentation in run lengths, which `notes` mentions. CVAT's `attributes.rotation`
 * turns the box of an annotation without segmentation.
 */
export function parseCoco(text: string, options: ParseOptions & ImagePaths): CocoTable {
  const { name } = options;
  const report = reporter(options.onProblem);
  const json = parseLabelJson(text, name);
  if (!isRecord(json)) {
    throw new LabelError('syntax', { file: name }, `not a COCO file: ${shown(json)}, expected an object with images`);
  }
  const list = (key: string): readonly unknown[] => {
    const value = json[key];
    if (Array.isArray(value)) return value;
    throw new LabelError('syntax', { file: name }, `${key} is ${shown(value)}, expected a list as in COCO files`);
  };
  const categories = readCategories(list('categories'), name, report);
  const placeholder = options.classes === undefined ? placeholderOf(json) : null;
  if (placeholder !== null) categories.delete(placeholder.id);
  const classes = options.classes ?? [...new Set(categories.values())];
  const images = readImages(list('images'), { name, report, paths: options });
  const objects = new Map<string, LabelledObject[]>([...images.files.values()].map((file) => [file, []]));
  const known: Known = { images: images.files, categories, classes, report };
  const notes: string[] = [];
  if (placeholder !== null) {
    const why = 'no annotation has it, and it is the supercategory of the others, as in exports of Roboflow';
    notes.push(`${name}: category ${placeholder.id}, "${placeholder.name}", is left out: ${why}`);
  }
  let runLengths = 0;
  for (const [i, entry] of list('annotations').entries()) {
    const origin = originOf(name, 'annotations', i, entry);
    const found = readDetection(entry, origin, known);
    if (found === null) continue;
    const segmentation = readSegmentation(found.entry['segmentation'], origin, report);
    if (segmentation === 'run lengths') runLengths++;
    const outlines = Array.isArray(segmentation) ? segmentation : [];
    const detection: TurnedDetection =
      segmentation === 'run lengths' || outlines.length > 0 ? found : turnedDetection(found);
    const object = readAnnotation(detection, detection.polygons ?? outlines, origin, report);
    if (object !== null) objects.get(found.file)?.push(object);
  }
  if (runLengths > 0) {
    const kept = 'have a segmentation in run lengths (RLE), of which box and area are kept';
    notes.push(`${name}: ${runLengths} objects ${kept}`);
  }
  return {
    classes,
    images: images.list.map((image) => ({ ...image, objects: objects.get(image.file)! })),
    coco: { images: images.files, categories },
    notes,
  };
}

/** A detection, with the outline of its box if that was turned. */
type TurnedDetection = Detection & { readonly polygons?: readonly Polygon[] };

/**
 * The detection with the box around its turned outline, if CVAT wrote a rotation: it leaves `bbox` as it was before the turn
 * about its centre, in degrees clockwise.
 */
function turnedDetection(found: Detection): TurnedDetection {
  const attributes = found.entry['attributes'];
  const degrees = isRecord(attributes) ? attributes['rotation'] : undefined;
  const shape = isFiniteNumber(degrees) ? turnedBox(found.box, degrees) : found;
  const box = 'polygons' in shape ? outlineBox(shape.polygons) : null;
  if (box === null || !('polygons' in shape)) return found;
  return { ...found, box, size: [box[2] - box[0], box[3] - box[1]], polygons: shape.polygons };
}

/** The category that only groups the others: their supercategory, and of no annotation. Null if there is none. */
function placeholderOf(json: Readonly<Record<string, unknown>>): { id: number; name: string } | null {
  const [categories, annotations] = [json['categories'], json['annotations']].map((list): readonly unknown[] =>
    Array.isArray(list) ? list : [],
  );
  const used = new Set(annotations!.map((entry) => (isRecord(entry) ? entry['category_id'] : undefined)));
  const records = categories!.filter(isRecord);
  for (const { id, name } of records) {
    if (typeof id !== 'number' || typeof name !== 'string' || used.has(id)) continue;
    const others = records.filter((other) => other['id'] !== id);
    if (others.length > 0 && others.every((other) => other['supercategory'] === name)) return { id, name };
  }
  return null;
}

/** The object of an annotation; null if one of its fields is invalid, which is reported. */
function readAnnotation(
  { label, box, size, entry }: Detection,
  polygons: readonly Polygon[],
  origin: Origin,
  report: Report,
): LabelledObject | null {
  // Other tools write null for what is not known.
  const area = entry['area'] ?? undefined;
  if (area !== undefined && !(isFiniteNumber(area) && area >= 0)) {
    return report('number', origin, `area is ${shown(area)}, expected a number >= 0`);
  }
  const score = readScore(entry['score'] ?? undefined, origin, report);
  if (score === null) return null;
  const crowd = entry['iscrowd'] ?? undefined;
  if (crowd !== undefined && crowd !== 0 && crowd !== 1 && typeof crowd !== 'boolean') {
    return report('syntax', origin, `iscrowd is ${shown(crowd)}, expected 0 or 1`);
  }
  // An area of 0, or equal to that of the box, carries no information.
  const hasArea = area !== undefined && area > 0 && Math.abs(area - size[0] * size[1]) > 1e-9 * area;
  return {
    label,
    box,
    ...(score === undefined ? {} : { score }),
    ...(crowd === 1 || crowd === true ? { crowd: true } : {}),
    ...(hasArea ? { area } : {}),
    ...(polygons.length === 0 ? {} : { polygons }),
    origin: originText(origin),
  };
}

/** The ground truth that results refer to, with the ids of its file if that is COCO's. */
export type ResultsTruth = LabelTable & { readonly coco?: CocoIds };

/**
 * Reads COCO's results, a JSON array of `{image_id, category_id, bbox, score}`. Ids are those of the COCO file of the ground
 * truth `like`. If that has another format, they are names of files (with or without folders and extension) or positions
 * from 1, as `writeCocoResults` writes them. Images without detections are in the table, without objects.
 */
export function parseCocoResults(text: string, like: ResultsTruth, options: ParseOptions): LabelTable {
  const { name } = options;
  const report = reporter(options.onProblem);
  const json = parseLabelJson(text, name);
  if (!Array.isArray(json)) {
    const expected = 'expected an array of {image_id, category_id, bbox}';
    throw new LabelError('syntax', { file: name }, `not COCO results: ${shown(json)}, ${expected}`);
  }
  const { images, categories } = resultIds(like);
  const classes = options.classes ?? like.classes;
  const objects = new Map<string, LabelledObject[]>(like.images.map(({ file }) => [file, []]));
  for (const [i, entry] of json.entries()) {
    const origin = originOf(name, '', i, entry);
    const found = readDetection(entry, origin, { images, categories, classes, report });
    if (found === null) continue;
    const score = readScore(found.entry['score'] ?? null, origin, report);
    if (score === null || score === undefined) continue;
    objects.get(found.file)?.push({ label: found.label, box: found.box, score, origin: originText(origin) });
  }
  return {
    classes,
    images: like.images.map((image) => ({ ...image, objects: objects.get(image.file)! })),
  };
}

/** The ids of a ground truth; without a COCO file its images are also known by their names. */
function resultIds(like: ResultsTruth): CocoIds {
  const ids = idsOf(like);
  if (like.coco !== undefined) return ids;
  const images = new Map(ids.images);
  for (const { file } of like.images) {
    const base = file.slice(file.lastIndexOf('/') + 1);
    for (const id of [file, base, base.replace(/\.[^.]*$/, '')]) if (!images.has(id)) images.set(id, file);
  }
  return { images, categories: ids.categories };
}

/** The text of a COCO file. Ids are those of the file that the table was read from, otherwise positions from 1. */
export function writeCoco(table: ResultsTruth): string {
  const ids = invert(idsOf(table));
  let next = 1;
  const annotations = table.images.flatMap(({ file, objects }) =>
    objects.map((object) => {
      const [x1, y1, x2, y2] = object.box;
      return {
        id: next++,
        image_id: ids.images.get(file),
        category_id: ids.categories.get(table.classes[object.label]!),
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area: object.area ?? (x2 - x1) * (y2 - y1),
        iscrowd: object.crowd === true ? 1 : 0,
        ...(object.polygons === undefined ? {} : { segmentation: object.polygons.map(flatRing) }),
        ...(object.score === undefined ? {} : { score: object.score }),
      };
    }),
  );
  const images = table.images.map(({ file, width, height }) => ({
    id: ids.images.get(file),
    file_name: file,
    ...(width === null || height === null ? {} : { width, height }),
  }));
  const categories = table.classes.map((name) => ({ id: ids.categories.get(name), name }));
  return `${JSON.stringify({ images, categories, annotations })}\n`;
}

/**
 * The text of COCO results of a table of detections, with the ids of `like` (default: the table itself). Throws an
 * `InputError` for an object without a score, and for an image or a class that `like` does not have.
 */
export function writeCocoResults(table: LabelTable, like: ResultsTruth = table): string {
  const ids = invert(idsOf(like));
  const results = table.images.flatMap(({ file, objects }) =>
    objects.map(({ label, box: [x1, y1, x2, y2], score, origin }) => {
      const name = table.classes[label]!;
      const [image, category] = [ids.images.get(file), ids.categories.get(name)];
      if (image === undefined)
        throw new InputError('writeLabels', `the ground truth that defines the ids has no image ${file}`);
      if (category === undefined)
        throw new InputError('writeLabels', `the ground truth that defines the ids has no class "${name}"`);
      if (score === undefined) {
        throw new InputError('writeLabels', `${origin ?? file}: an object without a score, which COCO results require`);
      }
      return { image_id: image, category_id: category, bbox: [x1, y1, x2 - x1, y2 - y1], score };
    }),
  );
  return `${JSON.stringify(results)}\n`;
}

/** The ids of the file that a table was read from; positions from 1 if that lacks some of them. */
function idsOf(table: ResultsTruth): CocoIds {
  const { coco } = table;
  const [files, names] = [new Set(coco?.images.values()), new Set(coco?.categories.values())];
  if (
    coco !== undefined &&
    table.images.every(({ file }) => files.has(file)) &&
    table.classes.every((name) => names.has(name))
  ) {
    return coco;
  }
  return {
    images: new Map(table.images.map(({ file }, i) => [i + 1, file])),
    categories: new Map(table.classes.map((name, i) => [i + 1, name])),
  };
}

function invert({ images, categories }: CocoIds): {
  images: Map<string, number | string>;
  categories: Map<string, number>;
} {
  return {
    images: new Map([...images].map(([id, file]) => [file, id])),
    categories: new Map([...categories].map(([id, name]) => [name, id])),
  };
}

function flatRing(polygon: Polygon): number[] {
  return openRing(polygon[0] ?? []).flatMap(([x, y]) => [x, y]);
}

function originOf(file: string, list: string, index: number, entry: unknown): Origin {
  const id = isRecord(entry) && entry['id'] !== undefined ? ` (id ${shown(entry['id'])})` : '';
  return { file, entry: `${list}[${index}]${id}` };
}

/** Names by id, in the order of the ids. */
function readCategories(list: readonly unknown[], name: string, report: Report): Map<number, string> {
  const categories = new Map<number, string>();
  for (const [i, entry] of list.entries()) {
    const origin = originOf(name, 'categories', i, entry);
    const [id, label] = isRecord(entry) ? [entry['id'], entry['name']] : [];
    if (typeof id !== 'number' || !Number.isInteger(id) || typeof label !== 'string' || label === '') {
      report('syntax', origin, `${shown(entry)}, expected a class with an id (an integer) and a name`);
    } else if (categories.has(id)) {
      report('class', origin, `id ${id} is already that of the class "${categories.get(id)}"`);
    } else {
      if ([...categories.values()].includes(label)) report('class', origin, `a second class with the name "${label}"`);
      categories.set(id, label);
    }
  }
  return new Map([...categories].sort(([a], [b]) => a - b));
}

function readImages(
  list: readonly unknown[],
  { name, report, paths }: { name: string; report: Report; paths: ImagePaths },
): { files: Map<number | string, string>; list: Omit<LabelledImage, 'objects'>[] } {
  const files = new Map<number | string, string>();
  const images = new Map<string, Omit<LabelledImage, 'objects'>>();
  for (const [i, entry] of list.entries()) {
    const origin = originOf(name, 'images', i, entry);
    const [id, given] = isRecord(entry) ? [entry['id'], entry['file_name']] : [];
    if (!isRecord(entry) || (typeof id !== 'number' && typeof id !== 'string') || typeof given !== 'string') {
      report('syntax', origin, `${shown(entry)}, expected an image with an id and a file_name`);
      continue;
    }
    const file = imagePath(given, origin, report, paths);
    if (file === null) continue;
    if (files.has(id)) {
      report('image', origin, `id ${shown(id)} of ${file} is already that of ${files.get(id)}`);
      continue;
    }
    files.set(id, file);
    if (images.has(file)) {
      report('image', origin, `a second entry for the image ${file}`);
      continue;
    }
    const side = (key: string): number | null => imageSide(entry[key], key, origin, report);
    images.set(file, { file, width: side('width'), height: side('height') });
  }
  return { files, list: [...images.values()] };
}

interface Known {
  readonly images: ReadonlyMap<unknown, string>;
  readonly categories: ReadonlyMap<unknown, string>;
  readonly classes: readonly string[];
  readonly report: Report;
}

/** The fields that annotations and results share. */
interface Detection {
  readonly file: string;
  readonly label: number;
  readonly box: Box;
  /** Width and height of the box as the file has them. */
  readonly size: readonly [width: number, height: number];
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Image, class and box of an annotation or a result; null if one of them is invalid, which is reported. */
function readDetection(
  entry: unknown,
  origin: Origin,
  { images, categories, classes, report }: Known,
): Detection | null {
  if (!isRecord(entry)) {
    return report('syntax', origin, `${shown(entry)}, expected an object with image_id, category_id and bbox`);
  }
  const [image, category, bbox] = [entry['image_id'], entry['category_id'], entry['bbox']];
  const file = images.get(image);
  if (file === undefined) {
    return report('image', origin, `image_id is ${shown(image)}, but there is no image with this id`);
  }
  const className = categories.get(category);
  if (className === undefined) {
    const expected = [...categories.keys()].join(', ');
    return report('class', origin, `category_id is ${shown(category)}, expected one of ${expected}`);
  }
  const label = classes.indexOf(className);
  if (label < 0) return report('class', origin, unknownClass(className, classes));
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(isFiniteNumber)) {
    return report('number', origin, `bbox is ${shown(bbox)}, expected four finite numbers: x, y, width, height`);
  }
  const [x, y, width, height] = [bbox[0]!, bbox[1]!, bbox[2]!, bbox[3]!];
  if (!(width > 0 && height > 0)) {
    const expected = 'expected x, y, width, height with width and height above 0';
    return report('degenerate', origin, `bbox is ${shown(bbox)}, ${expected}`);
  }
  const box: Box = [x, y, x + width, y + height];
  return checkBox(box, origin, report) ? { file, label, box, size: [width, height], entry } : null;
}

const isFiniteNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Undefined without a score, null for an invalid one, which is reported. */
function readScore(value: unknown, origin: Origin, report: Report): number | undefined | null {
  if (value === undefined || isFiniteNumber(value)) return value;
  return report('number', origin, `score is ${shown(value)}, expected a number`);
}

/** Null without outlines, or if they are invalid, which is reported. */
function readSegmentation(value: unknown, origin: Origin, report: Report): Polygon[] | 'run lengths' | null {
  if (value === undefined || value === null) return null;
  if (isRecord(value) && value['counts'] !== undefined) return 'run lengths';
  const rings: readonly unknown[] = Array.isArray(value) ? value : [value];
  const polygons: Polygon[] = [];
  for (const ring of rings) {
    const fits = Array.isArray(ring) && ring.length >= 6 && ring.length % 2 === 0;
    if (!fits || !ring.every(isFiniteNumber)) {
      return report('number', origin, `segmentation has ${shown(ring)}, expected x, y of at least three corners`);
    }
    const points = Array.from({ length: ring.length / 2 }, (_, i): Point => [ring[2 * i]!, ring[2 * i + 1]!]);
    if (ringArea(points) !== 0) polygons.push([openRing(points)]);
  }
  return polygons;
}
