// Labels of somebody's own files, in any of the formats that the library reads from text, for the images that are there: what the
// studio and the annotator read. Without a page, so that it runs in Node too.
import {
  labelFormatOf,
  parseClassList,
  parseCoco,
  parseCocoResults,
  parseCvat,
  parseDota,
  parseLabelCsv,
  parseLabelMe,
  parseLabelStudio,
  parseSpaceNetCsv,
  parseVia,
  parseVoc,
  parseYolo,
  parseYoloData,
  type LabelledImage,
  type LabelledObject,
  type LabelProblem,
  type Georeference,
  type InputError,
  type LabelTable,
} from 'retinagrad/data';
import { baseName, finder, stem, type TextFile } from './text-files.ts';

/** An image file, upright. */
export interface SizedFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** Its place on the map. Default: none. */
  readonly place?: Georeference;
}

/** Labels of one image. */
interface ReadImage {
  readonly file: string;
  /** With scores if they are detections. */
  readonly objects: readonly LabelledObject[];
  /** False if no label file names the image, which for YOLO means that it has no objects. */
  readonly isNamed: boolean;
}

/** Labels that were read. */
export interface OwnLabels {
  /** The classes that were known, followed by those that the files add. */
  readonly classes: readonly string[];
  /** The labelled images, in the order in which they were given. */
  readonly images: readonly ReadImage[];
  readonly problems: readonly LabelProblem[];
  /** What was left out or interpreted, a sentence each. */
  readonly notes: readonly string[];
  /** Names of the formats that were found; empty if there is no label file. */
  readonly format: string;
}

type Kind =
  | 'coco'
  | 'coco-results'
  | 'csv'
  | 'spacenet-csv'
  | 'via'
  | 'voc'
  | 'cvat'
  | 'labelme'
  | 'label-studio'
  | 'yolo'
  | 'dota'
  | 'geojson';

/** Whether a file may have labels, by its name. */
export const labelName = /\.(?:json|geojson|csv|xml|txt|ya?ml|names)$/i;

/** What is expected where there is no label file. */
export const expectedLabels =
  'expected COCO (.json), GeoJSON, CSV, Pascal VOC or CVAT (.xml), YOLO or DOTA (.txt), LabelMe, VGG Image Annotator or Label Studio (.json)';

/** Lists of classes: YOLO's, and that of keras-retinanet, whose rows name the classes themselves. */
const CLASS_LIST = /(?:^|[/_-])(?:classes\.(?:txt|csv)|obj\.names)$/i;

/** The reader of a file that the library does not recognise, which says what is wrong with it. */
const FALLBACKS: readonly (readonly [RegExp, Kind])[] = [
  [/\.json$/i, 'coco'],
  [/\.csv$/i, 'csv'],
  [/\.xml$/i, 'voc'],
  [/\.txt$/i, 'yolo'], // Its files have nothing of their own.
];

/** The kind of a label file; null for what is not one, or belongs to others. */
function kindOf({ path, text }: TextFile): Kind | null {
  if (CLASS_LIST.test(path) || /\.(?:ya?ml|names)$/i.test(path)) return null;
  const format = labelFormatOf(path, text) ?? '';
  if (Object.hasOwn(readers, format)) return format as Kind;
  return FALLBACKS.find(([name]) => name.test(path))?.[1] ?? null;
}

/**
 * Reads label files for images, which labels name by path or by file name. What is wrong with an entry is a problem that names
 * its place, and the entry is left out.
 *
 * @param known names of the classes that there are already
 * @throws LabelError for a file that cannot be read at all
 */
export async function readOwnLabels(
  files: readonly TextFile[],
  images: readonly SizedFile[],
  known: readonly string[] = [],
): Promise<OwnLabels> {
  const problems: LabelProblem[] = [];
  const notes: string[] = [];
  const byKind = new Map<Kind, TextFile[]>();
  for (const file of files) {
    const kind = kindOf(file);
    if (kind !== null) byKind.set(kind, [...(byKind.get(kind) ?? []), file]);
  }
  const find = finder(images.map(({ file }) => file));
  const reading: Reading = {
    images,
    find,
    known,
    others: files,
    notes,
    onProblem: (problem) => problems.push(problem),
  };
  const tables: LabelTable[] = [];
  for (const [kind, group] of byKind) tables.push(...(await readers[kind](group, reading)));
  for (const table of tables) if ('notes' in table) notes.push(...(table.notes as string[]));
  const { classes, images: found } = joined(tables, reading);
  // An image without a file has no objects, as YOLO has it; with other formats, nothing is known of it.
  const unnamed = byKind.has('yolo') ? images.filter(({ file }) => !found.has(file)) : [];
  if (unnamed.length > 0) {
    notes.push(`YOLO: ${unnamed.length} of ${images.length} images have no label file, and so no objects`);
  }
  for (const { file } of unnamed) found.set(file, []);
  const left = images.length - found.size;
  if (byKind.size > 0 && left > 0) notes.push(`${left} of ${images.length} images have no labels yet`);
  const missing = new Set(unnamed.map(({ file }) => file));
  return {
    classes,
    images: images.flatMap(({ file }) => {
      const objects = found.get(file);
      return objects === undefined ? [] : [{ file, objects, isNamed: !missing.has(file) }];
    }),
    problems,
    notes,
    format: [...byKind.keys()].join(', '),
  };
}

/** The problems of a reading for people: the first ones with their places, and how many more there are. */
export function problemTexts(problems: readonly LabelProblem[]): string[] {
  const texts = problems.slice(0, 5).map(({ origin, reason }) => `${origin}: ${reason}`);
  if (problems.length > texts.length) texts.push(`${problems.length - texts.length} more entries were left out`);
  return texts;
}

interface Reading {
  readonly images: readonly SizedFile[];
  readonly find: (path: string) => string | undefined;
  readonly known: readonly string[];
  readonly others: readonly TextFile[];
  readonly notes: string[];
  readonly onProblem: (problem: LabelProblem) => void;
}

type Reader = (files: readonly TextFile[], reading: Reading) => LabelTable[] | Promise<LabelTable[]>;

/** A reader of formats with one file for all images. */
const each =
  (parse: typeof parseCoco | typeof parseLabelCsv): Reader =>
  (files, { find, onProblem }) =>
    files.map(({ path, text }) => parse(text, { name: path, byName: find, onProblem }));

/** Finds the image of a document with a file for each image. */
const imageOf =
  ({ find }: Reading) =>
  (document: string, named = ''): string | { readonly problem: string } => {
    const path = named.replaceAll('\\', '/');
    return find(path) ?? find(stem(document)) ?? { problem: `there is no image ${path || stem(document)} here` };
  };

const readers: Readonly<Record<Kind, Reader>> = {
  coco: each(parseCoco),
  'coco-results': (files, reading) => files.map((file) => readResults(file, reading)),
  csv: each(parseLabelCsv),
  cvat: each(parseCvat),
  via: each(parseVia),
  'label-studio': each(parseLabelStudio),
  'spacenet-csv': (files, { find, onProblem }) =>
    files.map(({ path, text }) => parseSpaceNetCsv(text, { name: path, onProblem, fileOf: (id) => find(id) ?? id })),
  voc: (files, { find, onProblem }) => {
    const documents = files.map(({ path, text }) => ({ path: baseName(path), text }));
    return [parseVoc(documents, { name: 'Annotations', byName: find, findImage: find, onProblem })];
  },
  labelme: (files, reading) => [
    parseLabelMe(files, { name: 'LabelMe', findImage: imageOf(reading), onProblem: reading.onProblem }),
  ],
  dota: (files, reading) => [
    parseDota(files, {
      name: 'DOTA',
      findImage: (document) => imageOf(reading)(document),
      onProblem: reading.onProblem,
    }),
  ],
  yolo: (files, reading) => [readYolo(files, reading)],
  geojson: readGeojson,
};

/** COCO results, whose ids are those of a COCO file beside them, or the positions of the images and of the known classes. */
function readResults({ path: name, text }: TextFile, { images, known, others, find, onProblem }: Reading): LabelTable {
  const truth = others.find((file) => kindOf(file) === 'coco');
  const here = { classes: known, images: images.map((image) => ({ ...image, objects: [] })) };
  const like = truth === undefined ? here : parseCoco(truth.text, { name: truth.path, byName: find, onProblem });
  const { classes, images: all } = parseCocoResults(text, like, { name, onProblem });
  // Where nothing was detected, there may be objects.
  return { classes, images: all.filter(({ objects }) => objects.length > 0) };
}

/** YOLO's text, a file for each image. */
function readYolo(files: readonly TextFile[], { images, find, others, notes, onProblem }: Reading): LabelTable {
  const classes = yoloClasses(files, others, notes);
  const sizes = new Map(images.map((image) => [image.file, image]));
  const read = files.map(({ path: name, text }): LabelledImage => {
    const image = sizes.get(find(stem(name)) ?? '');
    if (image === undefined) return { file: name, width: null, height: null, objects: [] };
    const { width, height } = image;
    return { ...image, objects: parseYolo(text, { name, classes: classes.length, width, height, onProblem }) };
  });
  return { classes, images: read };
}

/** The names of the classes, in `data.yaml`, `classes.txt` or `obj.names`; otherwise `class 0` and so on. */
function yoloClasses(files: readonly TextFile[], others: readonly TextFile[], notes: string[]): readonly string[] {
  const yaml = others.find(({ path }) => /\.ya?ml$/i.test(path));
  if (yaml !== undefined) return parseYoloData(yaml.text, yaml.path).names;
  const list = others.find(({ path }) => (CLASS_LIST.test(path) && !/\.csv$/i.test(path)) || /\.names$/i.test(path));
  if (list !== undefined) return parseClassList(list.text, list.path);
  notes.push('YOLO: no data.yaml or classes.txt names the classes, which have their numbers: rename them');
  const highest = Math.max(0, ...files.map(({ text }) => highestLabel(text)));
  return Array.from({ length: highest + 1 }, (_, i) => `class ${i}`);
}

const highestLabel = (text: string): number =>
  Math.max(0, ...text.split(/\r?\n/).map((line) => Number.parseInt(line, 10) || 0));

/** GeoJSON, placed on the image of the same name or, without one, on all images. */
async function readGeojson(files: readonly TextFile[], { images, find, onProblem }: Reading): Promise<LabelTable[]> {
  // Loaded when it is needed, with the package that converts coordinates.
  const { placeGeojson } = await import('retinagrad/geo');
  const nowhere = { affine: null, epsg: null, geographic: null };
  const tables: LabelTable[] = [];
  for (const { path: name, text } of files) {
    const own = find(stem(name));
    const on = images.filter(({ file }) => own === undefined || file === own);
    const placed = on.map(({ file, width, height, place }) => ({ ...(place ?? nowhere), file, width, height }));
    tables.push(
      await placeGeojson(text, placed, { name, onProblem }).catch((error: unknown) => {
        const { name: kind, message, reason } = error as InputError;
        // The option that the library names is not there in a page.
        throw kind === 'InputError' ? new Error(`${reason}: ${GEOJSON_NEEDS}`) : new Error(message);
      }),
    );
  }
  return tables;
}

const GEOJSON_NEEDS =
  'GeoJSON has coordinates on the map, and needs GeoTIFF images of the same place that say their coordinate system';

/** The objects of all tables for the images that are there, with the classes by their names. */
function joined(tables: readonly LabelTable[], { find, known, onProblem }: Reading) {
  const classes = [...new Set([...known, ...tables.flatMap((table) => table.classes)])];
  const images = new Map<string, readonly LabelledObject[]>();
  for (const table of tables) {
    for (const { file: named, objects } of table.images) {
      const file = find(named);
      if (file === undefined) {
        const origin = objects[0]?.origin ?? named;
        onProblem({ kind: 'image', file: named, origin, reason: `there is no image ${named} here` });
        continue;
      }
      const own = objects.map(({ origin: _origin, ...object }) => ({
        ...object,
        label: classes.indexOf(table.classes[object.label]!),
      }));
      images.set(file, [...(images.get(file) ?? []), ...own]);
    }
  }
  return { classes, images };
}

/** Number of images with boxes: others are not annotated yet, or known to have no objects. */
export const countBoxed = (images: readonly { readonly objects: readonly unknown[] | null }[]): number =>
  images.filter(({ objects }) => objects !== null && objects.length > 0).length;
