import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkNumber } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { checkFolder, listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { parseCoco, parseCocoResults, type ResultsTruth } from '../coco.ts';
import { parseClassMapping, parseLabelCsv } from '../csv.ts';
import { parseCvat } from '../tools/cvat.ts';
import type { LabelFormat } from '../formats.ts';
import { parseLabelStudio } from '../tools/label-studio.ts';
import { LabelError, shown, type OnProblem } from '../problems.ts';
import { checkClasses, type ImagePaths } from '../table-builder.ts';
import type { LabelTable } from '../types.ts';
import { UniqueNames } from '../unique-names.ts';
import { parseVia } from '../tools/via.ts';
import { parseClassList } from '../yolo.ts';
import type { SplitName } from '../splits.ts';
import { findLabels } from './find-labels.ts';
import { findSplits } from './find-splits.ts';
import { firstWith, readText } from './label-files.ts';
import { readByPlace } from './read-by-place.ts';
import { readGeojson, readSpaceNetCsv } from './read-spacenet.ts';
import { readSplits } from './read-splits.ts';
import type { ReadLabels } from '../read-result.ts';
import { readDota, readLabelMe, readOpenImages } from './read-tools.ts';
import { readVoc } from './read-voc.ts';
import { readYolo } from './read-yolo.ts';

const OP = 'readLabels';

/** How labels are read. */
export interface ReadLabelsOptions {
  /** Default: detected from names and first lines. */
  readonly format?: LabelFormat;
  /**
   * Folder that the paths of the images are relative to; for a vector file also one georeferenced image. Default: searched
   * for near the labels.
   */
  readonly images?: string;
  /**
   * Names of the classes in the order of the labels, or the path of a file with a name on each line or, if it is a `.csv`,
   * `name,id`. Objects of other classes are a problem. Default: the classes of the labels, sorted unless they have an order.
   */
  readonly classes?: readonly string[] | string;
  /** The ground truth that detections refer to, for COCO's results and the image names of SpaceNet's proposals. */
  readonly like?: ResultsTruth;
  /**
   * A split of a data set that has splits: in YOLO's `data.yaml`, in Pascal VOC's `ImageSets/Main`, or in folders or label
   * files with the names train, valid (or val) and test. Default: the images of all splits.
   */
  readonly split?: SplitName;
  /**
   * The property of the features of a vector file, or the region attribute of VGG Image Annotator, that has the class, as
   * text or a number. Default: the first of label, class, category, class_name, class_id, category_id, type_id and species
   * that a feature has, in any case; without one it is a building. For VGG Image Annotator: the only attribute, or the first
   * of these and of name, type and object that any region has.
   */
  readonly classProperty?: string;
  /** Side of the square box around a point, in pixels. Default: points are left out and counted in `notes`. */
  readonly pointSize?: number;
  /** Name of a layer of a GeoPackage. Default: its only one. */
  readonly layer?: string;
  /** Receives every problem; invalid entries are skipped. Default: the first problem is thrown as a `LabelError`. */
  readonly onProblem?: OnProblem;
}

/**
 * Reads labels, ground truth or detections, from a file or a folder in any of the `labelFormats`. Only YOLO and Open
 * Images (sizes), DOTA (names) and vector files (georeferences) need the images. The first problem is thrown as a
 * `LabelError`, or all of them are passed to `onProblem`. Rejects with an `InputError` for files that cannot be read.
 */
export async function readLabels(path: string, options: ReadLabelsOptions = {}): Promise<ReadLabels> {
  const { onProblem } = options;
  const splits = await findSplits(path, options);
  const { format, path: found } = splits ?? (await findLabels(OP, path, options.format));
  if (splits === null && options.split !== undefined && format !== 'yolo') {
    throw new InputError(OP, `${path} has no splits, so that no split ${options.split} can be read`);
  }
  const isVector = format === 'geojson' || format === 'vector';
  if (options.images !== undefined && !(isVector && (await isFile(options.images)))) {
    await checkFolder(OP, options.images);
  }
  checkApplies('classProperty', options.classProperty, format, ['geojson', 'vector', 'via'], found);
  checkApplies('pointSize', options.pointSize, format, WITH_POINTS, found);
  checkApplies('layer', options.layer, format, ['vector'], found);
  if (options.pointSize !== undefined) checkNumber(OP, 'pointSize', options.pointSize, { above: 0, finite: true });
  const given = options.classes === undefined ? undefined : await readClasses(options.classes);
  if (given !== undefined) checkClasses(OP, given);
  const reading = { ...options, classes: given };
  try {
    if (splits !== null) {
      const alike = splits.sources.map((source) => source.path);
      const table = await readSplits(splits, {
        ...options,
        read: (source, images) => readFormat(format, source.path, { ...reading, images, alike, split: undefined }),
      });
      return { ...table, format, path: found };
    }
    return { notes: [], ...(await readFormat(format, found, reading)), format, path: found };
  } catch (error) {
    // The file as a whole is invalid.
    if (onProblem === undefined || !(error instanceof LabelError)) throw error;
    onProblem(error.problem);
    const imagesRoot = options.images ?? dirname(found);
    return { classes: given ?? [], images: [], imagesRoot, format, path: found, notes: [] };
  }
}

/** Formats with points. */
const WITH_POINTS: readonly LabelFormat[] = [
  'geojson',
  'vector',
  'via',
  'labelme',
  'cvat',
  'label-studio',
  'deepforest-geometry',
];

/** Throws a TypeError for an option that only other formats have. */
function checkApplies(
  name: string,
  value: unknown,
  format: LabelFormat,
  needed: readonly LabelFormat[],
  path: string,
): void {
  if (value === undefined || needed.includes(format)) return;
  const only = `only ${needed.join(', ')} ${needed.length === 1 ? 'has' : 'have'} this option`;
  throw new TypeError(`${OP}: ${name} is ${shown(value)}, but ${path} is ${format}: ${only}`);
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() === true;

type Given = Omit<ReadLabelsOptions, 'classes' | 'images' | 'split'> & {
  readonly classes: readonly string[] | undefined;
  readonly images?: string | undefined;
  readonly split?: SplitName | undefined;
  /** Paths of the labels of all splits. */
  readonly alike?: readonly string[];
};
type Read = LabelTable &
  Pick<ReadLabels, 'imagesRoot'> &
  Partial<Pick<ReadLabels, 'otherSplits' | 'splits' | 'notes' | 'coco'>>;

async function readFormat(format: LabelFormat, path: string, options: Given): Promise<Read> {
  const { classes, images, like, onProblem, classProperty, pointSize } = options;
  const root = images === undefined ? undefined : resolve(images);
  const parsing = { name: path, classes, onProblem, root, classProperty, pointSize };
  switch (format) {
    case 'coco':
    case 'csv':
    case 'deepforest':
    case 'deepforest-geometry':
    case 'keras-retinanet':
    case 'via':
    case 'cvat':
    case 'label-studio': {
      const text = await readText(path);
      const parse = PARSERS[format];
      const mapped = classes ?? (format === 'keras-retinanet' ? await findMapping(path) : undefined);
      const named = { ...parsing, classes: mapped };
      const table = await findByName((paths) => parse(text, { ...named, ...paths }), path, options);
      return { ...table, imagesRoot: images ?? (await guessRoot(path, table)) };
    }
    case 'coco-results': {
      if (like === undefined) {
        const reason = `${path} contains COCO results, whose image_id and category_id refer to a ground truth`;
        throw new InputError(OP, reason, { remedy: 'give that as', option: 'like' });
      }
      if ('format' in like && like.format === 'coco' && like.coco === undefined) {
        const reason =
          'the ground truth has several COCO files, each with ids of its own, one of which results refer to';
        throw new InputError(OP, reason, { remedy: 'give that file as', option: 'like' });
      }
      const root = 'imagesRoot' in like && typeof like.imagesRoot === 'string' ? like.imagesRoot : null;
      const imagesRoot = images ?? root ?? dirname(path);
      return { ...parseCocoResults(await readText(path), like, parsing), imagesRoot };
    }
    case 'voc':
      return readVoc(path, options);
    case 'yolo':
      return readYolo(path, options);
    case 'spacenet-csv':
      return readSpaceNetCsv(path, await readText(path), options);
    case 'geojson':
      return readGeojson(path, options);
    case 'labelme':
      return readLabelMe(path, options);
    case 'dota':
      return readDota(path, options);
    case 'openimages':
      return readOpenImages(path, options);
    case 'vector':
      return readByPlace(path, options);
  }
}

/** Parsers of formats with one file that has the paths of the images. */
const PARSERS = {
  coco: parseCoco,
  csv: parseLabelCsv,
  deepforest: parseLabelCsv,
  'deepforest-geometry': parseLabelCsv,
  'keras-retinanet': parseLabelCsv,
  via: parseVia,
  cvat: parseCvat,
  'label-studio': parseLabelStudio,
};

/** Parses labels. If paths in them lead out of the folder, its files are listed, and the labels parsed again with them. */
async function findByName<T extends LabelTable & { readonly notes?: readonly string[] }>(
  parse: (options: { readonly onProblem: OnProblem | undefined; readonly byName: ImagePaths['byName'] }) => T,
  path: string,
  { images, like, onProblem }: Given,
): Promise<T & { readonly notes: readonly string[] }> {
  let [isOutside, isFaulty] = [false, false];
  const table = parse({
    onProblem: () => (isFaulty = true),
    byName: () => void (isOutside = true),
  });
  if (!isFaulty) return { ...table, notes: table.notes ?? [] };
  const files = isOutside ? (like?.images.map(({ file }) => file) ?? (await imagesNear(images, path))) : [];
  const names = new UniqueNames(files);
  const found = parse({ onProblem, byName: names.find });
  return { ...found, notes: [...(found.notes ?? []), ...names.notes()] };
}

/**
 * The images in a folder; without one, in that of the labels or, if it has none, in the folder around it. Of that one only
 * `images/train` and its like: it can be anything, such as a home folder, also with parts that may not be read.
 */
async function imagesNear(images: string | undefined, path: string): Promise<string[]> {
  const within = async (folder: string, levels?: number): Promise<string[]> =>
    (await listFiles(folder, levels)).filter((file) => imageEnding.test(file));
  if (images !== undefined) return within(images);
  const beside = await within(dirname(path));
  return beside.length > 0 ? beside : within(dirname(dirname(resolve(path))), 2).catch(() => []);
}

/**
 * Names of classes in the order of their labels.
 *
 * @param given the names, or the path of a file with a name in each line, or of a class mapping of keras-retinanet (.csv)
 */
export async function readClasses(given: readonly string[] | string): Promise<readonly string[]> {
  if (typeof given !== 'string') return given;
  const text = await readText(given);
  return /\.csv$/i.test(given) ? parseClassMapping(text, given) : parseClassList(text, given);
}

/**
 * keras-retinanet's class mapping next to its annotations: `NAME-classes.csv` (see `writeLabels`), `classes.csv`, or
 * Roboflow's `_classes.csv`.
 */
async function findMapping(path: string): Promise<readonly string[] | undefined> {
  const beside = ['classes.csv', '_classes.csv'].map((name) => join(dirname(path), name));
  for (const file of [path.replace(/\.csv$/i, '-classes.csv'), ...beside]) {
    const found = file === path ? null : await stat(file).catch(() => null);
    if (found?.isFile() === true) return parseClassMapping(await readText(file), file);
  }
  return undefined;
}

/** The folder near a label file that contains its images, among those of common layouts. */
async function guessRoot(path: string, table: LabelTable): Promise<string> {
  const folder = dirname(path);
  const split = basename(path)
    .replace(/\.[^.]*$/, '')
    .replace(/^(instances|annotations|labels)_/, '');
  const around = ['', 'images', '..', '../images', split, `images/${split}`, `../${split}`, `../images/${split}`];
  return firstWith(
    around.map((name) => join(folder, name)),
    table,
  );
}
