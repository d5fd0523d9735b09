import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { stem } from '../../common/file-names.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf, type ImageSize } from '../../imagery/node/image-size.ts';
import { originText, reporter, type OnProblem, type Report } from '../problems.ts';
import { unknownClass } from '../table-builder.ts';
import { readText } from './label-files.ts';
import { splitNames, type SplitImages, type SplitName } from '../splits.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../types.ts';
import { parseClassList, parseYoloData, readYoloLines } from '../yolo.ts';

const OP = 'readLabels';
const CLASS_FILES = ['classes.txt', 'obj.names', 'labels/classes.txt', 'labels/obj.names', '_darknet.labels'];

/**
 * The splits of a YOLO data set that can be kept apart: those of its `data.yaml`, without val and test if their images are
 * those of train. None if that leaves only train, without a `data.yaml`, or with an invalid one, about which its reader
 * complains.
 */
export async function yoloSplits(path: string): Promise<SplitName[]> {
  const found = await stat(path).catch(() => null);
  const yaml = found?.isDirectory() === true || /\.ya?ml$/i.test(path) ? await findYaml(path).catch(() => null) : null;
  if (yaml === null) return [];
  let data;
  try {
    data = parseYoloData(await readText(yaml), yaml);
  } catch {
    return [];
  }
  // A split that does not exist is named by the reader, if it is asked for.
  const placesOf = async (name: SplitName): Promise<string> => {
    const entries = data.splits[name] ?? [];
    const places = entries.map(async (entry) => {
      const found = await resolveSplit([dirname(yaml)], data.path, entry).catch(() => null);
      return found ?? entry;
    });
    return (await Promise.all(places)).join('\n');
  };
  const train = await placesOf('train');
  const places = await Promise.all(splitNames.map(async (name) => ({ name, own: await placesOf(name) })));
  const apart = places.filter(({ name, own }) => own !== '' && (name === 'train' || own !== train));
  return apart.some(({ name }) => name !== 'train') ? apart.map(({ name }) => name) : [];
}

/** How a YOLO data set is read. */
export interface YoloOptions {
  /** Folder of the images. */
  readonly images?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly split?: SplitName | undefined;
  readonly onProblem?: OnProblem | undefined;
}

/**
 * Reads labels in YOLO's text: from a `data.yaml`, from a folder that has one, or from a bare folder of images with their
 * labels next to them or in a folder `labels` next to `images`. An image without a label file is empty.
 */
export async function readYolo(
  path: string,
  options: YoloOptions,
): Promise<LabelTable & { imagesRoot: string; otherSplits: readonly string[]; splits: SplitImages }> {
  const { onProblem } = options;
  const report = reporter(onProblem);
  const yaml = await findYaml(path);
  const base = yaml === null ? path : dirname(yaml);
  const data = yaml === null ? null : parseYoloData(await readText(yaml), yaml);
  // A folder of one split has the class names of the data set around it.
  const names =
    data?.names ??
    (await readClassFile(base, options.classes !== undefined)) ??
    options.classes ??
    (await readUsualClassFile(dirname(resolve(base))));
  if (names === undefined) {
    const reason = `${base} has no data.yaml with names, no classes.txt and no *.names`;
    throw new InputError(OP, reason, { remedy: 'give', option: 'classes' });
  }
  const folders = await imageFolders(base, data, options);
  const root = options.images ?? folders.root;
  const pathIn = (image: string): string => relative(root, image).split(sep).join('/');
  const classes = options.classes ?? names;
  const images: LabelledImage[] = [];
  const used = new Set<string>();
  for (const image of folders.images) {
    const file = pathIn(image);
    const labels = await labelFileOf(image, options.images === undefined ? null : { base, file });
    if (labels !== null) used.add(resolve(labels));
    const size = await sizeOf(image, report);
    if (size === null) continue;
    const text = labels === null ? '' : await readText(labels);
    const lines = readYoloLines(text, { name: labels ?? image, classes: names.length, ...size, onProblem });
    const objects = lines.flatMap(({ object, origin }): LabelledObject[] => {
      const name = names[object.label]!;
      const label = classes.indexOf(name);
      if (label >= 0) return [{ ...object, label, origin: originText(origin) }];
      report('class', origin, unknownClass(name, classes));
      return [];
    });
    images.push({ file, ...size, objects });
  }
  for (const labels of await labelFiles(base, folders.labels)) {
    if (!used.has(resolve(labels))) report('image', { file: labels }, `there is no image ${stem(labels)} in ${root}`);
  }
  const splits = splitImages(folders, await yoloSplits(path), pathIn);
  const train = new Set(splits.train);
  for (const name of ['val', 'test'] as const) {
    const both = (splits[name] ?? []).find((file) => train.has(file));
    if (both !== undefined) report('image', { file: yaml ?? path }, `image ${both} is in train and in ${name}`);
  }
  return { classes, images, imagesRoot: root, otherSplits: folders.others.map(pathIn), splits };
}

/** The images of each of the splits `names`, as paths in the folder of the images. */
const splitImages = (
  { splits }: Folders,
  names: readonly SplitName[],
  pathIn: (image: string) => string,
): SplitImages =>
  Object.fromEntries(names.flatMap((name) => (splits.has(name) ? [[name, splits.get(name)!.map(pathIn)]] : [])));

async function sizeOf(image: string, report: Report): Promise<ImageSize | null> {
  try {
    return await imageSizeOf(image);
  } catch (error) {
    return report('image', { file: image }, error instanceof InputError ? error.reason : reasonOf(error));
  }
}

/** Path of the labels of an image among known files: in `labels` instead of `images`, or next to it; null if absent. */
export function yoloLabelPath(image: string, known: { has(file: string): boolean }): string | null {
  const text = image.replace(/\.[^./]*$/, '.txt');
  const at = `/${text}`.lastIndexOf('/images/');
  const inLabels = at < 0 ? null : `${text.slice(0, at)}labels/${text.slice(at + 7)}`;
  return inLabels !== null && known.has(inLabels) ? inLabels : known.has(text) ? text : null;
}

async function findYaml(path: string): Promise<string | null> {
  if ((await stat(path)).isFile()) return path;
  for (const file of await listFiles(path)) {
    if (!/^[^/]*\.ya?ml$/i.test(file)) continue;
    const full = join(path, file);
    if (/^\s*["']?names["']?\s*:/m.test(await readText(full))) return full;
  }
  return null;
}

/** The names in a class file, otherwise in the only `*.names` of darknet; several of them are an error unless `isGiven`. */
async function readClassFile(base: string, isGiven: boolean): Promise<string[] | undefined> {
  const usual = await readUsualClassFile(base);
  if (usual !== undefined) return usual;
  const lists = (await listFiles(base)).filter((file) => /\.names$/i.test(file));
  const [list] = lists;
  if (list === undefined) return undefined;
  if (lists.length === 1) return parseClassList(await readText(join(base, list)), join(base, list));
  if (isGiven) return undefined;
  const reason = `${base} has several lists of classes: ${lists.join(', ')}`;
  throw new InputError(OP, reason, { remedy: 'give', option: 'classes' });
}

/** The names in a class file that has one of the usual names. */
async function readUsualClassFile(base: string): Promise<string[] | undefined> {
  for (const file of CLASS_FILES) {
    const found = await stat(join(base, file)).catch(() => null);
    if (found?.isFile() === true) return parseClassList(await readText(join(base, file)), join(base, file));
  }
  return undefined;
}

interface Folders {
  /** The folder that contains all images. */
  readonly root: string;
  readonly images: readonly string[];
  /** Images of the splits that are not asked for. */
  readonly others: readonly string[];
  /** Images of each split, whether asked for or not. */
  readonly splits: ReadonlyMap<string, readonly string[]>;
  /** Whether the labels of all splits or of one are read: in the latter case there are label files of others. */
  readonly labels: 'all' | 'split';
}

async function imageFolders(
  base: string,
  data: ReturnType<typeof parseYoloData> | null,
  { images, split }: YoloOptions,
): Promise<Folders> {
  const splits = data?.splits ?? {};
  if (split !== undefined && splits[split] === undefined) {
    const known = Object.keys(splits).join(', ') || 'none';
    throw new InputError(OP, `${base}: no split ${split} in its data.yaml, only ${known}`);
  }
  if (images !== undefined && split === undefined) {
    return { root: images, images: await imagesIn(images), others: [], splits: new Map(), labels: 'all' };
  }
  const entries = Object.entries(splits).flatMap(([name, list]) => list.map((entry) => ({ name, entry })));
  if (entries.length === 0) {
    const inside = join(base, 'images');
    const root = (await isFolder(inside)) ? inside : base;
    return { root, images: await imagesIn(root), others: [], splits: new Map(), labels: 'all' };
  }
  const roots: [string, ...string[]] = images === undefined ? [base] : [base, images];
  const found: { name: string; files: string[] }[] = [];
  for (const { name, entry } of entries) {
    const path = await resolveSplit(roots, data?.path ?? null, entry);
    if (path !== null) found.push({ name, files: await filesOf(path, roots) });
    // Only the requested split must exist.
    else if (split === undefined || name === split) {
      throw new InputError(OP, `${base}: ${name} is ${entry}, which does not exist there`, {
        remedy: 'correct data.yaml, choose another split, or give the folder of the images with',
        option: 'images',
      });
    }
  }
  const members = new Map<string, string[]>();
  for (const { name, files } of found) members.set(name, [...(members.get(name) ?? []), ...files]);
  const all = found.flatMap(({ files }) => files);
  const chosen = new Set(
    found.filter(({ name }) => split === undefined || name === split).flatMap(({ files }) => files),
  );
  return {
    root: images ?? commonFolder(all, base),
    images: [...chosen].sort(),
    others: all.filter((file) => !chosen.has(file)),
    splits: members,
    labels: split === undefined ? 'all' : 'split',
  };
}

/**
 * The path of a split: relative to `path` for Ultralytics, with one `../` too many from Roboflow. Null if it does not exist.
 * A data set of somebody else must not show files that are not part of it: rejects if it lies outside of `roots`, the folders
 * of the data set.
 */
async function resolveSplit(
  roots: readonly [string, ...string[]],
  path: string | null,
  entry: string,
): Promise<string | null> {
  const [base] = roots;
  const inner = entry.replace(/^(\.\.\/)+/, '');
  const places = (path === null ? [base] : [resolve(base, path), base]).flatMap((from) =>
    [entry, inner].map((name) => (isAbsolute(name) ? name : join(from, name))),
  );
  const found: string[] = [];
  for (const place of places) if ((await stat(place).catch(() => null)) !== null) found.push(place);
  // Without `path`, Roboflow's `../` is one too many also where there is such a folder outside.
  const first = (path === null ? found.find((place) => isInside(roots, place)) : undefined) ?? found[0];
  if (first !== undefined && !isInside(roots, first)) throw isOutside(base, entry, first);
  return first ?? null;
}

const isInside = (roots: readonly string[], path: string): boolean =>
  roots.some((root) => {
    const way = relative(root, path);
    return !isAbsolute(way) && way.split(sep)[0] !== '..';
  });

const isOutside = (file: string, entry: string, found: string): InputError =>
  new InputError(OP, `${entry} is ${resolve(found)}, outside the folder of the data set`, {
    file,
    remedy: 'put its images into that folder, or give their folder with',
    option: 'images',
  });

async function filesOf(path: string, roots: readonly string[]): Promise<string[]> {
  if (!/\.txt$/i.test(path)) return imagesIn(path);
  const lines = (await readText(path)).split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line, i) => {
    if (line === '') return [];
    const image = isAbsolute(line) ? line : join(dirname(path), line);
    if (!isInside(roots, image)) throw isOutside(`${path}:${i + 1}`, line, image);
    return [image];
  });
}

async function imagesIn(folder: string): Promise<string[]> {
  return (await listFiles(folder)).filter((file) => imageEnding.test(file)).map((file) => join(folder, file));
}

async function labelFileOf(image: string, given: { base: string; file: string } | null): Promise<string | null> {
  const bare = image.split(sep).join('/');
  const candidates: string[] = [];
  // If the images are in a folder elsewhere, the labels have its structure.
  if (given !== null) {
    for (const folder of ['labels', ''])
      candidates.push(join(given.base, folder, given.file.replace(/\.[^./]*$/, '.txt')));
  }
  yoloLabelPath(bare, { has: (file) => candidates.push(file) < 0 });
  for (const file of candidates) if ((await stat(file).catch(() => null))?.isFile() === true) return file;
  return null;
}

/** All files in folders `labels`, each of which should have an image. */
async function labelFiles(base: string, labels: Folders['labels']): Promise<string[]> {
  if (labels === 'split') return [];
  const files = (await listFiles(base)).filter((file) => /(^|\/)labels\/.*\.txt$/i.test(file));
  return files.filter((file) => basename(file) !== 'classes.txt').map((file) => join(base, file));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** The deepest folder that contains all files. */
function commonFolder(files: readonly string[], otherwise: string): string {
  let parts: string[] | null = null;
  for (const file of files) {
    const own = dirname(resolve(file)).split(sep);
    if (parts === null) parts = own;
    let same = 0;
    while (same < parts.length && parts[same] === own[same]) same++;
    parts = parts.slice(0, same);
  }
  return parts === null ? otherwise : parts.join(sep) || sep;
}
