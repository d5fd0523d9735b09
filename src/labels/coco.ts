import { ringArea, type Box, type Point, type Polygon } from '../imagery/geometry.ts';
import { isRecord, parseJson } from './json.ts';
import { reporter, shown, type ParseOptions, type Report } from './problems.ts';
import { checkBox, imagePath, imageSide, openRing } from './table-builder.ts';
import type { LabelledImage, LabelledObject, LabelTable } from './types.ts';

/** The numbers that a COCO file gives to images and classes; its results refer to them. */
export interface CocoIds {
  /** Path of an image in the table, by its id. */
  readonly images: ReadonlyMap<number | string, string>;
  /** Name of a class, by its id. */
  readonly categories: ReadonlyMap<number, string>;
}

/** A table of a COCO file, with its ids. */
export interface CocoTable extends LabelTable {
  readonly coco: CocoIds;
  /** What the file holds that a table does not. */
  readonly notes: readonly string[];
}

/**
 * Reads the JSON of COCO's object detection ("instances", Lin et al., 2014; cocodataset.org/#format-data): categories
 * with any ids become labels in the order of the ids, `bbox` is x, y, width, height in pixels. An image without
 * annotations is empty. Of a segmentation in run lengths, box and area are kept, and `notes` says so.
 */
export function parseCoco(text: string, options: ParseOptions & { readonly root?: string | undefined }): CocoTable {
  const { name } = options;
  const report = reporter(options.onProblem);
  const json = parseJson(text, name);
  if (!isRecord(json)) throw new Error(`${name}: not a COCO file: ${shown(json)}, expected an object with images`);
  const list = (key: string): readonly unknown[] => {
    const value = json[key];
    if (!Array.isArray(value)) throw new Error(`${name}: ${key} is ${shown(value)}, expected a list, as COCO has`);
    return value;
  };
  const categories = readCategories(list('categories'), name, report);
  const classes = options.classes ?? [...new Set(categories.values())];
  const images = readImages(list('images'), { name, report, root: options.root });
  const objects = new Map<string, LabelledObject[]>([...images.files.values()].map((file) => [file, []]));
  let runLengths = 0;
  list('annotations').forEach((entry, i) => {
    const source = sourceOf(name, 'annotations', i, entry);
    const found = readDetection(entry, source, { images: images.files, categories, classes, report });
    if (found === null) return;
    const { file, label, box, entry: fields } = found;
    const segmentation = readSegmentation(fields['segmentation'], source, report);
    if (segmentation === 'run lengths') runLengths++;
    const polygons = Array.isArray(segmentation) ? segmentation : [];
    const [, , width, height] = fields['bbox'] as [number, number, number, number];
    const area = fields['area'];
    if (area !== undefined && !(typeof area === 'number' && Number.isFinite(area) && area >= 0)) {
      return report('number', source, `area is ${shown(area)}, expected a number from 0`);
    }
    const score = readScore(fields['score'], source, report);
    if (score === null) return undefined;
    const crowd = fields['iscrowd'];
    if (crowd !== undefined && crowd !== 0 && crowd !== 1 && typeof crowd !== 'boolean') {
      return report('syntax', source, `iscrowd is ${shown(crowd)}, expected 0 or 1`);
    }
    objects.get(file)?.push({
      label,
      box,
      ...(score === undefined ? {} : { score }),
      ...(crowd === 1 || crowd === true ? { crowd: true } : {}),
      // Areas that are 0 or those of the box say nothing.
      ...(area !== undefined && area > 0 && Math.abs(area - width * height) > 1e-9 * area ? { area } : {}),
      ...(polygons.length === 0 ? {} : { polygons }),
      source,
    });
    return undefined;
  });
  return {
    classes,
    images: images.list.map((image) => ({ ...image, objects: objects.get(image.file)! })),
    coco: { images: images.files, categories },
    notes:
      runLengths === 0
        ? []
        : [`${name}: ${runLengths} objects have a segmentation in run lengths (RLE), of which box and area are kept`],
  };
}

/** What results are read against: the table of the truth, with the ids of its file where that is COCO's. */
export type ResultsTruth = LabelTable & { readonly coco?: CocoIds };

/**
 * Reads COCO's results: a JSON array of `{image_id, category_id, bbox, score}`. Ids are those of the truth's COCO file;
 * of a truth in another format they are the names of the files (with or without folders and ending) or positions from
 * 1, as `writeCocoResults` writes them. Images without detections are in the table, without objects.
 */
export function parseCocoResults(text: string, like: ResultsTruth, options: ParseOptions): LabelTable {
  const { name } = options;
  const report = reporter(options.onProblem);
  const json = parseJson(text, name);
  if (!Array.isArray(json)) {
    throw new Error(`${name}: not COCO results: ${shown(json)}, expected an array of {image_id, category_id, bbox}`);
  }
  const ids = idsOf(like);
  const classes = options.classes ?? like.classes;
  const objects = new Map<string, LabelledObject[]>(like.images.map(({ file }) => [file, []]));
  const images = new Map(ids.images);
  if (like.coco === undefined) {
    for (const { file } of like.images) {
      const base = file.slice(file.lastIndexOf('/') + 1);
      for (const id of [file, base, base.replace(/\.[^.]*$/, '')]) if (!images.has(id)) images.set(id, file);
    }
  }
  json.forEach((entry: unknown, i) => {
    const source = sourceOf(name, '', i, entry);
    const found = readDetection(entry, source, { images, categories: ids.categories, classes, report });
    if (found === null) return;
    const score = readScore(found.entry['score'] ?? null, source, report);
    if (score === null || score === undefined) return;
    objects.get(found.file)?.push({ label: found.label, box: found.box, score, source });
  });
  return {
    classes,
    images: like.images.map((image) => ({ ...image, objects: objects.get(image.file)! })),
  };
}

/** The text of a COCO file of a table. Ids are those of the file that it was read from, else positions from 1. */
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
 * The text of COCO results of a table of detections, with the ids of `like` (default: of the table itself). Throws an
 * Error for an object without a score, and for an image or a class that `like` lacks.
 */
export function writeCocoResults(table: LabelTable, like: ResultsTruth = table): string {
  const ids = invert(idsOf(like));
  const results = table.images.flatMap(({ file, objects }) =>
    objects.map(({ label, box: [x1, y1, x2, y2], score, source }) => {
      const name = table.classes[label]!;
      const [image, category] = [ids.images.get(file), ids.categories.get(name)];
      if (image === undefined) throw new Error(`writeLabels: the truth that gives the ids has no image ${file}`);
      if (category === undefined) throw new Error(`writeLabels: the truth that gives the ids has no class "${name}"`);
      if (score === undefined) {
        throw new Error(`writeLabels: ${source ?? file}: an object without a score, which each COCO result needs`);
      }
      return { image_id: image, category_id: category, bbox: [x1, y1, x2 - x1, y2 - y1], score };
    }),
  );
  return `${JSON.stringify(results)}\n`;
}

/** The ids of the file a table came from, or positions from 1 where it lacks some of them. */
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

function sourceOf(name: string, list: string, index: number, entry: unknown): string {
  const id = isRecord(entry) && entry['id'] !== undefined ? ` (id ${shown(entry['id'])})` : '';
  return `${name}: ${list}[${index}]${id}`;
}

/** Names by id, in the order of the ids. */
function readCategories(list: readonly unknown[], name: string, report: Report): Map<number, string> {
  const categories = new Map<number, string>();
  list.forEach((entry, i) => {
    const source = sourceOf(name, 'categories', i, entry);
    const [id, label] = isRecord(entry) ? [entry['id'], entry['name']] : [];
    if (typeof id !== 'number' || !Number.isInteger(id) || typeof label !== 'string' || label === '') {
      report('syntax', source, `${shown(entry)}, expected a class with an id (a whole number) and a name`);
    } else if (categories.has(id)) {
      report('class', source, `id ${id} is that of the class "${categories.get(id)}" already`);
    } else {
      if ([...categories.values()].includes(label)) report('class', source, `a second class of the name "${label}"`);
      categories.set(id, label);
    }
  });
  return new Map([...categories].sort(([a], [b]) => a - b));
}

function readImages(
  list: readonly unknown[],
  { name, report, root }: { name: string; report: Report; root: string | undefined },
): { files: Map<number | string, string>; list: Omit<LabelledImage, 'objects'>[] } {
  const files = new Map<number | string, string>();
  const images = new Map<string, Omit<LabelledImage, 'objects'>>();
  list.forEach((entry, i) => {
    const source = sourceOf(name, 'images', i, entry);
    const [id, given] = isRecord(entry) ? [entry['id'], entry['file_name']] : [];
    if (!isRecord(entry) || (typeof id !== 'number' && typeof id !== 'string') || typeof given !== 'string') {
      report('syntax', source, `${shown(entry)}, expected an image with an id and a file_name`);
      return;
    }
    const file = imagePath(given, source, report, root);
    if (file === null) return;
    if (files.has(id)) {
      report('image', source, `id ${shown(id)} of ${file} is that of ${files.get(id)} already`);
      return;
    }
    files.set(id, file);
    if (images.has(file)) {
      report('image', source, `a second entry of the image ${file}`);
      return;
    }
    const side = (key: string): number | null => imageSide(entry[key], key, source, report);
    images.set(file, { file, width: side('width'), height: side('height') });
  });
  return { files, list: [...images.values()] };
}

interface Known {
  readonly images: ReadonlyMap<number | string, string>;
  readonly categories: ReadonlyMap<number, string>;
  readonly classes: readonly string[];
  readonly report: Report;
}

/** Image, class and box of an annotation or a result; null where one of them was reported. */
function readDetection(
  entry: unknown,
  source: string,
  { images, categories, classes, report }: Known,
): { file: string; label: number; box: Box; entry: Readonly<Record<string, unknown>> } | null {
  if (!isRecord(entry)) {
    report('syntax', source, `${shown(entry)}, expected an object with image_id, category_id and bbox`);
    return null;
  }
  const [image, category, bbox] = [entry['image_id'], entry['category_id'], entry['bbox']];
  const file = images.get(image as number | string);
  if (file === undefined) {
    report('image', source, `image_id is ${shown(image)}, but there is no image of this id`);
    return null;
  }
  const name = categories.get(category as number);
  if (name === undefined) {
    report('class', source, `category_id is ${shown(category)}, expected one of ${[...categories.keys()].join(', ')}`);
    return null;
  }
  const label = classes.indexOf(name);
  if (label < 0) {
    report('class', source, `class "${name}" is none of ${classes.join(', ')}`);
    return null;
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((v) => typeof v === 'number' && Number.isFinite(v))) {
    report('number', source, `bbox is ${shown(bbox)}, expected four finite numbers: x, y, width, height`);
    return null;
  }
  const [x, y, width, height] = bbox as [number, number, number, number];
  if (!(width > 0 && height > 0)) {
    report('degenerate', source, `bbox is ${shown(bbox)}, expected x, y, width, height with width and height above 0`);
    return null;
  }
  const box: Box = [x, y, x + width, y + height];
  return checkBox(box, source, report) ? { file, label, box, entry } : null;
}

/** Undefined where there is none, null where it was reported. */
function readScore(value: unknown, source: string, report: Report): number | undefined | null {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  report('number', source, `score is ${shown(value)}, expected a number`);
  return null;
}

function readSegmentation(value: unknown, source: string, report: Report): Polygon[] | 'run lengths' | null {
  if (value === undefined || value === null) return null;
  if (isRecord(value) && value['counts'] !== undefined) return 'run lengths';
  const rings = Array.isArray(value) ? value : [value];
  const polygons: Polygon[] = [];
  for (const ring of rings as unknown[]) {
    const fits = Array.isArray(ring) && ring.length >= 6 && ring.length % 2 === 0;
    if (!fits || !ring.every((v) => typeof v === 'number' && Number.isFinite(v))) {
      report('number', source, `segmentation has ${shown(ring)}, expected x, y of at least three corners`);
      return null;
    }
    const points = Array.from({ length: ring.length / 2 }, (_, i): Point => [ring[2 * i], ring[2 * i + 1]]);
    if (ringArea(points) !== 0) polygons.push([openRing(points)]);
  }
  return polygons;
}
