import { join } from 'node:path';
import { checkChoice, defined, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { writeTexts } from '../../common/node/write-atomically.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import type { Georeference } from '../../imagery/raster.ts';
import type { ResultsTruth } from '../coco.ts';
import { writableFormats, type LabelFormat, type WritableFormat } from '../formats.ts';
import { checkLabelTable, labelTexts, type LabelText } from '../label-texts.ts';
import type { ReadLabels } from '../read-result.ts';
import type { LabelledImage, LabelTable } from '../types.ts';
import { unsupportedFields, type UnsupportedField } from '../unsupported-fields.ts';
import { readLabels, type ReadLabelsOptions } from './read-labels.ts';

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
  checkLabelTable(table);
  const files = await filesOf(table, out, format, options);
  await writeTexts(OP, new Map(files.map(({ path, text }) => [path, text])), options.overwrite === true);
  return { files: files.map(({ path }) => path), unsupported: unsupportedFields(table, format) };
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

async function filesOf(
  table: ResultsTruth,
  out: string,
  format: WritableFormat,
  { images, like, onUnwritable }: WriteLabelsOptions,
): Promise<readonly LabelText[]> {
  if (format === 'yolo') return labelTexts(await withSizes(table, images), format, { out });
  if (format !== 'geojson') return labelTexts(table, format, { out, ...defined({ like }) });
  if (images === undefined) {
    throw new InputError(OP, 'GeoJSON needs the georeferences of the images', IMAGES_REMEDY);
  }
  const { placeOf, unwritable } = await placesOf(table, images, onUnwritable !== undefined);
  const written = new Set(unwritable.map(({ file }) => file));
  const [first] = unwritable;
  if (first !== undefined && written.size === table.images.length) throw first.error;
  const placed = { ...table, images: table.images.filter(({ file }) => !written.has(file)) };
  const texts = labelTexts(placed, format, { out, placeOf });
  for (const { file, error } of unwritable) onUnwritable?.(file, error);
  return texts;
}

/** The table with the sizes of its images, read from their files where it has none. */
async function withSizes(table: LabelTable, root: string | undefined): Promise<LabelTable> {
  const pathOf = root === undefined ? null : await imageFinder(table, root);
  const images: LabelledImage[] = [];
  for (const image of table.images) images.push({ ...image, ...(await sizeOf(image, pathOf)) });
  return { ...table, images };
}

/** Images without a place on the map, with what is wrong with them. */
type Unwritable = readonly { readonly file: string; readonly error: InputError }[];

/** The places of the images on the map. Rejects for the first without one unless `isCollected`. */
async function placesOf(
  table: LabelTable,
  root: string,
  isCollected: boolean,
): Promise<{ readonly placeOf: (file: string) => Georeference; readonly unwritable: Unwritable }> {
  const pathOf = await imageFinder(table, root);
  const places = new Map<string, Georeference>();
  const unwritable: { readonly file: string; readonly error: InputError }[] = [];
  for (const { file } of table.images) {
    try {
      places.set(file, await placeOnMap(pathOf(file)));
    } catch (error) {
      if (!(error instanceof InputError) || !isCollected) throw error;
      unwritable.push({ file, error });
    }
  }
  return { placeOf: (file) => places.get(file)!, unwritable };
}

async function placeOnMap(path: string): Promise<Georeference> {
  const image = await openTiff(path).catch((error: unknown) => {
    throw new InputError(OP, `GeoJSON needs images with a georeference (GeoTIFF): ${reasonOf(error)}`, {
      cause: error,
    });
  });
  if (image.affine !== null) return image;
  throw new InputError(OP, `${path} has no georeference, which GeoJSON needs: write another format`);
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
