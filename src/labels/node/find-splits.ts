import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { withoutExtension } from '../../common/file-names.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import type { LabelFormat } from '../formats.ts';
import { splitNames, splitOfPath, splitOfWord, splitWordIn, type SplitName } from '../splits.ts';
import type { Origin } from '../types.ts';
import { findLabels, listLabels, type FoundLabels } from './find-labels.ts';
import { readText } from './label-files.ts';
import { yoloSplits } from './read-yolo.ts';

const OP = 'readLabels';

/** Labels of one split, or of several (`split` is null). */
export interface SplitSource extends FoundLabels {
  readonly split: SplitName | null;
  /** Name of the folder of the images of this split below a folder of all images; null if unknown. */
  readonly folder: string | null;
}

/** A data set that is divided into splits, and whose labels are read split by split. */
export interface FoundSplits {
  readonly path: string;
  /** The splits that have labels. */
  readonly names: readonly SplitName[];
  /** What divides the data set, for messages. */
  readonly by: string;
  readonly format: LabelFormat;
  readonly sources: readonly SplitSource[];
  /** The splits that an image is in, by its path: one, or none, or val and test if they are the same. */
  readonly inSplits: (file: string) => readonly SplitName[];
  /** The images of each split by their names without extension, if there are lists of them. */
  readonly listed?: readonly ListedImage[];
}

/** A line in a list of the images of a split. */
interface ListedImage {
  readonly split: SplitName;
  readonly name: string;
  readonly origin: Origin;
}

/** How a data set is looked at. */
interface FindOptions {
  readonly format?: LabelFormat | undefined;
  /** Folder of the images, if it is not that of the labels. */
  readonly images?: string | undefined;
}

/**
 * The splits of a data set, in any format, and what divides it into them; null if it has none. A label file is read
 * whole, except for YOLO's `data.yaml`.
 */
export async function splitsOf(
  path: string,
  options: FindOptions = {},
): Promise<Pick<FoundSplits, 'names' | 'by'> | null> {
  const found = await findSplits(path, options);
  if (found !== null) return found;
  const names = options.format === undefined || options.format === 'yolo' ? await yoloSplits(path) : [];
  return names.length === 0 ? null : { names, by: 'data.yaml' };
}

/**
 * Finds the splits of a folder: the lists in Pascal VOC's `ImageSets/Main`; folders `train`, `valid` and `test`, each with
 * images and labels, or with the images of labels next to them; label files whose names have one of these words. Null for
 * other folders, and if a `data.yaml` has the splits, which `readYolo` reads.
 */
export async function findSplits(path: string, options: FindOptions = {}): Promise<FoundSplits | null> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() !== true) return null;
  const files = await listFiles(path);
  const fits = ({ format }: FoundLabels): boolean => options.format === undefined || format === options.format;
  const labels = (await listLabels(path, files)).filter(fits);
  if (labels.some((one) => one.format === 'yolo' && one.path !== path)) return null;
  return (
    (await listedSplits(path, files, labels)) ??
    (await folderSplits(path, files, options.format)) ??
    fileSplits(path, labels) ??
    (await imageSplits(path, options.images, labels))
  );
}

/** Pascal VOC's lists of images, a name on each line. Without train.txt, the images of trainval.txt are for training. */
async function listedSplits(
  path: string,
  files: readonly string[],
  labels: readonly FoundLabels[],
): Promise<FoundSplits | null> {
  const lists = files.filter((file) => /(^|\/)ImageSets\/Main\/(train|val|trainval|test)\.txt$/i.test(file));
  const voc = labels.find(({ format }) => format === 'voc');
  if (voc === undefined || lists.length === 0) return null;
  const bases = [...new Set(lists.map((file) => file.replace(/\/?ImageSets\/.*$/i, '')))];
  if (bases.length > 1) {
    const all = bases.map((base) => join(path, base)).join(', ');
    throw new InputError(OP, `${path} has several data sets with ImageSets/Main: ${all}: give one of them`);
  }
  const byName = new Map<string, readonly Omit<ListedImage, 'split'>[]>();
  for (const list of lists) {
    const name = list
      .replace(/^.*\//, '')
      .replace(/\.txt$/i, '')
      .toLowerCase();
    byName.set(name, await readList(join(path, list)));
  }
  const listed = splitNames.flatMap((split) => (byName.get(split) ?? []).map((line) => ({ split, ...line })));
  if (byName.get('train') === undefined) {
    const others = new Set(listed.map(({ name }) => name));
    const rest = (byName.get('trainval') ?? []).filter(({ name }) => !others.has(name));
    listed.unshift(...rest.map((line) => ({ split: 'train' as const, ...line })));
  }
  const names = splitNames.filter((name) => listed.some(({ split }) => split === name));
  if (names.length === 0) return null;
  const splits = new Map<string, SplitName[]>();
  for (const { name, split } of listed) splits.set(name, [...(splits.get(name) ?? []), split]);
  return {
    path,
    names,
    by: 'ImageSets/Main',
    format: 'voc',
    sources: [{ ...voc, split: null, folder: null }],
    inSplits: (file) => splits.get(listName(file, (name) => splits.has(name))) ?? [],
    listed,
  };
}

/** The name of an image in a list: its path or its file name, without extension. */
export function listName(file: string, isListed: (name: string) => boolean): string {
  const bare = withoutExtension(file.replace(/^(.*\/)?JPEGImages\//i, ''));
  return isListed(bare) ? bare : bare.slice(bare.lastIndexOf('/') + 1);
}

async function readList(file: string): Promise<Omit<ListedImage, 'split'>[]> {
  const lines = (await readText(file)).replace(/^\ufeff/, '').split(/\r?\n/);
  // The lists of a class have 1, 0 or -1 after the name.
  const names = lines.map((line) => line.trim().replace(/\s+(-1|0|1)$/, ''));
  return names.flatMap((name, i) => (name === '' ? [] : [{ name, origin: { file, line: i + 1 } }]));
}

/** Folders named for splits, at least two of them, with labels of their own. */
async function folderSplits(
  path: string,
  files: readonly string[],
  format: LabelFormat | undefined,
): Promise<FoundSplits | null> {
  const tops = new Set(files.filter((file) => file.includes('/')).map((file) => file.slice(0, file.indexOf('/'))));
  const folders = splitNames.flatMap((name) => [...tops].filter((folder) => splitOfWord(folder) === name));
  if (new Set(folders.map(splitOfWord)).size < 2) return null;
  const sources: SplitSource[] = [];
  for (const folder of folders) {
    const inside = files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1));
    const labels = await listLabels(join(path, folder), inside);
    if (!labels.some((one) => format === undefined || one.format === format)) continue;
    sources.push({ ...(await findLabels(OP, join(path, folder), format)), split: splitOfWord(folder), folder });
  }
  const around = await listLabels(
    path,
    files.filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`))),
  );
  // Labels in the folders and around them: the reader asks which are meant.
  if (sources.length === 0 || around.some((one) => format === undefined || one.format === format)) return null;
  return divided(path, `the folders ${folders.join(', ')}`, sources);
}

/** Label files with the name of a split, such as COCO's `instances_train2017.json`. */
function fileSplits(path: string, labels: readonly FoundLabels[]): FoundSplits | null {
  // COCO's data sets also have captions, key points and so on, for the same splits.
  const instances = labels.filter((labels) => /(^|[\\/])instances_[^\\/]*$/i.test(labels.path));
  const chosen = instances.length > 0 ? instances : labels;
  const sources = chosen.flatMap((one): SplitSource[] => {
    const word = splitWordIn(one.path.replaceAll('\\', '/'));
    return word === null ? [] : [{ ...one, split: splitOfWord(word), folder: word }];
  });
  const splits = new Set(sources.map(({ split }) => split));
  if (splits.size < 2 || splits.size < sources.length || sources.length < chosen.length) return null;
  return divided(path, sources.map((source) => source.path.replace(/^.*[\\/]/, '')).join(', '), sources);
}

/** One set of labels for images in folders named for splits. */
async function imageSplits(
  path: string,
  images: string | undefined,
  labels: readonly FoundLabels[],
): Promise<FoundSplits | null> {
  const [only, ...more] = labels;
  if (only === undefined || more.length > 0) return null;
  // In SpaceNet's trees, `images` is no path but the name of the folders of images.
  const files = (await listFiles(images ?? path).catch(() => [])).filter((file) => imageEnding.test(file));
  const names = splitNames.filter((name) => files.some((file) => splitOfPath(file) === name));
  if (names.length < 2) return null;
  return {
    path,
    names,
    by: `the folders of the images (${names.join(', ')})`,
    format: only.format,
    sources: [{ ...only, split: null, folder: null }],
    inSplits: inFolder,
  };
}

/** The split in whose folder an image is, as a list. */
const inFolder = (file: string): readonly SplitName[] => [splitOfPath(file)].filter((name) => name !== null);

/** A data set with labels for each split. */
function divided(path: string, by: string, sources: readonly SplitSource[]): FoundSplits {
  const [first] = sources;
  const other = sources.find(({ format }) => format !== first!.format);
  if (other !== undefined) {
    const found = `${first!.path} (${first!.format}), ${other.path} (${other.format})`;
    throw new InputError(OP, `the splits of ${path} have labels in different formats: ${found}`);
  }
  const names = splitNames.filter((name) => sources.some(({ split }) => split === name));
  return { path, names, by, format: first!.format, sources, inSplits: inFolder };
}
