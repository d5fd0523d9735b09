import { join } from 'node:path';
import { writeCoco, writeCocoResults, type ResultsTruth } from '../coco.ts';
import { writeClassMapping, writeLabelCsv } from '../csv.ts';
import type { LabelFormat } from '../formats.ts';
import { lossesOf, type LabelLoss } from '../unsupported-fields.ts';
import { checkClasses } from '../table-builder.ts';
import type { LabelledImage, LabelTable } from '../types.ts';
import { writeSpaceNetCsv } from '../spacenet.ts';
import { writeVoc } from '../voc.ts';
import { writeYolo, writeYoloData } from '../yolo.ts';
import { imageSizeOf } from '../../imagery/node/image-size.ts';
import { readLabels, type ReadLabels, type ReadLabelsOptions } from './read-labels.ts';
import { writeGeojson } from './read-spacenet.ts';
import { placeKey } from './spacenet-layout.ts';
import { writeWhole } from './write-atomically.ts';
import { reasonOf } from '../../common/check.ts';

/** How labels are written. */
export interface WriteLabelsOptions {
  /** Whether files that exist are replaced. Default false: they are an error. */
  readonly overwrite?: boolean;
  /** Folder of the images: YOLO needs their sizes where the table has none, GeoJSON their georeferences. */
  readonly images?: string;
  /** Of COCO results: the truth whose ids are written. Default: the table itself. */
  readonly like?: ResultsTruth;
}

/** What was written, and what was not. */
export interface WrittenLabels {
  readonly files: readonly string[];
  /** What the table has and the format cannot express. */
  readonly losses: readonly LabelLoss[];
}

/**
 * Writes a table in a format, whole or not at all. `out` is a file, but a folder for `voc` (an XML for each image),
 * `yolo` (`data.yaml` and `labels/`; the images belong into `images/`) and `geojson`; keras-retinanet has a second file,
 * `OUT-classes.csv`. Nothing that exists is overwritten unless `overwrite` is true. What the format cannot express is
 * listed in `losses`. Throws a RangeError for a table that does not make sense.
 */
export async function writeLabels(
  table: ResultsTruth,
  out: string,
  format: LabelFormat,
  options: WriteLabelsOptions = {},
): Promise<WrittenLabels> {
  checkTable(table);
  const files = await filesOf(table, out, format, options);
  await writeWhole(files, options.overwrite === true);
  return { files: [...files.keys()], losses: lossesOf(table, format) };
}

/** How labels are taken from one format to another. */
export interface ConvertLabelsOptions extends Omit<ReadLabelsOptions, 'format'> {
  /** Format of the input. Default: found by names and first lines. */
  readonly from?: LabelFormat;
  readonly to: LabelFormat;
  readonly overwrite?: boolean;
}

/** Outcome of `convertLabels`. */
export interface ConvertedLabels extends WrittenLabels {
  readonly from: LabelFormat;
  readonly to: LabelFormat;
  readonly images: number;
  readonly objects: number;
  readonly classes: readonly string[];
  /** What reading left out. */
  readonly notes: readonly string[];
}

/** Reads labels and writes them in another format; what that cannot express is in `losses`. */
export async function convertLabels(
  input: string,
  out: string,
  { from, to, overwrite = false, ...reading }: ConvertLabelsOptions,
): Promise<ConvertedLabels> {
  const table: ReadLabels = await readLabels(input, { ...reading, ...(from === undefined ? {} : { format: from }) });
  const written = await writeLabels(table, out, to, {
    overwrite,
    images: table.imagesRoot,
    ...(reading.like === undefined ? {} : { like: reading.like }),
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

async function filesOf(
  table: ResultsTruth,
  out: string,
  format: LabelFormat,
  { images, like }: WriteLabelsOptions,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const sources = new Map<string, string>();
  const add = (image: LabelledImage, path: string, text: string): void => {
    const other = sources.get(path);
    if (other !== undefined) {
      throw new Error(`writeLabels: ${other} and ${image.file} would both have their labels in ${path}: rename one`);
    }
    sources.set(path, image.file);
    files.set(path, text);
  };
  if ((format === 'yolo' || format === 'keras-retinanet') && table.classes.length === 0) {
    throw new RangeError(`writeLabels: ${format} needs a list of classes, the table has none`);
  }
  const bare = ({ file }: LabelledImage): string => file.replace(/\.[^./]*$/, '');
  switch (format) {
    case 'coco':
      return files.set(out, writeCoco(table));
    case 'coco-results':
      return files.set(out, writeCocoResults(table, like));
    case 'csv':
    case 'deepforest':
      return files.set(out, writeLabelCsv(table, format));
    case 'keras-retinanet':
      files.set(out, writeLabelCsv(table, format));
      return files.set(`${out.replace(/\.csv$/i, '')}-classes.csv`, writeClassMapping(table.classes));
    case 'spacenet-csv':
      return files.set(out, writeSpaceNetCsv(table, imageIds(table)));
    case 'voc':
      for (const image of table.images) add(image, join(out, `${bare(image)}.xml`), writeVoc(image, table.classes));
      return files;
    case 'yolo':
      for (const image of table.images) {
        const { width, height } = await sizeOf(image, images);
        add(image, join(out, 'labels', `${bare(image)}.txt`), writeYolo(image, width, height));
      }
      return files.set(join(out, 'data.yaml'), writeYoloData(table.classes));
    case 'geojson':
      if (images === undefined) {
        throw new Error('writeLabels: GeoJSON needs the georeferences of the images: give their folder as `images`');
      }
      for (const image of table.images) {
        add(image, join(out, `${bare(image)}.geojson`), await writeGeojson(image, table.classes, images));
      }
      return files;
  }
}

/** SpaceNet's names of images: that of the file, without the words for what it holds. */
function imageIds(table: LabelTable): (file: string) => string {
  const ids = new Map<string, string>();
  for (const { file } of table.images) {
    const id = placeKey(/\.[^./]*$/.test(file) ? file : `${file}.`);
    const other = ids.get(id);
    if (other !== undefined)
      throw new Error(`writeLabels: ${other} and ${file} would both have the ImageId ${id}: rename one`);
    ids.set(id, file);
  }
  const back = new Map([...ids].map(([id, file]) => [file, id]));
  return (file) => back.get(file)!;
}

async function sizeOf(image: LabelledImage, root: string | undefined): Promise<{ width: number; height: number }> {
  const { file, width, height } = image;
  if (width !== null && height !== null) return { width, height };
  const remedy = 'give the folder of the images as `images`';
  if (root === undefined) throw new Error(`writeLabels: YOLO needs the size of ${file}, which is not known: ${remedy}`);
  try {
    return await imageSizeOf(join(root, file));
  } catch (error) {
    throw new Error(`writeLabels: YOLO needs the size of ${file}: ${reasonOf(error)}: ${remedy}`, { cause: error });
  }
}

function checkTable({ classes, images }: LabelTable): void {
  checkClasses('writeLabels', classes);
  const files = new Set<string>();
  for (const { file, objects } of images) {
    if (file === '' || files.has(file))
      throw new RangeError(`writeLabels: two images are named "${file}", or one has no name`);
    files.add(file);
    for (const { label, box, score } of objects) {
      if (!Number.isInteger(label) || label < 0 || label >= classes.length) {
        throw new RangeError(`writeLabels: ${file}: label ${label}, expected 0 to ${classes.length - 1}`);
      }
      if (!box.every(Number.isFinite) || !(box[2] > box[0] && box[3] > box[1])) {
        throw new RangeError(`writeLabels: ${file}: box ${box.join(', ')}, expected finite x2 > x1 and y2 > y1`);
      }
      if (score !== undefined && !Number.isFinite(score)) {
        throw new RangeError(`writeLabels: ${file}: score ${score}, expected a finite number`);
      }
    }
  }
}
