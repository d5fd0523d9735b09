// Labels of somebody's own files, in any of the formats that the library reads from text, for the images that are there. Without a
// page, so that it runs in Node too.
import {
  labelFormatOf,
  parseClassList,
  parseCoco,
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
  type LabelProblem,
  type LabelTable,
} from 'retinagrad/data';
import { baseName, finder, stem, type TextFile } from './text-files.ts';

/** An image file, upright. */
export interface SizedFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/** Labels that were read. */
export interface OwnLabels {
  /** The labelled images, with their sizes. */
  readonly table: LabelTable;
  readonly problems: readonly LabelProblem[];
  /** What was left out or interpreted, a sentence each. */
  readonly notes: readonly string[];
  /** Names of the formats that were found. */
  readonly format: string;
}

type Kind = 'coco' | 'csv' | 'spacenet-csv' | 'via' | 'voc' | 'cvat' | 'labelme' | 'label-studio' | 'yolo' | 'dota';

/** Lists of classes of YOLO. */
const CLASS_LIST = /(?:^|\/)(?:classes\.txt|obj\.names)$/i;

/** Whether a file may have labels, by its name. */
export const labelName = /\.(?:json|csv|xml|txt|ya?ml|names)$/i;

/** The reader of a file that the library does not recognise, which says what is wrong with it. */
const FALLBACKS: readonly (readonly [RegExp, Kind])[] = [
  [/\.json$/i, 'coco'],
  [/\.csv$/i, 'csv'],
  [/\.xml$/i, 'voc'],
  [/\.txt$/i, 'yolo'], // Its files have nothing of their own.
];

/** The kind of a label file; null for what is not one, or belongs to others. */
function kindOf({ path, text }: TextFile): Kind | null {
  if (CLASS_LIST.test(path) || /\.ya?ml$/i.test(path)) return null;
  const format = labelFormatOf(path, text) ?? '';
  if (Object.hasOwn(readers, format)) return format as Kind;
  return FALLBACKS.find(([name]) => name.test(path))?.[1] ?? null;
}

/**
 * Reads label files for images, which labels name by path or by file name. What is wrong with an entry is a problem that names
 * its place, and the entry is left out.
 *
 * @throws Error if there is no label file
 */
export function readOwnLabels(files: readonly TextFile[], images: readonly SizedFile[]): OwnLabels {
  const problems: LabelProblem[] = [];
  const notes: string[] = [];
  const find = finder(images.map(({ file }) => file));
  const byKind = new Map<Kind, TextFile[]>();
  for (const file of files) {
    const kind = kindOf(file);
    if (kind !== null) byKind.set(kind, [...(byKind.get(kind) ?? []), file]);
  }
  if (byKind.size === 0) {
    throw new Error(
      'there is no label file among these files: expected COCO (.json), CSV, Pascal VOC or CVAT (.xml), YOLO or DOTA (.txt), ' +
        'LabelMe, VGG Image Annotator or Label Studio (.json)',
    );
  }
  const reading: Reading = { images, find, others: files, onProblem: (problem) => problems.push(problem) };
  const tables = [...byKind].flatMap(([kind, group]) => readers[kind](group, reading));
  for (const table of tables) if ('notes' in table) notes.push(...(table.notes as string[]));
  const table = joined(tables, reading);
  const left = images.length - table.images.length;
  if (left > 0) notes.push(`${left} of ${images.length} images have no labels and are left out`);
  return { table, problems, notes, format: [...byKind.keys()].join(', ') };
}

interface Reading {
  readonly images: readonly SizedFile[];
  readonly find: (path: string) => string | undefined;
  readonly others: readonly TextFile[];
  readonly onProblem: (problem: LabelProblem) => void;
}

type Reader = (files: readonly TextFile[], reading: Reading) => LabelTable[];

/** A reader of formats with one file for all images. */
const each =
  (parse: typeof parseCoco | typeof parseLabelCsv): Reader =>
  (files, { find, onProblem }) =>
    files.map(({ path, text }) => parse(text, { name: path, byName: find, onProblem }));

/** Finds the image of a document with a file for each image. */
const imageOf =
  ({ find }: Reading) =>
  (document: string, named = ''): string | { readonly problem: string } =>
    find(named) ?? find(stem(document)) ?? { problem: `there is no image ${named || stem(document)} among the files` };

const readers: Readonly<Record<Kind, Reader>> = {
  coco: each(parseCoco),
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
};

/** YOLO's text, a file for each image. An image without a file is empty. */
function readYolo(files: readonly TextFile[], { images, find, others, onProblem }: Reading): LabelTable {
  const yaml = others.find(({ path }) => /\.ya?ml$/i.test(path));
  const list = others.find(({ path }) => CLASS_LIST.test(path));
  if (yaml === undefined && list === undefined) {
    throw new Error(
      `${files[0]!.path} is YOLO's text, whose classes have numbers: add data.yaml or classes.txt with their names`,
    );
  }
  const classes =
    yaml === undefined ? parseClassList(list!.text, list!.path) : parseYoloData(yaml.text, yaml.path).names;
  const textOf = new Map(files.map((file) => [find(stem(file.path)), file]));
  const read = images.map(({ file, width, height }): LabelledImage => {
    const found = textOf.get(file);
    const options = { name: found?.path ?? file, classes: classes.length, width, height, onProblem };
    return { file, width, height, objects: found === undefined ? [] : parseYolo(found.text, options) };
  });
  return { classes, images: read };
}

/** One table of all, with the classes by their names, for the images that are there. */
function joined(tables: readonly LabelTable[], { images, find, onProblem }: Reading): LabelTable {
  const classes = [...new Set(tables.flatMap((table) => table.classes))];
  const sizes = new Map(images.map((image) => [image.file, image]));
  const found = new Map<string, LabelledImage>();
  for (const table of tables) {
    for (const { file: named, objects } of table.images) {
      const file = find(named);
      if (file === undefined) {
        const reason = `there is no image ${named} among the files`;
        onProblem({ kind: 'image', file: named, origin: objects[0]?.origin ?? named, reason });
        continue;
      }
      const { width, height } = sizes.get(file)!;
      const own = objects.map((object) => ({ ...object, label: classes.indexOf(table.classes[object.label]!) }));
      found.set(file, { file, width, height, objects: [...(found.get(file)?.objects ?? []), ...own] });
    }
  }
  return { classes, images: images.flatMap(({ file }) => found.get(file) ?? []) };
}
