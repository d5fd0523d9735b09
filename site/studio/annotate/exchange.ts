// Labels from files and into files, by the library's readers and writers. Without a page, so that it runs in Node too.
import {
  isWritableFormat,
  parseClassList,
  parseCoco,
  parseCocoResults,
  parseLabelCsv,
  parseSpaceNetCsv,
  parseVoc,
  parseYolo,
  parseYoloData,
  unsupportedFields,
  writableFormats,
  writeCoco,
  writeCocoResults,
  writeLabelCsv,
  writeSpaceNetCsv,
  writeVoc,
  writeYolo,
  writeYoloData,
  type LabelledImage,
  type LabelledObject,
  type LabelProblem,
  type LabelTable,
  type WritableFormat,
} from 'retinagrad/data';
import { isAnnotated, type ImageLabels } from './model.ts';

/** A file's path and text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

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

const stem = (path: string): string => path.replace(/\.[^./]*$/, '');
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

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
        {
          path: 'classes.csv',
          text: table.classes
            .map(
              (name, i) => `"${name.replaceAll('"', '""')}",${i}
`,
            )
            .join(''),
        },
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
 * Reads label files (COCO, COCO results, CSV, SpaceNet CSV, Pascal VOC, YOLO) for the given images, which labels name by path or by
 * file name. Files of other kinds are listed in the notes. Throws a `LabelError` for a file that cannot be read at all.
 */
export function readLabelFiles(
  files: readonly TextFile[],
  images: readonly Pick<ImageLabels, 'id' | 'width' | 'height'>[],
  classes: readonly string[],
): ReadLabelFiles {
  const problems: LabelProblem[] = [];
  const tables = tablesOf(files, images, classes, (problem) => problems.push(problem));
  const all = [...classes];
  for (const table of tables) all.push(...table.classes.filter((name) => !all.includes(name)));
  const find = finder(images.map(({ id }) => id));
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
      `${files.map(({ path }) => path).join(', ')}: not a label file. Expected COCO .json, .csv, Pascal VOC .xml, or YOLO .txt with data.yaml.`,
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

/** Finds an image by its path, or by its file name or stem if only one has it. */
function finder(ids: readonly string[]): (path: string) => string | undefined {
  const known = new Set(ids);
  const only = (fits: (id: string) => boolean): string | undefined => {
    const found = ids.filter(fits);
    return found.length === 1 ? found[0] : undefined;
  };
  return (path) =>
    known.has(path)
      ? path
      : (only((id) => baseName(id) === baseName(path)) ?? only((id) => stem(baseName(id)) === baseName(path)));
}

type OnProblem = (problem: LabelProblem) => void;

function tablesOf(
  files: readonly TextFile[],
  images: readonly Pick<ImageLabels, 'id' | 'width' | 'height'>[],
  classes: readonly string[],
  onProblem: OnProblem,
): LabelTable[] {
  const ending = (pattern: RegExp): TextFile[] => files.filter(({ path }) => pattern.test(path));
  const byName = finder(images.map(({ id }) => id));
  const sized = images.map(({ id, width, height }) => ({ file: id, width, height, objects: [] }));
  const tables: LabelTable[] = [];
  for (const { path: name, text } of ending(/\.json$/i)) {
    const isResults = /^\ufeff?\s*\[/.test(text);
    tables.push(
      isResults
        ? parseCocoResults(text, { classes, images: sized }, { name, onProblem })
        : parseCoco(text, { name, onProblem, byName }),
    );
  }
  for (const { path: name, text } of ending(/\.csv$/i).filter(({ path }) => !CLASS_LIST.test(path))) {
    const isSpaceNet = /^[^\r\n]*PolygonWKT_Pix/.test(text);
    tables.push(
      isSpaceNet
        ? parseSpaceNetCsv(text, { name, onProblem, fileOf: (id) => byName(id) ?? id })
        : parseLabelCsv(text, { name, onProblem, byName }),
    );
  }
  const xml = ending(/\.xml$/i);
  // The folders of a zip are not those of the images: an image is found by its name.
  const documents = xml.map(({ path, text }) => ({ path: baseName(path), text }));
  if (xml.length > 0) tables.push(parseVoc(documents, { name: 'xml', onProblem, byName, findImage: byName }));
  const yolo = yoloTable(files, images, byName, onProblem);
  return yolo === null ? tables : [...tables, yolo];
}

/** Lists of classes: YOLO's, and that of keras-retinanet, whose rows name the classes themselves. */
const CLASS_LIST = /(?:^|\/)(?:classes|obj)\.(?:txt|names|csv)$/i;

/** YOLO's text, one file for each image, with the names of the classes in `data.yaml` or `classes.txt`. */
function yoloTable(
  files: readonly TextFile[],
  images: readonly Pick<ImageLabels, 'id' | 'width' | 'height'>[],
  find: (path: string) => string | undefined,
  onProblem: OnProblem,
): LabelTable | null {
  const labels = files.filter(({ path }) => /\.txt$/i.test(path) && !CLASS_LIST.test(path));
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
