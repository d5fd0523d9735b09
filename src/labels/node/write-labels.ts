import { join } from 'node:path';
import { checkChoice, checkInteger, defined, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { writeTexts } from '../../common/node/write-atomically.ts';
import { listFiles, withoutExtension } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import { writeCoco, writeCocoResults, type ResultsTruth } from '../coco.ts';
import { writeClassMapping, writeLabelCsv } from '../csv.ts';
import { writableFormats, type LabelFormat, type WritableFormat } from '../formats.ts';
import { writeSpaceNetCsv } from '../spacenet.ts';
import { checkClasses } from '../table-builder.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../types.ts';
import { unsupportedFields, type UnsupportedField } from '../unsupported-fields.ts';
import { writeVoc } from '../voc.ts';
import { writeYolo, writeYoloData } from '../yolo.ts';
import type { ReadLabels } from '../read-result.ts';
import { readLabels, type ReadLabelsOptions } from './read-labels.ts';
import { writeGeojson } from './read-spacenet.ts';
import { placeKey } from './spacenet-layout.ts';

const OP = 'writeLabels';
const IMAGES_REMEDY = { remedy: 'give the folder of the images with', option: 'images' };

/** How labels are written. */
export interface WriteLabelsOptions {
  /** Whether existing files are replaced. Default false: they are an error. */
  readonly overwrite?: boolean;
  /** Folder of the images. YOLO needs their sizes unless the table has them, GeoJSON their georeferences. */
  readonly images?: string;
  /** For COCO results: the ground truth whose ids are written. Default: the table itself. */
  readonly like?: ResultsTruth;
  /**
   * Called with an image that GeoJSON cannot be written for (no georeference, no such file), which is then left out.
   * Default: the error is thrown, as it always is if no image is left.
   */
  readonly onUnwritable?: (file: string, error: InputError) => void;
}

export interface WrittenLabels {
  /** Paths of the files written. */
  readonly files: readonly string[];
  /** What the table contains and the format cannot express. */
  readonly unsupported: readonly UnsupportedField[];
}

/**
 * Writes a table in a format: all files or none. `out` is a file, or a folder for `voc` (an XML file for each image),
 * `yolo` (`data.yaml` and `labels/`; the images belong into `images/`) and `geojson`. keras-retinanet has a second file,
 * `OUT-classes.csv`. Existing files are kept unless `overwrite` is true. What the format cannot express is listed in
 * `unsupported`. Rejects with a RangeError for an invalid table or a format that is only read, and with an `InputError` if
 * it cannot be written.
 */
export async function writeLabels(
  table: ResultsTruth,
  out: string,
  format: WritableFormat,
  options: WriteLabelsOptions = {},
): Promise<WrittenLabels> {
  checkChoice(OP, 'format', format, writableFormats);
  checkTable(table);
  const files = await filesOf(table, out, format, options);
  await writeTexts(OP, files, options.overwrite === true);
  return { files: [...files.keys()], unsupported: unsupportedFields(table, format) };
}

/** How labels are converted. */
export interface ConvertLabelsOptions extends Omit<ReadLabelsOptions, 'format'> {
  /** Format of the input. Default: detected from names and first lines. */
  readonly from?: LabelFormat;
  readonly to: WritableFormat;
  readonly overwrite?: boolean;
  /** See `WriteLabelsOptions.onUnwritable`. */
  readonly onUnwritable?: (file: string, error: InputError) => void;
}

export interface ConvertedLabels extends WrittenLabels {
  readonly from: LabelFormat;
  readonly to: WritableFormat;
  /** Number of images. */
  readonly images: number;
  /** Number of objects. */
  readonly objects: number;
  readonly classes: readonly string[];
  /** Contents of the input that were not read, one sentence each. */
  readonly notes: readonly string[];
}

/** Reads labels and writes them in another format; `unsupported` lists what that cannot express. */
export async function convertLabels(
  input: string,
  out: string,
  { from, to, overwrite = false, onUnwritable, ...readOptions }: ConvertLabelsOptions,
): Promise<ConvertedLabels> {
  checkChoice('convertLabels', 'to', to, writableFormats);
  const table: ReadLabels = await readLabels(input, {
    ...readOptions,
    ...(from === undefined ? {} : { format: from }),
  });
  const written = await writeLabels(table, out, to, {
    overwrite,
    images: table.imagesRoot,
    ...defined({ like: readOptions.like, onUnwritable }),
  });
  return {
    ...written,
    from: table.format,
    to,
    images: table.images.length,
    objects: table.images.reduce((sum, { objects }) => sum + objects.length, 0),
    classes: table.classes,
    notes: table.notes,
  };
}

/** The files of a format with one file per image. */
interface OutputFiles {
  /** Text of each file, by its path. */
  readonly texts: Map<string, string>;
  /** Adds the file of one image. Throws an `InputError` if another image has the same one. */
  readonly add: (image: LabelledImage, path: string, text: string) => void;
}

function outputFiles(): OutputFiles {
  const texts = new Map<string, string>();
  const imageOf = new Map<string, string>();
  return {
    texts,
    add(image, path, text) {
      const other = imageOf.get(path);
      if (other !== undefined) {
        throw new InputError(OP, `${other} and ${image.file} would both have their labels in ${path}: rename one`);
      }
      imageOf.set(path, image.file);
      texts.set(path, text);
    },
  };
}

async function filesOf(
  table: ResultsTruth,
  out: string,
  format: WritableFormat,
  { images, like, onUnwritable }: WriteLabelsOptions,
): Promise<Map<string, string>> {
  if ((format === 'yolo' || format === 'keras-retinanet') && table.classes.length === 0) {
    throw new RangeError(`${OP}: ${format} needs a list of classes, the table has none`);
  }
  switch (format) {
    case 'coco':
      return new Map([[out, writeCoco(table)]]);
    case 'coco-results':
      return new Map([[out, writeCocoResults(table, like)]]);
    case 'csv':
    case 'deepforest':
      return new Map([[out, writeLabelCsv(table, format)]]);
    case 'keras-retinanet':
      return new Map([
        [out, writeLabelCsv(table, format)],
        [`${out.replace(/\.csv$/i, '')}-classes.csv`, writeClassMapping(table.classes)],
      ]);
    case 'spacenet-csv':
      return new Map([[out, writeSpaceNetCsv(table, imageIds(table))]]);
    case 'voc':
      return vocFiles(table, out);
    case 'yolo':
      return yoloFiles(table, out, images);
    case 'geojson':
      return geojsonFiles(table, out, images, onUnwritable);
  }
}

function vocFiles(table: LabelTable, out: string): Map<string, string> {
  const { texts, add } = outputFiles();
  for (const image of table.images) {
    add(image, join(out, `${withoutExtension(image.file)}.xml`), writeVoc(image, table.classes));
  }
  return texts;
}

async function yoloFiles(table: LabelTable, out: string, root: string | undefined): Promise<Map<string, string>> {
  const { texts, add } = outputFiles();
  const pathOf = root === undefined ? null : await imageFinder(table, root);
  for (const image of table.images) {
    const { width, height } = await sizeOf(image, pathOf);
    add(image, join(out, 'labels', `${withoutExtension(image.file)}.txt`), writeYolo(image, width, height));
  }
  return texts.set(join(out, 'data.yaml'), writeYoloData(table.classes));
}

async function geojsonFiles(
  table: LabelTable,
  out: string,
  root: string | undefined,
  onUnwritable: WriteLabelsOptions['onUnwritable'],
): Promise<Map<string, string>> {
  if (root === undefined) {
    throw new InputError(OP, 'GeoJSON needs the georeferences of the images', IMAGES_REMEDY);
  }
  const { texts, add } = outputFiles();
  const pathOf = await imageFinder(table, root);
  const unwritable: { readonly file: string; readonly error: InputError }[] = [];
  for (const image of table.images) {
    const { file } = image;
    try {
      const text = await writeGeojson(image, table.classes, pathOf(file));
      add(image, join(out, `${withoutExtension(file)}.geojson`), text);
    } catch (error) {
      if (!(error instanceof InputError) || onUnwritable === undefined) throw error;
      unwritable.push({ file, error });
    }
  }
  const [first] = unwritable;
  if (texts.size === 0 && first !== undefined) throw first.error;
  for (const { file, error } of unwritable) onUnwritable?.(file, error);
  return texts;
}

/**
 * Finds the files of a table's images in a folder. Paths of the table may start further out or further in than that
 * folder, as those of `predict` do: `a/x.tif` is also `x.tif` in the folder `a`, or `project/a/x.tif`. The result throws an
 * `InputError` if there is no such file, or if there are several, or if several images would have the same.
 */
async function imageFinder({ images }: LabelTable, root: string): Promise<(file: string) => string> {
  const files = (await listFiles(root)).filter((file) => imageEnding.test(file));
  const known = new Set(files);
  const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
  const byName = new Map<string, string[]>();
  for (const file of files) byName.set(nameOf(file), [...(byName.get(nameOf(file)) ?? []), file]);
  const candidatesOf = (file: string): readonly string[] => {
    if (known.has(file)) return [file];
    const alike = byName.get(nameOf(file)) ?? [];
    const further = alike.filter((other) => other.endsWith(`/${file}`));
    if (further.length > 0) return further;
    // Each is the end of the next: the longest agrees in most folders.
    const ends = alike.filter((other) => file.endsWith(`/${other}`)).sort((a, b) => b.length - a.length);
    return ends.slice(0, 1);
  };
  const users = new Map<string, string[]>();
  for (const { file } of images) {
    for (const found of candidatesOf(file)) users.set(found, [...(users.get(found) ?? []), file]);
  }
  return (file) => {
    const [found, ...more] = candidatesOf(file);
    if (found === undefined) throw new InputError(OP, `there is no image ${file} in ${root}`, IMAGES_REMEDY);
    const [several, same] = [[found, ...more], users.get(found)!];
    const reason =
      more.length > 0
        ? `${file} may be each of ${several.join(', ')} in ${root}`
        : `${same.join(' and ')} would both be ${found} in ${root}`;
    if (more.length > 0 || same.length > 1) throw new InputError(OP, reason, IMAGES_REMEDY);
    return join(root, found);
  };
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

async function sizeOf(
  { file, width, height }: LabelledImage,
  pathOf: ((file: string) => string) | null,
): Promise<{ width: number; height: number }> {
  if (width !== null && height !== null) return { width, height };
  const reason = `YOLO needs the size of ${file}`;
  if (pathOf === null) throw new InputError(OP, `${reason}, which is not known`, IMAGES_REMEDY);
  try {
    return await imageSizeOf(pathOf(file));
  } catch (error) {
    const cause = error instanceof InputError ? error.reason : reasonOf(error);
    throw new InputError(OP, `${reason}: ${cause}`, { ...IMAGES_REMEDY, cause: error });
  }
}

function checkTable({ classes, images }: LabelTable): void {
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
