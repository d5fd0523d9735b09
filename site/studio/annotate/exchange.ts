// Labels from files and into files, by the library's readers and writers. Without a page, so that it runs in Node too.
import {
  isWritableFormat,
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
  unsupportedFields,
  writableFormats,
  writeClassMapping,
  writeCoco,
  writeCocoResults,
  writeLabelCsv,
  writeSpaceNetCsv,
  writeVoc,
  writeYolo,
  writeYoloData,
  type LabelFormat,
  type LabelledImage,
  type LabelledObject,
  type LabelProblem,
  type LabelTable,
  type WritableFormat,
} from 'retinagrad/data';
import { baseName, finder, stem, type TextFile } from '../text-files.ts';
import { isAnnotated, type ImageLabels } from './model.ts';

/** Formats that images without a place on the map can be written in: GeoJSON has coordinates on the map. */
export const exportFormats = writableFormats.filter((format) => format !== 'geojson');
export type ExportFormat = Exclude<WritableFormat, 'geojson'>;

export const formatNames: Readonly<Record<ExportFormat, string>> = {
  coco: 'COCO',
  'coco-results': 'COCO results (scores)',
  voc: 'Pascal VOC',
  yolo: 'YOLO',
  csv: 'CSV',
  'keras-retinanet': 'keras-retinanet CSV',
  deepforest: 'DeepForest CSV',
  'spacenet-csv': 'SpaceNet CSV',
};

/** The annotated images as a table: those without boxes are known to have no objects, the others are left out. */
export function tableOfImages(images: readonly ImageLabels[], classes: readonly string[]): LabelTable {
  return {
    classes,
    images: images
      .filter(isAnnotated)
      .map(({ id, width, height, boxes }) => ({ file: id, width, height, objects: boxes })),
  };
}

/** The files of a table in a format, and what the format cannot express. Throws a RangeError if it cannot be written. */
export function writeLabelFiles(
  table: LabelTable,
  format: ExportFormat,
): { readonly files: readonly TextFile[]; readonly notes: readonly string[] } {
  if (!isWritableFormat(format)) throw new RangeError(`${String(format)} cannot be written`);
  // Detections of our own making, all certain: COCO's results have no objects without a score.
  const scored = format === 'coco-results' ? withScores(table) : table;
  const notes = unsupportedFields(scored, format).map(({ message }) => message);
  return { files: textsOf(scored, format), notes };
}

function textsOf(table: LabelTable, format: ExportFormat): TextFile[] {
  switch (format) {
    case 'coco':
      return [{ path: 'instances.json', text: writeCoco(table) }];
    case 'coco-results':
      return [{ path: 'results.json', text: writeCocoResults(table) }];
    case 'csv':
    case 'deepforest':
      return [{ path: 'boxes.csv', text: writeLabelCsv(table, format) }];
    case 'keras-retinanet':
      return [
        { path: 'boxes.csv', text: writeLabelCsv(table, format) },
        { path: 'classes.csv', text: writeClassMapping(table.classes) },
      ];
    case 'spacenet-csv':
      return [{ path: 'summary.csv', text: writeSpaceNetCsv(table, stem) }];
    case 'voc':
      return table.images.map((image) => ({
        path: `Annotations/${stem(image.file)}.xml`,
        text: writeVoc(image, table.classes),
      }));
    case 'yolo': {
      const labels = table.images.map((image) => ({
        path: `labels/${stem(image.file)}.txt`,
        text: writeYolo(image, image.width!, image.height!),
      }));
      return [{ path: 'data.yaml', text: writeYoloData(table.classes) }, ...labels];
    }
  }
}

function withScores({ classes, images }: LabelTable): LabelTable {
  const scored = (image: LabelledImage): LabelledImage => ({
    ...image,
    objects: image.objects.map((object) => ({ score: 1, ...object })),
  });
  return { classes, images: images.map(scored) };
}

/** Labels that were read, for the images that are there. */
export interface ReadLabelFiles {
  /** Classes of the annotator, followed by new ones of the file. */
  readonly classes: readonly string[];
  readonly images: readonly { readonly id: string; readonly objects: readonly LabelledObject[] }[];
  /** What was not read, and why; one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Reads label files of all formats without map coordinates (except Open Images, whose classes are in another file) for the given
 * images, which labels name by path or by file name. What cannot be read is listed in the notes. Throws a `LabelError` for a file
 * that cannot be read at all.
 */
export function readLabelFiles(
  files: readonly TextFile[],
  images: readonly Pick<ImageLabels, 'id' | 'width' | 'height'>[],
  classes: readonly string[],
): ReadLabelFiles {
  const problems: LabelProblem[] = [];
  const find = finder(images.map(({ id }) => id));
  const tables = tablesOf(files, { images, find, classes, onProblem: (problem) => problems.push(problem) });
  const all = [...classes];
  for (const table of tables) all.push(...table.classes.filter((name) => !all.includes(name)));
  const objects = new Map<string, LabelledObject[]>();
  const unknown: string[] = [];
  for (const table of tables) {
    for (const image of table.images) {
      const id = find(image.file);
      if (id === undefined) unknown.push(image.file);
      else
        objects.set(id, [...(objects.get(id) ?? []), ...image.objects.map((object) => renumber(object, table, all))]);
    }
  }
  const notes = problems.slice(0, 3).map(({ origin, reason }) => `${origin}: ${reason}`);
  if (problems.length > 3) notes.push(`${problems.length - 3} more entries were skipped.`);
  if (unknown.length > 0) {
    const others = unknown.length > 1 ? ` and ${unknown.length - 1} others` : '';
    notes.push(`There is no image ${unknown[0]}${others} here: add the images first.`);
  }
  if (tables.length === 0) {
    notes.push(
      `${files.map(({ path }) => path).join(', ')}: not a label file that is read here. Expected COCO, CSV, Pascal VOC, YOLO with data.yaml, VIA, LabelMe, CVAT, Label Studio or DOTA.`,
    );
  }
  return { classes: all, images: [...objects].map(([id, list]) => ({ id, objects: list })), notes };
}

/** An object with the label that its class has among `classes`. */
function renumber(
  { origin: _origin, ...object }: LabelledObject,
  table: LabelTable,
  classes: readonly string[],
): LabelledObject {
  return { ...object, label: classes.indexOf(table.classes[object.label]!) };
}

/** Images that labels are read for. */
interface Target {
  readonly images: readonly Pick<ImageLabels, 'id' | 'width' | 'height'>[];
  readonly find: (path: string) => string | undefined;
  readonly classes: readonly string[];
  readonly onProblem: (problem: LabelProblem) => void;
}

function tablesOf(files: readonly TextFile[], target: Target): LabelTable[] {
  const labels = files.filter(({ path }) => !CLASS_LIST.test(path));
  const formats = new Map(labels.map((file) => [file, labelFormatOf(file.path, file.text)]));
  const of = (format: LabelFormat): TextFile[] => labels.filter((file) => formats.get(file) === format);
  const tables = labels.flatMap((file) => {
    const table = tableOfFile(file, formats.get(file)!, target);
    return table === null ? [] : [table];
  });
  // Formats with a file for each image. The folders of a zip are not those of the images, which are found by their names.
  const { find, onProblem } = target;
  const findImage = (path: string): string | { readonly problem: string } =>
    find(path) ?? find(stem(path)) ?? { problem: 'there is no image of this name' };
  const named = (format: LabelFormat): TextFile[] =>
    of(format).map(({ path, text }) => ({ path: baseName(path), text }));
  const options = { name: 'labels', onProblem };
  if (of('voc').length > 0) tables.push(parseVoc(named('voc'), { ...options, byName: find, findImage: find }));
  if (of('dota').length > 0) tables.push(parseDota(named('dota'), { ...options, findImage }));
  if (of('labelme').length > 0) {
    const findNamed = (path: string, name: string) => findImage(name === '' ? path : name.replaceAll('\\', '/'));
    tables.push(parseLabelMe(named('labelme'), { ...options, findImage: findNamed }));
  }
  const yolo = yoloTable(
    files,
    labels.filter((file) => /\.txt$/i.test(file.path) && formats.get(file) === null),
    target,
  );
  return yolo === null ? tables : [...tables, yolo];
}

/** The labels of a file for all images; null if it is not of such a format. */
function tableOfFile({ path: name, text }: TextFile, format: LabelFormat | null, target: Target): LabelTable | null {
  const { classes, images, find, onProblem } = target;
  const options = { name, onProblem, byName: find };
  switch (format) {
    case 'coco':
      return parseCoco(text, options);
    case 'coco-results': {
      const sized = images.map(({ id, width, height }) => ({ file: id, width, height, objects: [] }));
      return parseCocoResults(text, { classes, images: sized }, { name, onProblem });
    }
    case 'csv':
    case 'deepforest':
    case 'deepforest-geometry':
    case 'keras-retinanet':
      return parseLabelCsv(text, options);
    case 'spacenet-csv':
      return parseSpaceNetCsv(text, { name, onProblem, fileOf: (id) => find(id) ?? id });
    case 'via':
      return parseVia(text, options);
    case 'cvat':
      return parseCvat(text, options);
    case 'label-studio':
      return parseLabelStudio(text, options);
    default:
      // What begins like JSON and is not of any format may be damaged: its reader says where.
      return format === null && /\.json$/i.test(name) ? parseCoco(text, options) : null;
  }
}

/** Lists of classes: YOLO's, and that of keras-retinanet, whose rows name the classes themselves. */
const CLASS_LIST = /(?:^|\/)(?:classes|obj)\.(?:txt|names|csv)$/i;

/** YOLO's text, one file for each image, with the names of the classes in `data.yaml` or `classes.txt`. */
function yoloTable(
  files: readonly TextFile[],
  labels: readonly TextFile[],
  { images, find, onProblem }: Target,
): LabelTable | null {
  if (labels.length === 0) return null;
  const yaml = files.find(({ path }) => /\.ya?ml$/i.test(path));
  const list = files.find(({ path }) => CLASS_LIST.test(path) && !/\.csv$/i.test(path));
  const given = yaml ? parseYoloData(yaml.text, yaml.path).names : list ? parseClassList(list.text, list.path) : null;
  const names =
    given ??
    Array.from({ length: 1 + Math.max(...labels.map(({ text }) => highestLabel(text))) }, (_, i) => `class ${i}`);
  const read = labels.map(({ path, text }): LabelledImage => {
    const image = images.find(({ id }) => id === find(stem(path)));
    if (image === undefined) return { file: path, width: null, height: null, objects: [] };
    const { id: file, width, height } = image;
    return {
      file,
      width,
      height,
      objects: parseYolo(text, { name: path, classes: names.length, width, height, onProblem }),
    };
  });
  return { classes: names, images: read };
}

const highestLabel = (text: string): number =>
  Math.max(0, ...text.split(/\r?\n/).map((line) => Number.parseInt(line, 10) || 0));
