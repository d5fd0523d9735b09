import { checkChoice, checkInteger } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { withoutExtension } from '../common/file-names.ts';
import type { Georeference } from '../imagery/raster.ts';
import { writeCoco, writeCocoResults, type ResultsTruth } from './coco.ts';
import { writeClassMapping, writeLabelCsv } from './csv.ts';
import { writableFormats, type WritableFormat } from './formats.ts';
import { writeGeojson } from './geojson.ts';
import { writeSpaceNetCsv } from './spacenet.ts';
import { placeKey } from './spacenet-names.ts';
import { checkClasses } from './table-builder.ts';
import type { LabelledImage, LabelledObject, LabelTable } from './types.ts';
import { writeVoc } from './voc.ts';
import { writeYolo, writeYoloData } from './yolo.ts';

const OP = 'writeLabels';

/** A file of labels, which is not written yet. */
export interface LabelText {
  /** With forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Options of `labelTexts`. */
export interface LabelTextsOptions {
  /**
   * Path of the file or, for `voc`, `yolo` and `geojson`, of the folder. Default: `instances.json`, `results.json`, `boxes.csv`,
   * `summary.csv`, the folder `Annotations` for `voc`, and the current folder for `yolo` and `geojson`.
   */
  readonly out?: string;
  /** For COCO results: the ground truth whose ids are written. Default: the table itself. */
  readonly like?: ResultsTruth;
  /** For GeoJSON: the place of an image on the map; null if it has none. */
  readonly placeOf?: (file: string) => Georeference | null;
}

const USUAL: Readonly<Record<WritableFormat, string>> = {
  coco: 'instances.json',
  'coco-results': 'results.json',
  csv: 'boxes.csv',
  deepforest: 'boxes.csv',
  'keras-retinanet': 'boxes.csv',
  'spacenet-csv': 'summary.csv',
  voc: 'Annotations',
  yolo: '',
  geojson: '',
};

/**
 * The files of a table in a format, as `writeLabels` writes them: one file, a file for each image (`voc`, `geojson`),
 * `data.yaml` and `labels/` (`yolo`), or two files (`keras-retinanet`: the second is `OUT-classes.csv`). What the format cannot
 * express is left out: see `unsupportedFields`.
 *
 * @throws RangeError for an invalid table, such as a label beyond the classes or a box without an area
 * @throws InputError if two images would have the same file, if `yolo` lacks the size of an image or `geojson` its place, and
 *   for COCO results without a score
 */
export function labelTexts(
  table: ResultsTruth,
  format: WritableFormat,
  options: LabelTextsOptions = {},
): readonly LabelText[] {
  checkChoice(OP, 'format', format, writableFormats);
  checkLabelTable(table);
  if ((format === 'yolo' || format === 'keras-retinanet') && table.classes.length === 0) {
    throw new RangeError(`${OP}: ${format} needs a list of classes, the table has none`);
  }
  const { out = USUAL[format], like, placeOf } = options;
  const { classes } = table;
  switch (format) {
    case 'coco':
      return [{ path: out, text: writeCoco(table) }];
    case 'coco-results':
      return [{ path: out, text: writeCocoResults(table, like) }];
    case 'csv':
    case 'deepforest':
      return [{ path: out, text: writeLabelCsv(table, format) }];
    case 'keras-retinanet':
      return [
        { path: out, text: writeLabelCsv(table, format) },
        { path: `${out.replace(/\.csv$/i, '')}-classes.csv`, text: writeClassMapping(classes) },
      ];
    case 'spacenet-csv':
      return [{ path: out, text: writeSpaceNetCsv(table, imageIds(table)) }];
    case 'voc':
      return perImage(table, out, '.xml', (image) => writeVoc(image, classes));
    case 'yolo':
      return [
        ...perImage(table, within(out, 'labels'), '.txt', yoloText),
        { path: within(out, 'data.yaml'), text: writeYoloData(classes) },
      ];
    case 'geojson':
      return perImage(table, out, '.geojson', (image) => geojsonText(image, classes, placeOf));
  }
}

const within = (folder: string, path: string): string =>
  folder === '' ? path : `${folder.replace(/(?<=.)[/\\]+$/, '')}/${path}`;

/** A file for each image, named like it. */
function perImage(
  { images }: LabelTable,
  folder: string,
  extension: string,
  textOf: (image: LabelledImage) => string,
): LabelText[] {
  const imageOf = new Map<string, string>();
  return images.map((image) => {
    const path = within(folder, `${withoutExtension(image.file)}${extension}`);
    const other = imageOf.get(path);
    if (other !== undefined) {
      throw new InputError(OP, `${other} and ${image.file} would both have their labels in ${path}: rename one`);
    }
    imageOf.set(path, image.file);
    return { path, text: textOf(image) };
  });
}

function yoloText(image: LabelledImage): string {
  const { file, width, height } = image;
  if (width === null || height === null) throw new InputError(OP, `YOLO needs the size of ${file}, which is not known`);
  return writeYolo(image, width, height);
}

function geojsonText(image: LabelledImage, classes: readonly string[], placeOf: LabelTextsOptions['placeOf']): string {
  const place = placeOf?.(image.file) ?? null;
  if (place === null || place.affine === null) {
    throw new InputError(OP, `${image.file} has no georeference, which GeoJSON needs: write another format`);
  }
  return writeGeojson(image, classes, place);
}

/** Maps the path of an image to its ImageId as SpaceNet forms it: the file name without the words for the kind of file. */
function imageIds(table: LabelTable): (file: string) => string {
  const fileOf = new Map<string, string>();
  const idOf = new Map<string, string>();
  for (const { file } of table.images) {
    const id = placeKey(/\.[^./]*$/.test(file) ? file : `${file}.`);
    const other = fileOf.get(id);
    if (other !== undefined) {
      throw new InputError(OP, `${other} and ${file} would both have the ImageId ${id}: rename one`);
    }
    fileOf.set(id, file);
    idOf.set(file, id);
  }
  return (file) => idOf.get(file)!;
}

/** Throws a RangeError that names what is wrong with a table. */
export function checkLabelTable({ classes, images }: LabelTable): void {
  checkClasses(OP, classes);
  const files = new Set<string>();
  for (const { file, objects } of images) {
    if (file === '' || files.has(file)) {
      throw new RangeError(`${OP}: two images are named "${file}", or one has no name`);
    }
    files.add(file);
    for (const object of objects) checkObject(file, object, classes.length);
  }
}

function checkObject(file: string, { label, box, score }: LabelledObject, classes: number): void {
  checkInteger(OP, `${file}: label`, label, { min: 0, max: classes - 1 });
  if (!box.every(Number.isFinite) || !(box[2] > box[0] && box[3] > box[1])) {
    throw new RangeError(`${OP}: ${file}: box ${box.join(', ')}, expected finite x2 > x1 and y2 > y1`);
  }
  if (score !== undefined && !Number.isFinite(score)) {
    throw new RangeError(`${OP}: ${file}: score is ${score}, expected a finite number`);
  }
}
